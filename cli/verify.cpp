// verify: captures made elsewhere → transactions → judge → report, part by part.
#include <chrono>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

#include "cli/front.h"
#include "harness/judge/foreign_verdict.h"
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

/// Judges while it reads: what was judged is gone.
report::entry read_and_judge(const options& asked, clock::time_point begun) {
    judge::foreign_session judging(what_is_promised(asked));
    const auto parts = judging.taker();
    auto all = std::make_shared<report::captured>();
    all->read = read_captures(asked.paths, asked.proxy_addresses, &parts);
    if (const auto why = judge::why_nothing_to_judge(all->read); !why.empty()) throw std::runtime_error(why);
    report::entry one;
    one.verdict = judging.finish(all->read, asked.advice != "no");
    all->bodies = std::move(judging.bodies);
    one.claim = badorigin::judge::claim_of_captures;
    one.cited = std::move(one.verdict.cited);
    one.kind = all->read.evidence.manifest.evidence;
    one.took = clock::now() - begun;
    one.capture = std::move(all);
    return one;
}

}  // namespace

int verify(const options& asked) {
    const auto begun = clock::now();
    require_writable_reports(asked);
    catch_interrupts();
    std::vector<report::entry> entries;
    entries.push_back(read_and_judge(asked, begun));
    report::console console(stdout, style_for(asked), 1);
    console.ended(entries.front());
    if (!finish(asked, console, entries)) return 2;
    return stage::exit_code(entries.front().verdict.outcome);
}

}  // namespace badorigin::cli
