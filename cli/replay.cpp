// Capture → recording → stage → bundle → judge, and then against now.
#include "cli/replay.h"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/front.h"
#include "cli/list.h"
#include "harness/replay/told.h"
#include "harness/stage/rights.h"

namespace badorigin::cli {

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

replay::settings settings_of(const replay_options& asked) {
    replay::settings out;
    out.capture = asked.from.captures.front();
    out.given = settings_of(asked.from);
    out.pace = replay::pace_of(asked.speed);
    out.virtual_time = asked.clock == "virtual";
    out.storms = replay::storms_of(asked.faults);
    out.volatile_fields = replay::field_names(asked.volatile_fields);
    if (!asked.allow.empty()) out.allowed = replay::allowed_differences::read(asked.allow);
    out.run.proxies = asked.proxies;
    out.run.policies = asked.from.policies.empty() ? "scenarios/policies" : asked.from.policies;
    out.run.program_directory = program_directory();
    out.run.out = asked.out;
    out.run.interrupt = &interrupt;
    out.run.tool_version = BADORIGIN_VERSION;
    return out;
}

replay::replayed through(replay::replayer& recorded, const std::string& proxy) {
    progress_line line;
    return recorded.through(proxy, [&](std::size_t over, std::size_t all) {
        line.show(over, all,
                  [&](double seconds) { return fmt::format("{}/{}, {:.0f}/s", over, all, static_cast<double>(over) / seconds); });
    });
}

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
    auto settings = settings_of(asked);
    require_capture(asked.proxies);
    settings.run.own_namespaces = stage::can_have_own_namespaces();
    auto sources = read_sources(asked.from.captures, asked.from.proxies);
    if (sources.size() > 1) throw std::runtime_error("replay plays one recording: several capture files of one time, or one bundle");
    settings.name = sources.front().name;
    settings.notes = std::move(sources.front().notes);
    replay::replayer recorded(sources.front().evidence, std::move(settings));
    const bool in_words = asked.format == "text";
    if (in_words) say(recording_text(recorded));
    auto worst = judge::outcome::upheld;
    auto results = nlohmann::ordered_json::array();
    for (const auto& proxy : asked.proxies) {
        if (interrupt.load()) break;
        const auto one = through(recorded, proxy);
        worst = judge::worst(worst, one.outcome);
        if (in_words) say(replayed_text(one, recorded));
        results.push_back(replayed_json(one, recorded));
    }
    if (!in_words) say(replay::json_text({{"format", 1}, {"tool", "badorigin " BADORIGIN_VERSION}, {"replays", std::move(results)}}));
    if (!interrupt.load()) return stage::exit_code(worst);
    complain(fmt::format("interrupted; evidence so far is in {}", asked.out));
    return 130;
}

}  // namespace badorigin::cli
