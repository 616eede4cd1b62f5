#include "harness/judge/foreign_verdict.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/judge/judge.h"

namespace badorigin::judge {

std::string why_nothing_to_judge(const capture::foreign& read) {
    if (read.evidence.exchanges.empty())
        return fmt::format("{}: no HTTP/1.x in {} frames; TLS and HTTP/2 are not read",
                           read.files.empty() ? "the captures" : read.files.front().name, read.evidence.frames);
    const auto on = [&](capture::leg which) {
        return std::ranges::any_of(read.evidence.exchanges, [&](const auto& e) { return e->leg() == which; });
    };
    if (on(capture::leg::client) || on(capture::leg::origin)) return {};
    return "no proxy was found in the traffic: no request that arrives somewhere is asked again elsewhere; name it with "
           "--proxy-addr ADDR[:PORT]";
}

verdict judge_foreign(const capture::foreign& read, const scenario::scenario& promised, bool with_advice) {
    scenario::scenario script;
    script.promises = promised.promises;
    script.rules_off = promised.rules_off;
    auto out = judge(read.evidence, script);
    if (!with_advice) std::erase_if(out.findings, [](const auto& f) { return f.kind == kind::advice; });
    for (const auto& f : read.files) out.scenario += (out.scenario.empty() ? "" : " + ") + f.name;
    out.proxy = fmt::format("{}", fmt::join(read.proxies, ", "));
    return out;
}

}  // namespace badorigin::judge
