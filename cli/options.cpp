#include "cli/options.h"

#include <CLI/CLI.hpp>

namespace badorigin::cli {

namespace {

constexpr const char* examples = R"(
Examples:
  badorigin run scenarios                                  the bundled suite against the bundled cache
  badorigin run scenarios/saint --proxy varnish            one suite against Debian's varnishd
  badorigin run scenarios --proxy bundled --proxy varnish --junit report.xml --json report.json
  badorigin run scenarios --plant body-lost-on-retry       prove that the checks can fail
  badorigin run my.yaml --proxy 'cmd:haproxy -db -f {config}'
  badorigin judge out/bundled/saint/*                      judge stored evidence again
  badorigin list faults

Exit codes: 0 all upheld or not applicable, 1 something violated, 2 usage, set-up or harness error,
            3 something inconclusive and nothing violated, 130 interrupted (evidence kept)
)";

}  // namespace

bool parse(int argc, char** argv, options& into, int& exit_code) {
    CLI::App app{"badorigin: bad origins, on purpose. Drives an HTTP cache with misbehaving origins and judges it from the packets."};
    app.footer(examples);
    app.set_version_flag("--version", "badorigin " BADORIGIN_VERSION);
    app.require_subcommand(1);

    auto* run = app.add_subcommand("run", "Run scenarios against proxies and judge the packets");
    run->add_option("paths", into.paths, "Scenario files or folders (default: ./scenarios)");
    std::vector<std::string> proxies;
    run->add_option("--proxy", proxies, "bundled | varnish | varnish:/path/to/varnishd | cmd:COMMAND LINE | at:HOST:PORT (repeatable; default bundled)");
    run->add_option("--filter", into.filter, "Only scenarios whose id contains this text, or matches it when it has a * in it");
    run->add_option("--jobs", into.jobs, "Scenarios side by side")->check(CLI::Range(1, 64))->capture_default_str();
    run->add_option("--out", into.out, "Where evidence goes")->capture_default_str();
    run->add_option("--junit", into.junit, "Write JUnit XML here");
    run->add_option("--json", into.json, "Write results as JSON here");
    run->add_option("--plant", into.plant, "Make the bundled cache commit this error (see list planted-bugs; repeatable)");
    run->add_option("--seed", into.seed, "Seed of generated choices")->capture_default_str();
    run->add_option("--keep-evidence", into.keep, "Keep bundles: always, violated (whatever is not upheld), never")
        ->check(CLI::IsMember({"always", "violated", "never"}))
        ->capture_default_str();
    run->add_option("--policies", into.policies, "Folder of policies (default: policies/ beside the scenarios)");
    run->add_option("--colour,--color", into.colour, "auto, always, never")->check(CLI::IsMember({"auto", "always", "never"}))->capture_default_str();
    run->add_flag("--quiet", into.quiet, "Only what is not upheld, and the summary");
    run->footer(examples);

    auto* judge = app.add_subcommand("judge", "Judge stored bundles again, from the packets");
    judge->add_option("bundles", into.paths, "Folders that run has written")->required();
    judge->add_option("--junit", into.junit, "Write JUnit XML here");
    judge->add_option("--json", into.json, "Write results as JSON here");
    judge->add_option("--colour,--color", into.colour, "auto, always, never")->check(CLI::IsMember({"auto", "always", "never"}));
    judge->add_flag("--quiet", into.quiet, "Only what is not upheld, and the summary");
    judge->add_flag("--counts", into.counts, "Print PORT, requests|responses, NUMBER lines instead of verdicts");
    judge->footer("Example:\n  badorigin judge out/bundled/saint/blacklisted-url-keeps-away-from-its-origin");

    auto* list = app.add_subcommand("list", "List what there is, one a line, id first");
    list->add_option("what", into.list_what, "scenarios | rules | faults | planted-bugs")
        ->required()
        ->check(CLI::IsMember({"scenarios", "rules", "faults", "planted-bugs"}));
    list->add_option("paths", into.paths, "Scenario files or folders (default: ./scenarios)");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        const int code = app.exit(e);
        exit_code = code == 0 ? 0 : 2;
        return false;
    }
    if (!proxies.empty()) into.proxies = proxies;
    if (run->parsed()) into.what = options::command::run;
    if (judge->parsed()) into.what = options::command::judge;
    if (list->parsed()) into.what = options::command::list;
    return true;
}

}  // namespace badorigin::cli
