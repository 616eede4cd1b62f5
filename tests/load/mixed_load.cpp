// mixed_load: hits, misses, passes, POSTs, ESI, bans, reloads and every fault of the catalogue on one bundled cache, for as long as asked.
//
// Clients and origins are this process; they come and go in rounds. Each answer and each body that an origin gets is checked, and between
// two rounds the cache must be at rest: nothing in flight, no descriptor more than at the start. Its memory is printed, and over a run of
// ten minutes or more it must be flat. Exit: 0 all is well, 1 it is not, 2 set-up.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "capture/recorder.h"
#include "proxy-under-test/drivers/control_socket.h"
#include "proxy-under-test/drivers/words.h"
#include "tests/load/origin_ear.h"
#include "tests/load/traffic_mix.h"

using namespace badorigin;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

volatile std::sig_atomic_t interrupted = 0;

struct options {
    std::string cache, log;
    std::vector<std::string> planted;
    double seconds = 15, rate = 0;
    std::size_t clients = 32, per_round = 3'000;
    std::uint64_t seed = 1;
};

constexpr auto policy = R"(vcl 4.1;
# version {version}
import std;
import saintmode;
backend app {{ .host = "127.0.0.1"; .port = "{app}"; .first_byte_timeout = 2s; .between_bytes_timeout = 1s; .connect_timeout = 1s; }}
backend other {{
    .host = "127.0.0.1"; .port = "{other}"; .first_byte_timeout = 2s; .between_bytes_timeout = 1s;
    .probe = {{ .url = "/hot/probe"; .interval = 500ms; .timeout = 400ms; .window = 4; .threshold = 2; }}
}}
sub vcl_init {{ new saint = saintmode.saintmode(app, 0); }}
sub vcl_recv {{
    set req.http.X-Version = "{version}";
    set req.backend_hint = saint.backend();
    if (req.method == "PURGE") {{ return (purge); }}
    if (req.method == "POST") {{ std.cache_req_body(300KB); return (pass); }}
    if (req.url ~ "^/pass/") {{ return (pass); }}
    if (req.url ~ "[02468]$" && std.healthy(other)) {{ set req.backend_hint = other; }}
}}
sub vcl_backend_response {{
    set beresp.grace = 2s;
    set beresp.keep = 5s;
    if (bereq.url ~ "^/(esi|nest|badesi)/") {{ set beresp.do_esi = true; }}
    if (bereq.url ~ "^/gz/") {{ set beresp.do_gzip = true; }}
    if (bereq.url ~ "^/(cold|big)/") {{ set beresp.storage = storage.burst; }}
    if (beresp.status >= 500 && bereq.url ~ "^/fault/" && bereq.method == "GET") {{
        saintmode.blacklist(1s);
        return (retry);
    }}
}}
sub vcl_backend_error {{ if (bereq.retries < 1 && bereq.url ~ "[13]$") {{ return (retry); }} }}
)";

/// The cache as a program of its own, its control socket, and the folder that holds both.
class cache_program {
public:
    explicit cache_program(const options& chosen) {
        ports_ = {take_port("app"), take_port("other")};
        write_policy("boot");
        drivers::process_settings what;
        what.directory = folder_.path();
        what.output_file = folder_.path() + "/said";
        what.channel = true;
        what.arguments = {chosen.cache, "--listen", "127.0.0.1:0", "--vcl",      "boot.vcl",           "--control", "control.sock",
                          "--store",    "12MiB",    "--store",     "burst=8MiB", "--largest-response", "4MiB"};
        if (!chosen.log.empty()) what.arguments.insert(what.arguments.end(), {"--log", std::filesystem::absolute(chosen.log)});
        for (const auto& bug : chosen.planted) what.arguments.insert(what.arguments.end(), {"--plant", bug});
        if (::geteuid() == 0) what.arguments.insert(what.arguments.end(), {"--user", "root"});  // the folder is root's alone
        child_.emplace(what);
        wait_until_ready();
        control_.emplace(folder_.path(), "control.sock");
    }

    std::uint16_t port() const { return port_; }
    const std::pair<std::uint16_t, std::uint16_t>& origin_ports() const { return ports_; }
    drivers::process& child() { return *child_; }
    nlohmann::json ask(const nlohmann::json& what) { return control_->ask(what, steady_clock::now() + 20s); }
    void ban(const std::string& expression) { ask({{"do", "ban"}, {"expression", expression}}); }

