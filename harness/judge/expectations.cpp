#include "harness/judge/expectations.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/judge/pattern.h"

namespace badorigin::judge {

answer upheld(citation rests_on) {
    return {outcome::upheld, {}, {std::move(rests_on)}, false};
}
answer violated(std::string message, citation rests_on) {
    return {outcome::violated, std::move(message), {std::move(rests_on)}, false};
}
answer inconclusive(std::string message) {
    return {outcome::inconclusive, std::move(message), {}, false};
}

answer judge_fields(const http::fields& in, const std::vector<std::pair<std::string, std::string>>& wanted, const citation& where) {
    for (const auto& [name, expression] : wanted) {
        auto compiled = pattern::compile(expression);
        if (!compiled)
            return {outcome::error, fmt::format("the expression for {} is wrong: {}", name, compiled.error().message), {}, false};
        auto values = http::values(in, name);
        if (std::ranges::any_of(values, [&](std::string_view v) { return compiled->found_in(v); })) continue;
        return violated(values.empty()
                            ? fmt::format("no field {}", name)
                            : fmt::format("field {} is \"{}\", which /{}/ does not match", name, fmt::join(values, "\", \""), expression),
                        where);
    }
    return upheld(where);
}

answer judge_absent_fields(const http::fields& in, const std::vector<std::string>& names, const citation& where) {
    for (const auto& name : names)
        if (auto value = http::first(in, name)) return violated(fmt::format("there is a field {}: {}", name, *value), where);
    return upheld(where);
}

namespace {

std::vector<key_check> all_checks() {
    auto all = response_checks();
    for (auto more : {origin_checks(), order_checks()}) all.insert(all.end(), more.begin(), more.end());
    return all;
}

finding make(const scenario::client_act& act, bool premise, std::string_view key, const std::string& name, answer a) {
    finding f;
    f.claim = fmt::format("{} {} {}", premise ? "premise" : "expect", act.name, key);
    f.kind = premise ? kind::premise : kind::expectation;
    f.outcome = a.outcome;
    if (premise && a.outcome == outcome::violated) {
        f.outcome = outcome::inconclusive;
        a.message.insert(0, "premise unmet: ");
    }
    f.subject = name;
    f.message = std::move(a.message);
    f.citations = std::move(a.citations);
    f.needs_complete = a.needs_complete;
    return f;
}

void judge_act(const matter& about, const scenario::client_act& act, const std::vector<key_check>& checks, std::vector<finding>& findings) {
    for (int n = 1; n <= act.repeat; ++n) {
        auto name = n == 1 ? act.name : fmt::format("{}#{}", act.name, n);
        const auto* seen = about.run.step(name);
        for (bool premise : {true, false}) {
            const auto& expected = premise ? act.premise : act.expect;
            for (const auto& c : checks) {
                if (!c.claims(expected)) continue;
                auto a = seen ? c.check({about, name, *seen, expected}) : inconclusive("the packets show no exchange of this step");
                findings.push_back(make(act, premise, c.key, name, std::move(a)));
            }
        }
    }
}

}  // namespace

void judge_steps(const matter& about, std::vector<finding>& findings) {
    auto checks = all_checks();
    for (const auto& s : about.scenario.steps)
        for (const auto& act : s.clients) judge_act(about, act, checks, findings);
}

}  // namespace badorigin::judge
