// verify: captures made elsewhere → transactions → judge → report.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

#include "cli/front.h"
#include "harness/judge/cited.h"
#include "harness/judge/judge.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/runner.h"

namespace badorigin::cli {

namespace fs = std::filesystem;

namespace {

using clock = std::chrono::steady_clock;

/// Of a scenario, what can hold for traffic that it did not make: its promises, and the rules that it switches off.
scenario::scenario what_is_promised(const options& asked) {
    scenario::scenario promised;
    if (asked.promises.empty()) return promised;
    const auto file = fs::absolute(asked.promises).lexically_normal();
    if (!fs::is_regular_file(file)) throw std::runtime_error(fmt::format("--scenario {}: no such file", asked.promises));
    const auto read = scenario::read_file(file.string(), file.parent_path().string(), scenario::time_mode::real_time, judge::rule_ids());
    if (!read) throw std::runtime_error(read.error().front().text());
    promised.promises = read->promises;
    promised.rules_off = read->rules_off;
    return promised;
}

std::shared_ptr<report::captured> read_all(const options& asked) {
    auto all = std::make_shared<report::captured>();
    all->read = read_captures(asked.paths, asked.proxy_addresses);
    all->bodies = judge::follow_bodies(all->read.evidence);
    return all;
}

/// Without the proxy there are no two legs, and nothing to judge.
void require_a_proxy(const capture::foreign& read) {
    if (read.evidence.exchanges.empty())
        throw std::runtime_error(fmt::format("{}: no HTTP/1.x in {} frames; TLS and HTTP/2 are not read",
                                             read.files.empty() ? "the captures" : read.files.front().name, read.evidence.frames));
    const auto on = [&](capture::leg which) {
        return std::ranges::any_of(read.evidence.exchanges, [&](const auto& e) { return e->leg() == which; });
    };
    if (!on(capture::leg::client) && !on(capture::leg::origin))
        throw std::runtime_error(
            "no proxy was found in the traffic: no request that arrives somewhere is asked again elsewhere; name it with "
            "--proxy-addr ADDR[:PORT]");
}

report::entry judged(std::shared_ptr<report::captured> all, const options& asked, clock::time_point begun) {
    const auto& evidence = all->read.evidence;
    report::entry one;
    one.verdict = judge::judge(evidence, what_is_promised(asked));
    if (asked.advice == "no") std::erase_if(one.verdict.findings, [](const auto& f) { return f.kind == judge::kind::advice; });
    std::string names;
    for (const auto& f : all->read.files) names += (names.empty() ? "" : " + ") + f.name;
    one.verdict.scenario = std::move(names);
    one.verdict.proxy = fmt::format("{}", fmt::join(all->read.proxies, ", "));
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
    require_a_proxy(all->read);
    std::vector<report::entry> entries;
    entries.push_back(judged(std::move(all), asked, begun));
    report::console console(stdout, style_for(asked), 1);
    console.ended(entries.front());
    if (!finish(asked, console, entries)) return 2;
    return stage::exit_code(entries.front().verdict.outcome);
}

}  // namespace badorigin::cli
