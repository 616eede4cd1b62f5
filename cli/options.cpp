#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "harness/scenario/yaml.h"

namespace badorigin::cli {

namespace {

constexpr const char* examples = R"(
Examples:
  badorigin run scenarios                                  the bundled suite against the bundled cache
  badorigin run scenarios/saint --proxy varnish            one suite against Debian's varnishd
  badorigin run scenarios --proxy bundled --proxy varnish --junit report.xml --json report.json
  badorigin run scenarios --plant body-lost-on-retry       prove that the checks can fail
  badorigin run conformance --proxy nginx                  the conformance table against any proxy
  badorigin run my.yaml --proxy 'cmd:haproxy -db -f {config}'
  badorigin judge out/bundled/saint/*                      judge stored evidence again
  badorigin verify client.pcap origin.pcap                 judge what tcpdump has seen of any proxy
  badorigin log capture.pcap -q 'RespStatus >= 500'         transactions of captured traffic
  badorigin import shop.pcap -o shop                       scenarios of captured traffic, to be run
  badorigin replay shop.pcap --proxy varnish               captured traffic played again, then against now
  badorigin list faults

Exit codes: 0 all upheld or not applicable, 1 something violated, 2 usage, set-up or harness error,
            3 something inconclusive and nothing violated, 130 interrupted (evidence kept)
)";

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
    const auto near = scenario::near_miss(word, candidates);
    return near.empty() ? std::string() : fmt::format("; did you mean {}?", near);
}

/// The mistake in one sentence, and where to read on.
std::string explain(CLI::App& app, const CLI::ParseError& mistake) {
    const auto parsed = app.get_subcommands();
    CLI::App& in = parsed.empty() ? app : *parsed.front();
    const std::string help = fmt::format("(see: badorigin{} --help)", parsed.empty() ? "" : " " + in.get_name());
    const auto left = app.remaining(true);
    if (left.empty()) {
        if (parsed.empty()) return fmt::format("say what to do: run, judge, verify, log, import, replay or list {}", help);
        return fmt::format("{} {}", mistake.what(), help);
    }
    std::vector<std::string> known;
    if (left.front().starts_with('-')) {
        const std::string option = left.front().substr(0, left.front().find('='));
        for (const auto* each : in.get_options()) {
            for (const auto& name : each->get_lnames()) known.push_back("--" + name);
        }
        return fmt::format("there is no option {}{} {}", option, did_you_mean(option, known), help);
    }
    if (!parsed.empty()) return fmt::format("{} is one word too many {}", left.front(), help);
    for (const auto* each : app.get_subcommands([](const CLI::App*) { return true; })) known.push_back(each->get_name());
    return fmt::format("there is no command {}{} {}", left.front(), did_you_mean(left.front(), known), help);
}

std::string seconds(const std::string& word) {
    double value = 0;
    const auto [end, wrong] = std::from_chars(word.data(), word.data() + word.size(), value);
    const bool fits = wrong == std::errc{} && end == word.data() + word.size() && value >= 0.001 && value <= 3600;
    return fits ? std::string() : fmt::format("{} is no number of seconds from 0.001 to 3600", word);
}

const std::vector<std::string> lists{"scenarios", "rules", "faults", "planted-bugs", "vcl"};

std::string known_list(const std::string& word) {
    if (std::find(lists.begin(), lists.end(), word) != lists.end()) return {};
    return fmt::format("there is no list of {}, only of {}{}", word, fmt::join(lists, ", "), did_you_mean(word, lists));
}

void add_reports(CLI::App& command, options& into) {
    command.add_option("--junit", into.junit, "Write JUnit XML here");
    command.add_option("--json", into.json, "Write results as JSON here");
    command.add_option("--html", into.html, "Write a page to look at here, which needs nothing else");
}

}  // namespace

bool parse(int argc, char** argv, options& into, int& exit_code) {
    CLI::App app{"badorigin: bad origins, on purpose. Drives an HTTP cache with misbehaving origins and judges it from the packets."};
    app.footer(examples);
    app.set_version_flag("--version", "badorigin " BADORIGIN_VERSION);
    app.require_subcommand(1);

    auto* run = app.add_subcommand("run", "Run scenarios against proxies and judge the packets");
    run->add_option("paths", into.paths, "Scenario files or folders (default: ./scenarios)");
    std::vector<std::string> proxies;
    run->add_option(
        "--proxy", proxies,
        "bundled | varnish | varnish:/path/to/varnishd | nginx | cmd:COMMAND LINE | at:HOST:PORT (repeatable; default bundled)");
    run->add_option("--filter", into.filter, "Only scenarios whose id contains this text, or matches it when it has a * in it");
    run->add_option("--jobs", into.jobs, "Scenarios side by side")->check(CLI::Range(1, 64))->capture_default_str();
    run->add_option("--out", into.out, "Where evidence goes")->capture_default_str();
    add_reports(*run, into);
    run->add_option("--plant", into.plant, "Make the bundled cache commit this error (see list planted-bugs; repeatable)");
    run->add_option("--seed", into.seed, "Seed of generated content that names none")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{std::numeric_limits<std::int64_t>::max()}))
        ->capture_default_str();
    run->add_option("--keep-evidence", into.keep, "Keep bundles: always, violated (whatever is not upheld), never")
        ->check(CLI::IsMember({"always", "violated", "never"}))
        ->capture_default_str();
    run->add_option("--evidence", into.evidence,
                    "libpcap: a packet capture; tap: what our own sockets saw, which needs no right to capture and shows less")
        ->check(CLI::IsMember({"libpcap", "tap"}))
        ->capture_default_str();
    run->add_option("--start-deadline", into.start_deadline, "Seconds in which a proxy must be ready")
        ->check(seconds)
        ->capture_default_str();
    run->add_option("--stop-deadline", into.stop_deadline, "Seconds in which a proxy must have ended before it is killed")
        ->check(seconds)
        ->capture_default_str();
    run->add_option("--policies", into.policies, "Folder of policies (default: policies/ beside the scenarios)");
    run->add_option("--colour,--color", into.colour, "auto, always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->capture_default_str();
    run->add_flag("--quiet", into.quiet, "Only what is not upheld, and the summary");
    run->footer(examples);

    auto* judge = app.add_subcommand("judge", "Judge stored bundles again, from the packets");
    judge->add_option("bundles", into.paths, "Folders that run has written")->required();
    add_reports(*judge, into);
    judge->add_option("--colour,--color", into.colour, "auto, always, never")->check(CLI::IsMember({"auto", "always", "never"}));
    judge->add_flag("--quiet", into.quiet, "Only what is not upheld, and the summary");
    judge->add_flag("--counts", into.counts, "Print PORT, requests|responses, NUMBER lines instead of verdicts");
    judge->footer("Example:\n  badorigin judge out/bundled/saint/blacklisted-url-keeps-away-from-its-origin");

    auto* verify = app.add_subcommand("verify", "Judge captures made elsewhere (tcpdump, Wireshark) by what packets alone can show");
    verify->add_option("captures", into.paths, "pcap or pcapng files; several are put together, as the client's side and the origins' side")
        ->required();
    verify->add_option("--proxy-addr", into.proxy_addresses, "ADDR[:PORT] of the proxy (repeatable; default: found from the traffic)");
    verify->add_option("--scenario", into.promises, "A scenario file whose promises and rules_off hold for the capture");
    verify->add_option("--advice", into.advice, "yes, no: tell what the site could do better, which decides nothing")
        ->check(CLI::IsMember({"yes", "no"}))
        ->capture_default_str();
    add_reports(*verify, into);
    verify->add_option("--colour,--color", into.colour, "auto, always, never")->check(CLI::IsMember({"auto", "always", "never"}));
    verify->add_flag("--quiet", into.quiet, "Only what is not upheld, and the summary");
    verify->footer("Example:\n  badorigin verify client.pcap origin.pcap --proxy-addr 10.0.0.5:80");

    auto* list = app.add_subcommand("list", "List what there is, one a line, id first");
    list->add_option("what", into.list_what, "scenarios | rules | faults | planted-bugs | vcl")->required()->check(known_list);
    list->add_option("paths", into.paths, "Scenario files or folders (default: ./scenarios)");

    auto* log = add_log(app, into.log);
    auto* import = add_import(app, into.import);
    auto* replay = add_replay(app, into.replay);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) {
            exit_code = app.exit(e);  // help or version
        } else {
            std::fputs(fmt::format("badorigin: {}\n", explain(app, e)).c_str(), stderr);
            exit_code = 2;
        }
        return false;
    }
    if (!proxies.empty()) {
        into.proxies.clear();
        for (const auto& one : proxies) {
            if (std::find(into.proxies.begin(), into.proxies.end(), one) == into.proxies.end()) into.proxies.push_back(one);
        }
    }
    if (run->parsed()) into.what = options::command::run;
    if (judge->parsed()) into.what = options::command::judge;
    if (verify->parsed()) into.what = options::command::verify;
    if (list->parsed()) into.what = options::command::list;
    if (log->parsed()) into.what = options::command::log;
    if (import->parsed()) into.what = options::command::import;
    if (replay->parsed()) into.what = options::command::replay;
    return true;
}

}  // namespace badorigin::cli