    void reload() {
        const auto name = fmt::format("v{}", ++version_);
        write_policy(name);
        ask({{"do", "load"}, {"name", name}, {"file", file_of(name)}});
        ask({{"do", "use"}, {"name", name}});
        ask({{"do", "discard"}, {"name", configuration_}});
        std::filesystem::remove(file_of(configuration_));
        configuration_ = name;
    }

    /// How it ended when asked to; empty: as it should. What a sanitizer said is said here.
    std::string end() {
        const bool forced = child_->stop(steady_clock::now() + 60s);
        std::size_t offset = 0;
        const auto said = child_->output_since(offset);
        if (said.find("Sanitizer") != std::string::npos || said.find("runtime error:") != std::string::npos) return said;
        if (forced) return "it did not end when asked to";
        return child_->ending() == "exit 0" ? "" : fmt::format("it ended with {}:\n{}", child_->ending(), child_->last_words());
    }

private:
    /// A port that the round's engines then listen on; in this network namespace nobody else takes one.
    static std::uint16_t take_port(const std::string& name) {
        peers::engine engine({});
        return engine.add_origin({.name = name, .routes = {}});
    }

    std::string file_of(const std::string& name) const { return folder_.path() + "/" + name + ".vcl"; }

    void write_policy(const std::string& name) const {
        std::ofstream(file_of(name)) << fmt::format(policy, fmt::arg("version", name), fmt::arg("app", ports_.first),
                                                    fmt::arg("other", ports_.second));
    }

    void wait_until_ready() {
        std::string said;
        while (said.find('\n') == std::string::npos) {
            if (!drivers::poll_until(child_->channel(), child_->end_descriptor(), POLLIN, steady_clock::now() + 30s))
                throw drivers::set_up_error("badorigin-cache was not ready within 30 s");
            char piece[256];
            const auto size = ::read(child_->channel(), piece, sizeof piece);
            if (size > 0) said.append(piece, static_cast<std::size_t>(size));
            if (size == 0 || !child_->running()) throw drivers::set_up_error("badorigin-cache does not start:\n" + child_->last_words());
        }
        port_ = static_cast<std::uint16_t>(std::stoi(said.substr(said.rfind(':') + 1)));
    }

    drivers::private_folder folder_;  // before the program that works in it
    std::string configuration_ = "boot";
    std::pair<std::uint16_t, std::uint16_t> ports_;
    std::optional<drivers::process> child_;
    std::optional<drivers::control_socket> control_;
    std::uint16_t port_ = 0;
    int version_ = 0;
};

struct totals {
    std::size_t requests = 0, reached_origins = 0, bodies = 0, bans = 0, reloads = 0;
    std::map<std::string, std::size_t> outcomes;
    std::vector<std::string> complaints;
};

/// One round: engines of its own, so that what they keep of each connection goes with them.
class round {
public:
    round(const options& chosen, cache_program& cache, totals& sums, std::uint64_t number)
        : chosen_(chosen), cache_(cache), sums_(sums), chance_(chosen.seed * 1'000'003 + number), engine_(settings(number), ear_.watch()) {
        for (const auto& [name, port] : {std::pair("app", cache.origin_ports().first), std::pair("other", cache.origin_ports().second)})
            engine_.add_origin({.name = name, .routes = {}}, port);
        engine_.set_responder([this](const auto&, const auto& to, auto) { return load::answer(to, chance_); });
    }

