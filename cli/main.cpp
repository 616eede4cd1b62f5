// badorigin: scenario → stage → capture → bundle → judge → report. Each is a call; a verdict is only ever that of a stored bundle.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>
#include <thread>

#include "capture/evidence.h"
#include "capture/recorder.h"
#include "cli/list.h"
#include "cli/options.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/bundle.h"
#include "harness/stage/runner.h"
#include "reports/report.h"

namespace badorigin::cli {

namespace {

std::atomic<bool> interrupt{false};

/// The first Ctrl-C ends the run in good order; the second has its usual effect.
void on_signal(int which) {
    interrupt.store(true);
    std::signal(which, SIG_DFL);
}

report::console_style style_for(const options& asked) {
    const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    return {asked.colour == "always" || (asked.colour == "auto" && terminal), terminal, asked.quiet};
}

report::entry entry_of(stage::run_result&& r) { return {std::move(r.verdict), std::move(r.claim), std::move(r.file), std::move(r.folder), r.took, std::move(r.cited)}; }

void write_reports(const options& asked, const std::vector<report::entry>& entries) {
    if (!asked.junit.empty()) {
        if (auto done = report::write_junit(asked.junit, entries); !done) throw std::runtime_error(done.error());
    }
    if (!asked.json.empty()) {
        if (auto done = report::write_json(asked.json, entries, BADORIGIN_VERSION); !done) throw std::runtime_error(done.error());
    }
}

void check_planted(const std::vector<std::string>& asked) {
    if (asked.empty()) return;
    std::vector<std::string> ids;
    for (const auto& line : planted_bugs()) ids.push_back(line.substr(0, line.find('\t')));
    for (const auto& bug : asked) {
        if (std::find(ids.begin(), ids.end(), bug) != ids.end()) continue;
        const auto near = scenario::near_miss(bug, ids);
        throw std::runtime_error(fmt::format("--plant {}: there is no such planted bug{} (see: badorigin list planted-bugs)", bug, near.empty() ? "" : fmt::format("; did you mean {}?", near)));
    }
}

/// Own namespaces give every run the same ports and nobody else's packets; tried on a thread that is thrown away.
bool can_have_own_namespaces() {
    bool can = false;
    std::jthread([&] { can = capture::enter_fresh_network_namespace().has_value(); }).join();
    return can;
}

int run(const options& asked) {
    check_planted(asked.plant);
    const found scenarios = find(asked);
    stage::run_settings settings;
    settings.scenarios = scenarios.files;
    settings.root = scenarios.root;
    settings.policies = asked.policies.empty() ? scenarios.root + "/policies" : asked.policies;
    settings.proxies = asked.proxies;
    settings.program_directory = program_directory();
    settings.out = asked.out;
    settings.jobs = asked.jobs;
    settings.seed = asked.seed;
    settings.planted_bugs = asked.plant;
    settings.keep = asked.keep == "always" ? stage::keep_evidence::always : asked.keep == "never" ? stage::keep_evidence::never : stage::keep_evidence::violated;
    settings.interrupt = &interrupt;
    settings.tool_version = BADORIGIN_VERSION;

    std::string why;
    if (capture::obtain_capture_right(why) == capture::capture_right::none) {
        fmt::print(stderr, "badorigin: {}\n", why);
        return 2;
    }
    settings.own_namespaces = can_have_own_namespaces();
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    std::signal(SIGPIPE, SIG_IGN);

    report::console console(stdout, style_for(asked), scenarios.files.size() * asked.proxies.size());
    stage::progress tell;
    tell.begun = [&](const std::string& scenario, const std::string& proxy) { console.begun(scenario, proxy); };
    tell.ended = [&](const stage::run_result& r) { console.ended(entry_of(stage::run_result(r))); };
    auto results = stage::run_all(settings, tell);
    const int code = stage::exit_code(results);
    std::vector<report::entry> entries;
    for (auto& r : results) entries.push_back(entry_of(std::move(r)));
    console.finish(entries);
    write_reports(asked, entries);
    if (interrupt.load()) {
        fmt::print(stderr, "badorigin: interrupted; evidence so far is in {}\n", settings.out);
        return 130;
    }
    return code;
}

/// Messages per server port, as any other reader of the same capture can count them.
int count_messages(const std::string& folder) {
    const auto evidence = capture::read_bundle(folder);
    if (!evidence) throw std::runtime_error(evidence.error());
    std::map<std::uint16_t, std::pair<int, int>> counts;
    for (const auto& e : evidence->exchanges) {
        auto& [requests, responses] = counts[e->on->server.port];
        if (e->request && e->request->message.header_complete) ++requests;
        if (e->response && e->response->message.header_complete) ++responses;
        responses += static_cast<int>(e->interim.size());
    }
    for (const auto& [port, n] : counts) fmt::print("{}\trequests\t{}\n{}\tresponses\t{}\n", port, n.first, port, n.second);
    return 0;
}

int judge(const options& asked) {
    if (asked.counts) return count_messages(asked.paths.front());
    report::console console(stdout, style_for(asked), asked.paths.size());
    std::vector<report::entry> entries;
    std::vector<stage::run_result> results;
    for (const auto& folder : asked.paths) {
        auto result = stage::judge_again(folder);
        if (!result) {
            fmt::print(stderr, "badorigin: {}\n", result.error());
            return 2;
        }
        results.push_back(*result);
        entries.push_back(entry_of(std::move(*result)));
        console.ended(entries.back());
    }
    console.finish(entries);
    write_reports(asked, entries);
    return stage::exit_code(results);
}

}  // namespace
}  // namespace badorigin::cli

int main(int argc, char** argv) {
    using namespace badorigin::cli;
    options asked;
    int code = 0;
    if (!parse(argc, argv, asked, code)) return code;
    try {
        switch (asked.what) {
            case options::command::run: return run(asked);
            case options::command::judge: return judge(asked);
            case options::command::list: return list(asked, stdout);
            case options::command::none: break;
        }
    } catch (const std::exception& e) {
        fmt::print(stderr, "badorigin: {}\n", e.what());
        return 2;
    }
    return 2;
}
