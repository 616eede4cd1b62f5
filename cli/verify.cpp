// verify: captures made elsewhere → transactions → judge → report.
#include <chrono>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

#include "cli/front.h"
#include "harness/judge/cited.h"
#include "harness/judge/foreign_verdict.h"
#include "harness/judge/judge.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/runner.h"

namespace badorigin::cli {

namespace fs = std::filesystem;

namespace {

using clock = std::chrono::steady_clock;

scenario::scenario what_is_promised(const options& asked) {
    if (asked.promises.empty()) return {};
    const auto file = fs::absolute(asked.promises).lexically_normal();
    if (!fs::is_regular_file(file)) throw std::runtime_error(fmt::format("--scenario {}: no such file", asked.promises));
    const auto read = scenario::read_file(file.string(), file.parent_path().string(), scenario::time_mode::real_time, judge::rule_ids());
    if (!read) throw std::runtime_error(read.error().front().text());
    return *read;
}

std::shared_ptr<report::captured> read_all(const options& asked) {
    auto all = std::make_shared<report::captured>();
    all->read = read_captures(asked.paths, asked.proxy_addresses);
    all->bodies = judge::follow_bodies(all->read.evidence);
    return all;
}

report::entry judged(std::shared_ptr<report::captured> all, const options& asked, clock::time_point begun) {
    const auto& evidence = all->read.evidence;
    report::entry one;
    one.verdict = judge::judge_foreign(all->read, what_is_promised(asked), asked.advice != "no");
    one.claim = "The proxy does nothing that packets alone show to be wrong";
    one.cited = judge::cited_exchanges(evidence, one.verdict);
    one.kind = evidence.manifest.evidence;
    one.took = clock::now() - begun;
    one.capture = std::move(all);
    return one;
}

}  // namespace

int verify(const options& asked) {
    const auto begun = clock::now();
    require_writable_reports(asked);
    catch_interrupts();
    auto all = read_all(asked);
    if (const auto why = judge::why_nothing_to_judge(all->read); !why.empty()) throw std::runtime_error(why);
    std::vector<report::entry> entries;
    entries.push_back(judged(std::move(all), asked, begun));
    report::console console(stdout, style_for(asked), 1);
    console.ended(entries.front());
    if (!finish(asked, console, entries)) return 2;
    return stage::exit_code(entries.front().verdict.outcome);
}

}  // namespace badorigin::cli
