// Capture → recording → stage → bundle → judge, and then against now.
#include "cli/replay.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/allowed.h"
#include "cli/front.h"
#include "cli/list.h"
#include "cli/replay_report.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/stage.h"
#include "harness/traffic/traffic.h"

namespace badorigin::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* examples = R"(
Examples:
  badorigin replay shop.pcap                                             through the bundled cache, as fast as it was
  badorigin replay client.pcap origin.pcap --speed max --proxy bundled --proxy varnish --proxy nginx
  badorigin replay shop.pcap --policy my.vcl --proxy varnish             with your own VCL
  badorigin replay shop.pcap --speed 10 --fault 'status_storm from 20s for 10s'
  badorigin replay shop.pcap --fault 'stall-before-response on /api/* from 1m for 30s'
  badorigin replay shop.pcap --volatile Set-Cookie --allow known.json    what is known and accepted, each with its reason
  badorigin replay shop.pcap --proxy 'cmd:nginx -e stderr -p {workdir} -c {config}'

Exit codes: 0 as then, or as allowed, and nothing violated; 1 a difference that is not allowed, or something violated; 2 usage, set-up or
            harness error; 3 something inconclusive; 130 interrupted (evidence kept))";

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

void write(const std::string& file, const std::string& text) {
    errno = 0;
    std::ofstream out(file);
    out << text;
    out.close();
    if (!out) throw std::runtime_error(fmt::format("{}: {}", file, std::strerror(errno)));
}

/// A name that a folder and a scenario can have.
std::string id_of(const std::string& capture) {
    fs::path path(capture);
    if (!path.has_filename()) path = path.parent_path();
    std::string id;
    for (const char c : path.stem().string()) {
        const bool fine = std::isalnum(static_cast<unsigned char>(c)) != 0;
        if (fine || (!id.empty() && id.back() != '-')) id += fine ? c : '-';
    }
    return "replay-" + (id.empty() ? "capture" : id);
}

class replaying {
public:
    explicit replaying(const replay_options& asked)
        : asked_{asked}, given_{settings_of(asked.from)}, allowed_{asked.allow}, proxies_{asked.proxies} {
        const auto pace = traffic::parse_pace(asked.speed);
        if (!pace) throw std::runtime_error(fmt::format("--speed {}: expected max or a number from 0.01 to 1000", asked.speed));
        pace_ = *pace;
        for (const auto& text : asked.faults) {
            auto storm = traffic::parse_storm(text);
            if (!storm) throw std::runtime_error(storm.error());
            storms_.push_back(std::move(*storm));
        }
        for (const auto& name : asked.volatile_fields) volatile_.insert(lower(name));
        if (proxies_.empty()) proxies_.emplace_back("bundled");
    }

    int replay() {
        require_capture(proxies_);
        read();
        settle_script();
        if (asked_.format == "text") say(recording_text(recording_, name_, pace_, notes_));
        auto worst = judge::outcome::upheld;
        auto results = nlohmann::ordered_json::array();
        for (const auto& proxy : proxies_) {
            if (interrupt.load()) break;
            const auto one = through(proxy);
            worst = judge::worst(worst, one.outcome);
            auto json = replayed_json(one, recording_, name_, pace_, notes_);
            if (!one.run.folder.empty()) write(one.run.folder + "/replay.json", dumped(json));
            if (asked_.format == "text") say(replayed_text(one, recording_));
            results.push_back(std::move(json));
        }
        if (asked_.format == "json")
            say(dumped({{"format", 1}, {"tool", "badorigin " BADORIGIN_VERSION}, {"replays", std::move(results)}}));
        if (!interrupt.load()) return stage::exit_code(worst);
        complain(fmt::format("interrupted; evidence so far is in {}", asked_.out));
        return 130;
    }

private:
    static std::string dumped(const nlohmann::ordered_json& what) {
        return what.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    }

