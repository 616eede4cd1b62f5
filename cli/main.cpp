// badorigin: scenario → stage → capture → bundle → judge → report. Each is a call; a verdict is only ever that of a stored bundle.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "capture/evidence.h"
#include "capture/recorder.h"
#include "cli/front.h"
#include "cli/list.h"
#include "cli/options.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/bundle.h"
#include "harness/stage/rights.h"
#include "harness/stage/runner.h"
#include "reports/report.h"

namespace badorigin::cli {

namespace fs = std::filesystem;

namespace {

std::chrono::milliseconds milliseconds_of(double seconds) {
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

report::entry entry_of(stage::run_result&& r) {
    return {std::move(r.verdict), std::move(r.claim), std::move(r.file),    std::move(r.folder), r.took,
            std::move(r.cited),   r.evidence,         std::move(r.sections)};
}

void check_planted(const std::vector<std::string>& asked) {
    if (asked.empty()) return;
    std::vector<std::string> ids;
    for (const auto& line : planted_bugs()) ids.push_back(line.substr(0, line.find('\t')));
    for (const auto& bug : asked) {
        if (std::find(ids.begin(), ids.end(), bug) != ids.end()) continue;
        const auto near = scenario::near_miss(bug, ids);
        throw std::runtime_error(fmt::format("--plant {}: there is no such planted bug{} (see: badorigin list planted-bugs)", bug,
                                             near.empty() ? "" : fmt::format("; did you mean {}?", near)));
    }
}

int run(const options& asked) {
    check_planted(asked.plant);
    const found scenarios = find(asked);
    stage::run_settings settings;
    settings.scenarios = scenarios.files;
    settings.wanted = [&](const std::string& id) { return passes(id, asked.filter); };
    settings.root = scenarios.root;
    settings.policies = asked.policies.empty() ? scenarios.root + "/policies" : asked.policies;
    settings.proxies = asked.proxies;
    settings.program_directory = program_directory();
    settings.out = asked.out;
    settings.jobs = asked.jobs;
    settings.seed = asked.seed;
    settings.planted_bugs = asked.plant;
    settings.keep = asked.keep == "always"  ? stage::keep_evidence::always
                    : asked.keep == "never" ? stage::keep_evidence::never
                                            : stage::keep_evidence::violated;
    settings.evidence = asked.evidence == "tap" ? capture::evidence_kind::tap : capture::evidence_kind::libpcap;
    settings.interrupt = &interrupt;
    settings.tool_version = BADORIGIN_VERSION;

    settings.start_deadline = milliseconds_of(asked.start_deadline);
    settings.stop_deadline = milliseconds_of(asked.stop_deadline);

    if (settings.evidence == capture::evidence_kind::libpcap) require_capture(asked.proxies);
    settings.own_namespaces = stage::can_have_own_namespaces();
    catch_interrupts();

    report::console console(stdout, style_for(asked), scenarios.scenarios * asked.proxies.size());
    stage::progress tell;
    tell.prepared = [&] { require_writable_reports(asked); };
    tell.begun = [&](const std::string& scenario, const std::string& proxy) { console.begun(scenario, proxy); };
    const auto to_tell = [&](stage::run_result&& r) {
        auto out = entry_of(std::move(r));
        out.of_table = scenarios.tables.contains(out.file);
        return out;
    };
    tell.ended = [&](const stage::run_result& r) { console.ended(to_tell(stage::run_result(r))); };
    auto results = stage::run_all(settings, tell);
    const int code = stage::exit_code(results);
    std::vector<report::entry> entries;
    for (auto& r : results) entries.push_back(to_tell(std::move(r)));
    const bool all_written = finish(asked, console, entries);
    if (interrupt.load()) {
        const bool kept = std::any_of(entries.begin(), entries.end(), [](const auto& e) { return !e.evidence.empty(); });
        complain(kept ? fmt::format("interrupted; evidence so far is in {}", settings.out)
                      : std::string("interrupted; no evidence was kept"));
        return 130;
    }
    return all_written ? code : 2;
}

/// Messages per server port, as any other reader of the same capture can count them.
int count_messages(const std::string& folder) {
    const auto evidence = capture::read_bundle(folder);
    if (!evidence) throw std::runtime_error(evidence.error());
    std::map<std::uint16_t, std::pair<int, int>> counts;
    std::set<std::uint64_t> counted;  // what one proxy asks another is there twice, once a leg
    for (const auto& e : evidence->exchanges) {
        if (!counted.insert(e->id).second) continue;
        auto& [requests, responses] = counts[e->on->server.port];
        if (e->request && e->request->message.header_complete) ++requests;
        if (e->response && e->response->message.header_complete) ++responses;
        responses += static_cast<int>(e->interim.size());
    }
    std::string text;
    for (const auto& [port, n] : counts) text += fmt::format("{}\trequests\t{}\n{}\tresponses\t{}\n", port, n.first, port, n.second);
    say(text);
    return 0;
}

int judge(const options& asked) {
    if (asked.counts) return count_messages(asked.paths.front());
    report::console console(stdout, style_for(asked), asked.paths.size());
    std::vector<report::entry> entries;
    std::vector<stage::run_result> results;
    for (const auto& folder : asked.paths) {
        auto result = stage::judge_again(folder);
        if (!result && asked.paths.size() == 1) throw std::runtime_error(result.error());
        if (!result) {  // the others are judged all the same
            stage::run_result unread;
            unread.verdict.scenario = folder;
            unread.verdict.outcome = badorigin::judge::outcome::error;
            unread.verdict.reason = result.error();
            result = std::move(unread);
        }
        results.push_back(*result);
        entries.push_back(entry_of(std::move(*result)));
        console.ended(entries.back());
    }
    return finish(asked, console, entries) ? stage::exit_code(results) : 2;
}

}  // namespace
}  // namespace badorigin::cli

int main(int argc, char** argv) {
    using namespace badorigin::cli;
    std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone away wants no more; that is no crash
    options asked;
    int code = 2;
    if (!parse(argc, argv, asked, code)) return code;
    try {
        switch (asked.what) {
            case options::command::run:
                code = run(asked);
                break;
            case options::command::judge:
                code = judge(asked);
                break;
            case options::command::verify:
                code = verify(asked);
                break;
            case options::command::list:
                code = list(asked);
                break;
            case options::command::log:
                code = log(asked.log);
                break;
            case options::command::import:
                code = import_traffic(asked.import);
                break;
            case options::command::replay:
                code = replay(asked.replay);
                break;
            case options::command::none:
                break;
        }
    } catch (const stopped& e) {
        complain(e.what());
        return 130;
    } catch (const std::exception& e) {
        complain(e.what());
        return 2;
    }
    return code;
}
