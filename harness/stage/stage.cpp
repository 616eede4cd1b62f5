#include "harness/stage/stage.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/evidence_writer.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/priority.h"

namespace badorigin::stage {

using namespace std::chrono_literals;
using capture::marker;

namespace {

/// With virtual time every run begins at the same wall-clock time, so that Date fields are the same from run to run: 2027-01-15T08:00:00Z.
constexpr nanoseconds virtual_wall_start = std::chrono::seconds(1'800'000'000);
/// What is in flight when the last step is over gets this long on the run's clock.
constexpr nanoseconds late_work = 130s;
constexpr nanoseconds late_work_real = 8s;

/// The seed makes bodies and choices; the nonce must differ between runs, so that markers and tokens of two runs in one capture are told
/// apart.
std::string fresh_nonce() {
    std::random_device entropy;
    return fmt::format("{:08x}", entropy());
}

/// A port that nobody listens on. Below those that the kernel gives to connections (32768 and up): one of these could be taken before the
/// proxy binds it. Threads take turns, so that no two get the same.
std::uint16_t free_port() {
    constexpr std::uint32_t first = 16384, count = 16384;
    static std::atomic<std::uint32_t> turn{static_cast<std::uint32_t>(::getpid()) * 61};
    for (std::uint32_t tries = 0; tries < count; ++tries) {
        const auto port = static_cast<std::uint16_t>(first + turn.fetch_add(1) % count);
        const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (probe < 0) throw run_error(fmt::format("no socket to be had: {}", std::strerror(errno)));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool bound = ::bind(probe, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
        ::close(probe);
        if (bound) return port;
    }
    throw run_error("no free TCP port on 127.0.0.1");
}

/// A storm that no script answers is told by its first requests.
std::vector<std::string> the_first_of(std::vector<std::string> sentences) {
    constexpr std::size_t most = 20;
    if (sentences.size() > most) {
        const std::string rest = fmt::format("and {} more like these", sentences.size() - most);
        sentences.resize(most);
        sentences.push_back(rest);
    }
    return sentences;
}

}  // namespace

stage::stage(stage_settings settings, const scenario::scenario& script, drivers::driver& proxy)
    : settings_(std::move(settings)),
      script_(script),
      virtual_time_(script.mode == scenario::time_mode::virtual_time),
      started_(std::chrono::steady_clock::now()),
      nonce_(fresh_nonce()) {
    std::filesystem::create_directories(settings_.folder + "/proxy");
    wall_start_ = virtual_time_ ? virtual_wall_start : nanoseconds(std::chrono::system_clock::now().time_since_epoch());
    manifest_.tool_version = settings_.tool_version;
    manifest_.scenario = script.id;
    manifest_.proxy = settings_.proxy.empty() ? proxy.name() : settings_.proxy;
    manifest_.seed = settings_.seed;
    manifest_.run = nonce_;
    manifest_.evidence = settings_.evidence;
    manifest_.virtual_time = virtual_time_;
    manifest_.planted_bug = settings_.planted_bugs.empty() ? std::string() : settings_.planted_bugs.front();
    cast_proxies(proxy);
    try {
        write_script();
        start_peers();
        start_capture();
        start_proxies();
        // From now on whatever ends the run, a full disk or kill -9, leaves a bundle that says so.
        manifest_.interrupted = "the harness was ended before the run was over";
        kept(capture::write_manifest(settings_.folder, manifest_));
        manifest_.interrupted.clear();
    } catch (const std::exception& e) {
        take_down(e.what());
        throw;
    }
}

stage::~stage() {
    if (down_) return;
    try {
        take_down("abandoned");
    } catch (const std::exception&) {  // the bundle says what could be kept
    }
}

void stage::kept(const std::expected<void, std::string>& written) {
    if (!written) throw run_error("evidence could not be written: " + written.error());
}

void stage::write_script() const {
    const std::string file = settings_.folder + "/scenario.yaml";
    errno = 0;
    std::ofstream yaml(file);
    for (const auto& what : handed_over_) yaml << "# Answered by a program, which this file cannot hold: " << what << '\n';
    yaml << scenario::write_yaml(script_);
    yaml.close();
    if (!yaml) kept(std::unexpected(fmt::format("{}: {}", file, std::strerror(errno))));
}

nanoseconds stage::now() const {
    return engine_->now();
}

void stage::start_peers() {
    peers::engine_settings about;
    about.virtual_time = virtual_time_;
    about.wall_start = wall_start_;
    about.run = nonce_;
    about.keep_received = settings_.keep_received;
    about.all_addresses = proxies_.size() > 1;
    peers::socket_watch watch;
    if (settings_.evidence == capture::evidence_kind::tap) {
        auto tap = make_tap_witness(settings_.folder + "/packets.pcapng", nonce_);
        witness_ = std::move(tap.packets);
        watch = std::move(tap.watch);
    }
    engine_ = std::make_unique<peers::engine>(about, std::move(watch));
    auto& first = proxies_.front();
    const bool fixed = settings_.own_namespace || first.driver->name() == "at";
    std::uint16_t next = 9001;
    for (const auto& origin : script_.origins) ports_[origin.name] = engine_->add_origin(origin, fixed ? next++ : std::uint16_t{0});
    if (!fixed) first.port = free_port();
    if (first.driver->name() == "at") know_address();
    name_addresses();
}

void stage::start_capture() {
    if (!witness_) {
        std::string filter;
        if (!settings_.own_namespace) {
            filter = fmt::format("udp port {} or tcp port {}", capture::marker_port, proxies_.front().port);
            for (const auto& [name, port] : ports_) filter += fmt::format(" or tcp port {}", port);
        }
        const higher_priority of_its_thread;  // inherited: what the capture cannot keep up with is lost
        witness_ = make_live_witness(settings_.folder + "/packets.pcapng", filter, nonce_);
    }
    started_ = std::chrono::steady_clock::now();  // with the marker, so that vitals and packets count from one moment
    mark(marker::kind::start, script_.id);
    if (!witness_->has_seen(0)) throw run_error("the capture on lo does not show our own packets");
}

void stage::mark(enum marker::kind kind, const std::string& text) {
    marker m;
    m.kind = kind;
    m.text = text;
    m.clock = engine_->now();
    m.wall = wall_start_;
    m.nonce = nonce_;
    witness_->mark(m);
}

void stage::rescript() {
    for (const auto& origin : script_.origins) {
        if (!ports_.contains(origin.name))
            throw run_error(
                fmt::format("origin {} is new, and the proxy was started without it: name all origins before the first step", origin.name));
        engine_->extend_script(origin);
    }
    write_script();
}

void stage::hand_over(const std::string& origin, const peers::route& where, peers::handover_taker take) {
    engine_->hand_over(origin, where, std::move(take));
    handed_over_.push_back(fmt::format("{} {} of origin {}", where.method, where.target, origin));
    write_script();
}

void stage::idle(const std::function<bool()>& done) {
    while (!done()) {
        if (virtual_time_) {
            engine_->poll(2ms);
        } else {
            engine_->run_until(done, now() + 1s);
            check_on_proxies();
        }
    }
}

std::vector<heard> stage::take_heard() {
    std::vector<heard> all;
    std::erase_if(unheard_, [&](const auto& one) {
        const auto state = engine_->state(one.second);
        if (state == peers::client_state::running) return false;
        all.push_back({one.first, state, engine_->heard(one.second)});
        return true;
    });
    return all;
}

void stage::check_interrupt() const {
    if (settings_.interrupt && settings_.interrupt->load(std::memory_order_relaxed)) throw interrupted();
}

void stage::take_down(const std::string& why) {
    if (down_) return;
    down_ = true;
    std::string trouble = why;
    if (why.empty()) {
        try {
            std::vector<client_run> runs;
            for (const auto& [name, run] : in_flight_) runs.push_back(run);
            const nanoseconds limit = now() + (virtual_time_ ? late_work : late_work_real);
            drive([&] { return all_done(runs) && engine_->busy() == 0; }, limit);
            sample("end");
        } catch (const std::exception& e) { trouble = e.what(); }
    }
    for (auto& one : proxies_) {
        if (const auto forced = stop(one); !forced.empty() && trouble.empty()) trouble = forced;
    }
    std::vector<capture::received> got;
    if (engine_) {
        manifest_.unexpected = the_first_of(engine_->unexpected_requests());
        for (const auto& r : engine_->shut_down()) {
            capture::received one;
            if (!capture::endpoint::parse(r.local, one.local) || !capture::endpoint::parse(r.remote, one.remote)) continue;
            one.bytes = r.bytes;
            one.fin = r.fin;
            one.rst = r.rst;
            got.push_back(one);
        }
    }
    if (witness_ && engine_) {
        marker last;
        last.kind = marker::kind::stop;
        last.nonce = nonce_;
        last.clock = engine_->now();
        last.wall = wall_start_;
        if (!witness_->has_seen(witness_->mark(last)) && trouble.empty()) trouble = "the capture did not show its last marker in time";
        const auto result = witness_->stop();
        manifest_.kernel_drops = result.kernel_drops;
        if (!result.error.empty()) trouble = "evidence could not be written: " + result.error;
    }
    manifest_.interrupted = trouble;
    try {
        kept(capture::write_manifest(settings_.folder, manifest_));
        kept(capture::write_vitals(settings_.folder, samples_));
        kept(capture::write_received(settings_.folder, got));
    } catch (const run_error& e) {
        if (trouble.empty()) trouble = e.what();  // else one full disk would be told twice
    }
    if (why.empty() && !trouble.empty()) throw run_error(trouble);
}

}  // namespace badorigin::stage