    void read() {
        auto sources = read_sources(asked_.from.captures, asked_.from.proxies);
        if (sources.size() > 1) throw std::runtime_error("replay plays one recording: several capture files of one time, or one bundle");
        name_ = sources.front().name;
        evidence_ = std::move(sources.front().evidence);
        recording_ = traffic::record(evidence_, given_.origins);
        notes_ = std::move(sources.front().notes);
        if (!evidence_.incomplete.empty() && evidence_.manifest.evidence != capture::evidence_kind::file)
            notes_.push_back(evidence_.incomplete.front());
        notes_.insert(notes_.end(), recording_.notes.begin(), recording_.notes.end());
        if (!recording_.asks.empty()) return;
        std::string why = recording_.left_out.empty() ? "it shows no request that is read as HTTP/1.x" : recording_.left_out.begin()->first;
        throw std::runtime_error(fmt::format("nothing to replay from {}: {}", name_, why));
    }

    /// The policy is a folder of policies/, or a file for the proxies that read such a one.
    void settle_script() {
        script_.id = id_of(asked_.from.captures.front());
        script_.claim = fmt::format("What was recorded in {} happens again", name_);
        script_.policy = given_.policy;
        script_.promises = given_.promises;
        script_.placeholders = given_.values;
        script_.rules_off = given_.rules_off;
        script_.mode = asked_.clock == "virtual" ? scenario::time_mode::virtual_time : scenario::time_mode::real_time;
        script_.always_real_time = script_.mode == scenario::time_mode::real_time;
        if (!script_.always_real_time) script_.needs.emplace_back("virtual-time");
        for (const auto& name : recording_.origins) script_.origins.push_back({name, {}, peers::listening::accept});
        scenario::step whole;
        whole.name = "replay";
        whole.settle = std::chrono::nanoseconds{0};
        script_.steps.push_back(std::move(whole));
        policies_ = asked_.from.policies.empty() ? "scenarios/policies" : asked_.from.policies;
        if (!fs::is_regular_file(given_.policy)) return;
        script_.policy = "given";
        policies_ = asked_.out + "/policies";
        fs::create_directories(policies_ + "/given");
        for (const auto& proxy : proxies_) {
            const auto file = drivers::make_driver(proxy, program_directory())->policy_file();
            if (file.empty()) continue;  // somebody else has configured it
            if (given_.policy.ends_with(".vcl") != file.ends_with(".vcl"))
                throw std::runtime_error(fmt::format("--policy {}: {} reads a {}; replay it by itself, or give a folder that has both",
                                                     given_.policy, proxy, file));
            fs::copy_file(given_.policy, policies_ + "/given/" + file, fs::copy_options::overwrite_existing);
        }
    }

    stage::playback playback_of(traffic::answers& answering, progress_line& line) const {
        stage::playback out;
        const auto& asks = recording_.asks;
        for (std::size_t i = 0; i < asks.size(); ++i) {
            out.turns.push_back({pace_.wait(asks[i].at), pace_.wait(asks[i].over_at), 0, asks[i].then->on->id, asks[i].last_on_connection});
            out.over.push_back(i);
        }
        std::ranges::stable_sort(out.over, {}, [&](std::size_t i) { return asks[i].over.number; });
        std::size_t after = 0;
        for (std::size_t i = 0; i < asks.size(); ++i) {
            while (after < out.over.size() && asks[out.over[after]].over.number < asks[i].then->request->first.number) ++after;
            out.turns[i].after = after;
        }
        out.keep_times = pace_.speed.has_value();
        out.request = [&](std::size_t turn) { return answering.request(turn); };
        out.answer = [&](const std::string& origin, const peers::request_facts& asked, std::chrono::nanoseconds now) {
            return std::optional{answering.to(origin, asked, now)};
        };
        out.begin = [&](std::chrono::nanoseconds now) { answering.begin(now); };
        out.progress = [&, all = asks.size()](std::size_t over) {
            line.show(over, all,
                      [&](double seconds) { return fmt::format("{}/{}, {:.0f}/s", over, all, static_cast<double>(over) / seconds); });
        };
        return out;
    }

