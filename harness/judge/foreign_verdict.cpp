#include "harness/judge/foreign_verdict.h"

#include <algorithm>

#include <fmt/format.h>

namespace badorigin::judge {

std::string why_nothing_to_judge(const capture::foreign& read) {
    if (read.exchanges == 0)
        return fmt::format("{}: no HTTP/1.x in {} frames; TLS and HTTP/2 are not read",
                           read.files.empty() ? "the captures" : read.files.front().name, read.evidence.frames);
    if (read.with_leg > 0) return {};
    return "no proxy was found in the traffic: no request that arrives somewhere is asked again elsewhere; name it with "
           "--proxy-addr ADDR[:PORT]";
}

foreign_session::foreign_session(const scenario::scenario& promised) {
    promised_.promises = promised.promises;
    promised_.rules_off = promised.rules_off;
    judging_.emplace(promised_);
}

capture::taker_of_parts foreign_session::taker() {
    capture::taker_of_parts parts;
    parts.part = [this](const capture::evidence& part) {
        judging_->see(part);
        bodies.add(part);
    };
    parts.anew = [this] {
        judging_.emplace(promised_);
        bodies = {};
    };
    return parts;
}

verdict foreign_session::finish(const capture::foreign& read, bool with_advice) {
    auto out = judging_->finish(read.evidence);
    if (!with_advice) std::erase_if(out.findings, [](const auto& f) { return f.kind == kind::advice; });
    for (const auto& f : read.files) out.scenario += (out.scenario.empty() ? "" : " + ") + f.name;
    out.proxy = fmt::format("{}", fmt::join(read.proxies, ", "));
    return out;
}

verdict judge_foreign(const capture::foreign& read, const scenario::scenario& promised, bool with_advice) {
    foreign_session whole{promised};
    whole.taker().part(read.evidence);
    return whole.finish(read, with_advice);
}

}  // namespace badorigin::judge