    /// Until its requests are through, or `until`, when no more are begun.
    void run(steady_clock::time_point until) {
        slots_.resize(chosen_.clients);
        last_used_.assign(chosen_.clients, steady_clock::time_point{});
        const auto begun_at = steady_clock::now();
        std::size_t begun = 0;
        for (;;) {
            const bool more = begun < chosen_.per_round && steady_clock::now() < until && !interrupted;
            const auto due = chosen_.rate > 0 ? static_cast<std::size_t>(chosen_.rate * since(begun_at)) + 1 : chosen_.per_round;
            std::size_t busy = 0;
            for (std::size_t n = 0; n < slots_.size(); ++n) {
                auto& slot = slots_[n];
                if (slot && slot->from.empty()) slot->from = engine_.local(slot->id);
                if (slot && engine_.state(slot->id) != peers::client_state::running) {
                    over(*slot);
                    if (!slot->request.what.connection.empty()) last_used_[n] = slot->begun;
                    slot.reset();
                }
                if (!slot && more && begun < due) start(n, sums_.requests + begun++);
                busy += slot ? 1 : 0;
            }
            if (!busy && !more) break;
            engine_.poll(2ms);
        }
        sums_.requests += begun;
        // What the cache still fetches for nobody in particular has its end, too, while the origins listen.
        const auto patience = steady_clock::now() + 20s;
        while (cache_.ask({{"do", "status"}})["fetching"] != 0 && steady_clock::now() < patience) engine_.poll(20ms);
        engine_.shut_down();
        sums_.reached_origins += ear_.requests();
        sums_.bodies += ear_.bodies();
        std::ranges::move(ear_.complaints(), std::back_inserter(sums_.complaints));
    }

private:
    struct asking {
        load::asked request;
        peers::engine::client_id id;
        steady_clock::time_point begun;
        double idle;       ///< seconds since the request before it on its connection was begun
        std::string from;  ///< "127.0.0.1:40000", once connected
    };

    static double since(steady_clock::time_point when) { return std::chrono::duration<double>(steady_clock::now() - when).count(); }
    static peers::engine_settings settings(std::uint64_t number) {
        peers::engine_settings out;
        out.wall_start = std::chrono::system_clock::now().time_since_epoch();
        out.run = fmt::format("r{}", number);
        out.keep_received = true;
        return out;
    }

    void start(std::size_t place, std::uint64_t serial) {
        auto request = load::next_request(chance_, serial);
        if (!request.may_vanish && chance_() % 4 != 0) {
            request.what.connection = fmt::format("kept-{}", place);
            // The cache may close it at this moment (5 s idle): then nobody did wrong. It counts from its answer, which came after the
            // request began, and perhaps long before this process was given the time to see it.
            if (since(last_used_[place]) > 2) engine_.close_connection(request.what.connection);
        }
        const auto id = engine_.start(request.what, "127.0.0.1", cache_.port());
        slots_[place] = asking{std::move(request), id, steady_clock::now(), since(last_used_[place]), {}};
        if (serial % 400 == 0) {
            cache_.ban(fmt::format("req.url ~ \"^/hot/{}\"", chance_() % 7));
            ++sums_.bans;
        }
        if (serial % 700 == 0) {
            cache_.reload();
            ++sums_.reloads;
        }
    }

    void over(const asking& done) {
        const auto& heard = engine_.heard(done.id);
        if (auto wrong = load::complaint(done.request, engine_.state(done.id), heard); !wrong.empty()) {
            sums_.complaints.push_back(
                fmt::format("{} (from {}, {:.3f} s after it was begun; the request before it on its connection was begun {:.3f} s before)",
                            wrong, done.from, since(done.begun), done.idle));
            fmt::print("wrong: {}\n", sums_.complaints.back());
            std::fflush(stdout);
        }
        ++sums_.outcomes[load::outcome(done.request, heard)];
    }

    const options& chosen_;
    cache_program& cache_;
    totals& sums_;
    std::mt19937_64 chance_;
    load::origin_ear ear_;
    peers::engine engine_;
    std::vector<std::optional<asking>> slots_;
    std::vector<steady_clock::time_point> last_used_;  ///< the kept connection of each slot: when a request on it was begun
};

/// Descriptors and memory at rest; what should have gone has ten seconds for it.
drivers::vitals at_rest(cache_program& cache, std::optional<std::uint32_t> descriptors, totals& sums) {
    const auto patience = steady_clock::now() + 10s;
    for (;;) {
        const auto fetching = cache.ask({{"do", "status"}})["fetching"].get<std::size_t>();
        const auto now = cache.child().measure();
        if ((!descriptors || now.descriptors <= *descriptors) && fetching == 0) return now;
        if (steady_clock::now() > patience) {
            sums.complaints.push_back(fmt::format("at rest the cache has {} descriptors, {} at the start, and {} fetches under way",
                                                  now.descriptors, descriptors.value_or(0), fetching));
            return now;
        }
        drivers::poll_until(cache.child().end_descriptor(), -1, POLLIN, steady_clock::now() + 50ms);
    }
}