    replayed through(const std::string& proxy) {
        stage::run_settings settings;
        settings.policies = policies_;
        settings.program_directory = program_directory();
        settings.out = asked_.out;
        settings.keep = stage::keep_evidence::always;
        settings.own_namespaces = can_have_own_namespaces();
        settings.interrupt = &interrupt;
        settings.tool_version = BADORIGIN_VERSION;
        traffic::answers answering(recording_, pace_, storms_);
        replayed out;
        out.proxy = proxy;
        {
            progress_line line;
            const auto what = playback_of(answering, line);
            out.run = stage::run_one(script_, proxy, settings, [&](stage::stage& scene) { scene.play(what); });
        }
        out.answers = answering.counts();
        out.outcome = out.run.verdict.outcome;
        if (out.run.folder.empty() || out.outcome == judge::outcome::error) return out;
        compare(answering.shift(), out);
        return out;
    }

    void compare(const traffic::date_shift& shift, replayed& out) {
        const auto now = capture::read_bundle(out.run.folder);
        if (!now) throw std::runtime_error(now.error());
        out.compared = traffic::compare(recording_, *now, shift, {pace_, storms_, volatile_});
        allowed_.begin_again();
        for (const auto& d : out.compared.differences) {
            const auto* by = allowed_.allow(d, recording_, out.proxy);
            out.differences.push_back({d, by ? by->reason : std::string{}});
            if (!by) ++out.not_allowed;
        }
        for (const auto* entry : allowed_.idle(out.proxy)) out.idle.push_back(entry->reason);
        if (out.not_allowed == 0) return;
        // What is missing from the packets may be what differs.
        out.outcome = judge::worst(out.outcome, now->incomplete.empty() ? judge::outcome::violated : judge::outcome::inconclusive);
    }

    const replay_options& asked_;
    traffic::import_settings given_;
    allowed_differences allowed_;
    std::vector<std::string> proxies_;
    traffic::pace pace_;
    std::vector<traffic::storm> storms_;
    std::set<std::string> volatile_;
    capture::evidence evidence_;
    traffic::recording recording_;
    scenario::scenario script_;
    std::string name_, policies_;
    std::vector<std::string> notes_;
};

}  // namespace

CLI::App* add_replay(CLI::App& app, replay_options& into) {
    auto* command =
        app.add_subcommand("replay", "Play captured traffic again through a proxy and compare what it does with what was done then");
    command->add_option("captures", into.from.captures, "Capture files, which are read as one, or one bundle")->required();
    command->add_option("--proxy", into.proxies,
                        "bundled | varnish | varnish:/path/to/varnishd | nginx | nginx:/path/to/nginx | cmd:COMMAND LINE | at:HOST:PORT "
                        "(repeatable; default bundled)");
    command->add_option("--speed", into.speed, "1: as it was; 10: ten times as fast, lifetimes divided by ten; max: only the order is kept")
        ->capture_default_str();
    command->add_option("--clock", into.clock, "real; virtual: the bundled cache's, which jumps over pauses, so that all expires as it did")
        ->check(CLI::IsMember({"real", "virtual"}))
        ->capture_default_str();
    command->add_option(
        "--fault", into.faults,
        "'NAME [on TARGET] from TIME for TIME' of the recording, laid over what origins answered (repeatable): status_storm, "
        "status_storm=500, or a fault of: badorigin list faults");
    command->add_option("--policy", into.from.policy, "A configuration file for the proxy (VCL, nginx.conf, …), or a folder of policies")
        ->capture_default_str();
    command->add_option("--policies", into.from.policies, "Folder of policies (default: scenarios/policies)");
    add_policy_options(*command, into.from);
    command->add_option("--origin", into.from.origins,
                        "NAME=ADDRESS:PORT: an origin that the policy tells apart (default: app plays them all; repeatable)");
    command->add_option("--volatile", into.volatile_fields, "A response field that may differ (repeatable)");
    command->add_option("--allow", into.allow, "A list of differences that are known and accepted, as JSON");
    command->add_option("-o,--out,--output", into.out, "Where evidence goes")->capture_default_str();
    command->add_option("--format", into.format, "text, json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
    command->footer(examples);
    return command;
}

int replay(const replay_options& asked) {
    catch_interrupts();
    return replaying{asked}.replay();
}

}  // namespace badorigin::cli
