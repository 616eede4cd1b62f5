#include "harness/judge/finding.h"

#include <algorithm>
#include <tuple>

#include <nlohmann/json.hpp>

#include "harness/scenario/spelling.h"

namespace badorigin::judge {

using json = nlohmann::ordered_json;

std::string_view name(outcome what) {
    switch (what) {
        case outcome::not_applicable:
            return "not_applicable";
        case outcome::upheld:
            return "upheld";
        case outcome::inconclusive:
            return "inconclusive";
        case outcome::violated:
            return "violated";
        case outcome::error:
            return "error";
    }
    return "error";
}

outcome worst(outcome a, outcome b) {
    return std::max(a, b);
}

std::string_view name(scenario::demand what) {
    return scenario::word_of(scenario::demand_words, what);
}

outcome decisive(const verdict& v) {
    if (v.demand == scenario::demand::required || v.outcome == outcome::error) return v.outcome;
    auto worst_rule = v.outcome == outcome::not_applicable ? v.outcome : outcome::upheld;
    for (const auto& f : v.findings)
        if (f.kind == kind::required) worst_rule = worst(worst_rule, f.outcome);
    return worst_rule;
}

std::string_view name(kind what) {
    switch (what) {
        case kind::required:
            return "required";
        case kind::advice:
            return "advice";
        case kind::expectation:
            return "expectation";
        case kind::premise:
            return "premise";
    }
    return "required";
}

namespace {

std::vector<const finding*> sorted(const verdict& v) {
    std::vector<const finding*> all;
    all.reserve(v.findings.size());
    for (const auto& f : v.findings) all.push_back(&f);
    std::ranges::stable_sort(all, [](const finding* a, const finding* b) {
        return std::tie(a->claim, a->subject, a->outcome) < std::tie(b->claim, b->subject, b->outcome);
    });
    return all;
}

json stable_part(const finding& f) {
    return {{"claim", f.claim}, {"kind", name(f.kind)}, {"outcome", name(f.outcome)}, {"subject", f.subject}};
}

/// Wire bytes may be anything; JSON must be UTF-8.
std::string dump(const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string verdicts_json(const verdict& v) {
    json findings = json::array();
    for (const auto* f : sorted(v)) {
        json row = stable_part(*f);
        // how often the same thing went wrong may differ between runs
        if (findings.empty() || findings.back() != row) findings.push_back(std::move(row));
    }
    json all{{"scenario", v.scenario}, {"proxy", v.proxy}, {"outcome", name(v.outcome)}};
    if (v.demand != scenario::demand::required) all["kind"] = name(v.demand);
    all["findings"] = std::move(findings);
    return dump(all);
}

std::string citations_json(const verdict& v) {
    json findings = json::array();
    for (const auto* f : sorted(v)) {
        json row = stable_part(*f);
        row["message"] = f->message;
        row["citations"] = json::array();
        for (const auto& c : f->citations) {
            json cited = {{"what", c.what}};
            if (c.connection) cited["connection"] = c.connection;
            if (c.exchange) cited["exchange"] = c.exchange;
            if (!c.frames.empty()) cited["frames"] = c.frames;
            if (!c.in_files.empty()) cited["in_files"] = c.in_files;
            if (c.to > c.from) cited["bytes"] = {c.from, c.to};
            if (!c.detail.empty()) cited["detail"] = c.detail;
            row["citations"].push_back(std::move(cited));
        }
        findings.push_back(std::move(row));
    }
    return dump({{"scenario", v.scenario}, {"proxy", v.proxy}, {"reason", v.reason}, {"findings", std::move(findings)}});
}

}  // namespace badorigin::judge