/// Memory grew from the second quarter to the last by more than a twentieth and a MiB.
std::string growth(const std::vector<std::uint64_t>& resident) {
    const auto mean = [&](std::size_t from, std::size_t to) {
        double sum = 0;
        for (std::size_t i = from; i < to; ++i) sum += static_cast<double>(resident[i]);
        return sum / static_cast<double>(to - from) / 1048576;
    };
    const auto quarter = resident.size() / 4;
    if (quarter < 5) return {};
    const double early = mean(quarter, 2 * quarter), late = mean(3 * quarter, resident.size());
    fmt::print("resident: {:.1f} MiB in the second quarter, {:.1f} MiB in the last\n", early, late);
    return late > early * 1.05 + 1 ? fmt::format("its memory grows: {:.1f} MiB, later {:.1f} MiB", early, late) : "";
}

int run(const options& chosen) {
    if (auto own = capture::enter_fresh_network_namespace(); !own) throw drivers::set_up_error(own.error());
    cache_program cache(chosen);
    totals sums;
    const auto begun = steady_clock::now();
    const auto until = begun + std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(chosen.seconds));
    const auto idle = at_rest(cache, std::nullopt, sums);
    std::vector<std::uint64_t> resident;
    for (std::uint64_t number = 0; steady_clock::now() < until && !interrupted && sums.complaints.size() < 20; ++number) try {
            round(chosen, cache, sums, number).run(until);
            const auto rest = at_rest(cache, idle.descriptors, sums);
            resident.push_back(rest.resident_bytes);
            const auto status = cache.ask({{"do", "status"}});
            fmt::print("{:6.0f} s {:9} requests {:6.1f} MiB {:3} descriptors {:5} objects {:4} bans\n",
                       std::chrono::duration<double>(steady_clock::now() - begun).count(), sums.requests,
                       static_cast<double>(rest.resident_bytes) / 1048576, rest.descriptors, status["objects"].get<int>(),
                       status["bans"].get<int>());
            std::fflush(stdout);
        } catch (const drivers::control_lost& lost) {
            sums.complaints.push_back(lost.what());
            break;
        }
    if (auto end = cache.end(); !end.empty()) sums.complaints.push_back("the cache: " + end);
    if (chosen.seconds >= 600 && !interrupted)
        if (auto grows = growth(resident); !grows.empty()) sums.complaints.push_back(grows);

    fmt::print("{} requests, {} at origins, {} bodies compared there, {} bans, {} reloads\nanswers:", sums.requests, sums.reached_origins,
               sums.bodies, sums.bans, sums.reloads);
    for (const auto& [outcome, count] : sums.outcomes) fmt::print(" {} {}", outcome, count);
    fmt::print("\n");
    for (const auto& one : sums.complaints) fmt::print("wrong: {}\n", one);
    if (sums.requests == 0 && sums.complaints.empty()) throw drivers::set_up_error("no request was made");
    return sums.complaints.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    chosen.cache = std::filesystem::canonical("/proc/self/exe").parent_path() / "badorigin-cache";
    CLI::App app("Mixed load on the bundled cache: every answer is checked, and at rest nothing may be left.");
    app.add_option("--for", chosen.seconds, "How long, in seconds")->check(CLI::PositiveNumber);
    app.add_option("--cache", chosen.cache, "The cache, such as that of a sanitizer build; the one beside this program if not said")
        ->check(CLI::ExistingFile);
    app.add_option("--log", chosen.log, "The cache's own log goes there (docs/log.md); some 4 kB a request");
    app.add_option("--plant", chosen.planted, "An error that the cache commits; it is to be found");
    app.add_option("--clients", chosen.clients, "How many ask at once")->check(CLI::Range(1, 1000));
    app.add_option("--per-round", chosen.per_round, "Requests a round; between rounds the cache is at rest")->check(CLI::PositiveNumber);
    app.add_option("--rate", chosen.rate, "At most so many requests a second; as many as go if not said")->check(CLI::PositiveNumber);
    app.add_option("--seed", chosen.seed, "Other requests, in another order");
    app.footer("\nExamples:\n  build/mixed_load --for 3600 --rate 500\n  build/mixed_load --for 600 --cache build-asan/badorigin-cache");
    CLI11_PARSE(app, argc, argv);
    for (const int number : {SIGINT, SIGTERM}) std::signal(number, [](int) { interrupted = 1; });
    try {
        return run(chosen);
    } catch (const std::exception& wrong) {
        fmt::print(stderr, "mixed_load: {}\n", wrong.what());
        return 2;
    }
}
