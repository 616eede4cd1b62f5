#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "harness/judge/expectations.h"
#include "harness/judge/query.h"

namespace badorigin::judge {

namespace {

finding make(std::string claim, std::string subject, answer a) {
    return {std::move(claim),     kind::expectation,      a.outcome,       std::move(subject),
            std::move(a.message), std::move(a.citations), a.needs_complete};
}

/// What an origin was asked on behalf of steps, in order.
std::vector<exchange_ptr> asked(const matter& about, const scenario::origin_log& log) {
    std::vector<exchange_ptr> all;
    for (const auto& t : about.evidence.transactions) {
        if (!t.client) continue;
        for (const auto& e : about.run.attempts(t))
            if (e->request && origin_name(*e) == log.origin && (!log.target || target_of(e->request->message) == *log.target) &&
                !contains(all, e))
                all.push_back(e);
    }
    std::ranges::stable_sort(all, {}, [](const exchange_ptr& e) { return begin_of(*e).number; });
    return all;
}

answer check_log(const matter& about, const scenario::origin_log& log) {
    auto all = asked(about, log);
    std::vector<int> statuses;
    answer a;
    for (const auto& e : all) {
        statuses.push_back(status_of(*e));
        a.citations.push_back(cite(fmt::format("request {} to origin {}", statuses.size(), log.origin), *e));
    }
    if (log.requests && all.size() != static_cast<std::size_t>(*log.requests)) {
        a.outcome = outcome::violated;
        a.message = fmt::format("it was asked {} times instead of {}", all.size(), *log.requests);
        a.needs_complete = true;  // a count over the whole run rests on the whole evidence, also where it is too high already
    } else if (log.statuses && statuses != *log.statuses) {
        a.outcome = outcome::violated;
        a.message = fmt::format("it answered [{}] instead of [{}]", fmt::join(statuses, ", "), fmt::join(*log.statuses, ", "));
        a.needs_complete = true;
    }
    return a;
}

const capture::vitals_sample* sample(const matter& about, const std::string& name) {
    auto at = std::ranges::find(about.evidence.vitals, name, &capture::vitals_sample::step);
    return at == about.evidence.vitals.end() ? nullptr : &*at;
}

answer check_grown(std::string_view what, std::uint64_t from, std::uint64_t to, std::uint64_t most, citation where) {
    if (to <= from || to - from <= most) return upheld(std::move(where));
    return violated(fmt::format("{} grew by {} instead of {} at most", what, to - from, most), std::move(where));
}

void judge_vitals(const matter& about, const scenario::vitals_limits& limits, std::vector<finding>& findings) {
    using namespace std::chrono_literals;
    const auto *from = sample(about, limits.from.empty() ? "start" : limits.from),
               *to = sample(about, limits.to.empty() ? "end" : limits.to);
    auto claim = [&](std::string_view what) { return fmt::format("vitals {}", what); };
    auto subject = limits.from.empty() && limits.to.empty() ? std::string{} : fmt::format("{}..{}", limits.from, limits.to);
    auto judged = [&](std::string_view what, auto&& check) {
        answer a =
            from && to && from->alive && to->alive ? check() : inconclusive("the evidence holds no vitals of the living proxy for it");
        findings.push_back(make(claim(what), subject, std::move(a)));
    };
    if (limits.cpu_share)
        judged("cpu_share", [&] {
            auto real = to->monotonic - from->monotonic;
            if (real < 200ms) return inconclusive(fmt::format("only {} lie between the samples", seconds_text(real)));
            double share = static_cast<double>((to->cpu - from->cpu).count()) / static_cast<double>(real.count());
            if (share <= *limits.cpu_share) return upheld(cite_vitals(*from, *to));
            return violated(fmt::format("{:.2f} of a core instead of {:.2f} at most", share, *limits.cpu_share), cite_vitals(*from, *to));
        });
    if (limits.descriptors_grow)
        judged("descriptors_grow", [&] {
            return check_grown("descriptors", from->descriptors, to->descriptors, *limits.descriptors_grow, cite_vitals(*from, *to));
        });
    if (limits.resident_grow)
        judged("resident_grow", [&] {
            return check_grown("resident memory", from->resident_bytes, to->resident_bytes, *limits.resident_grow, cite_vitals(*from, *to));
        });
}

/// Of several proxies each keeps within them.
void judge_vitals_of_all(const matter& about, const scenario::vitals_limits& limits, std::vector<finding>& findings) {
    if (about.evidence.tiers.empty()) return judge_vitals(about, limits, findings);
    for (const auto& tier : about.evidence.tiers) {
        const auto before = findings.size();
        judge_vitals({tier, about.scenario, about.run}, limits, findings);
        for (auto& f : std::span{findings}.subspan(before)) f.subject = subject_in(tier, f.subject);
    }
}

answer check_probes(const matter& about, const scenario::probe_expectation& expected) {
    int seen = 0;
    answer a;
    for (const auto& t : about.evidence.transactions) {
        if (t.kind != transaction::kind::probe_or_unasked) continue;
        for (const auto& f : t.fetches)
            for (const auto& e : f.attempts) {
                if (!e->request || origin_name(*e) != expected.origin ||
                    (!expected.target.empty() && target_of(e->request->message) != expected.target))
                    continue;
                a.citations.push_back(cite(fmt::format("probe {}", ++seen), *e));
            }
    }
    bool few = expected.at_least && seen < *expected.at_least, many = expected.at_most && seen > *expected.at_most;
    if (!few && !many) return a;
    a.outcome = outcome::violated;
    a.message = fmt::format("{} probes instead of at {} {}", seen, few ? "least" : "most", few ? *expected.at_least : *expected.at_most);
    a.needs_complete = true;
    return a;
}

answer check_condition(const matter& about, const scenario::condition& expected) {
    auto parsed = query::parse(expected.query);
    if (!parsed) return {outcome::error, parsed.error().text(expected.query), {}, false};
    auto by = grouping_named(expected.group);
    if (!by) return {outcome::error, fmt::format("there is no grouping \"{}\": raw, vxid, request, session", expected.group), {}, false};
    int seen = 0;
    answer a;
    for (const auto& group : group_records(about.evidence, *by)) {
        if (!parsed->matches(group)) continue;
        ++seen;
        for (const auto& r : group.records) {
            if (r.frame == 0) continue;
            citation c;
            c.what = fmt::format("matching group {}", seen);
            c.connection = r.connection;
            c.exchange = r.exchange;
            c.frames = {r.frame};
            a.citations.push_back(std::move(c));
            break;
        }
    }
    bool counted = expected.count || expected.at_least || expected.at_most;
    int least = expected.count ? *expected.count : expected.at_least ? *expected.at_least : counted ? 0 : 1;
    bool few = seen < least, many = (expected.count && seen > *expected.count) || (expected.at_most && seen > *expected.at_most);
    if (!few && !many) return a;
    a.outcome = outcome::violated;
    a.message = fmt::format("{} groups match instead of {}{}", seen,
                            expected.count ? ""
                            : few          ? "at least "
                                           : "at most ",
                            few              ? least
                            : expected.count ? *expected.count
                                             : *expected.at_most);
    a.needs_complete = true;
    return a;
}

}  // namespace

void judge_run(const matter& about, std::vector<finding>& findings) {
    const auto& s = about.scenario;
    for (const auto& log : s.origin_logs)
        findings.push_back(make(fmt::format("origin log {}", log.origin), log.target.value_or(""), check_log(about, log)));
    for (const auto& limits : s.vitals) judge_vitals_of_all(about, limits, findings);
    for (const auto& p : s.probes) findings.push_back(make(fmt::format("probes {}", p.origin), p.target, check_probes(about, p)));
    for (const auto& c : s.conditions) {
        auto f = make(fmt::format("where {}", c.query), c.group, check_condition(about, c));
        if (c.premise) {
            f.kind = kind::premise;
            if (f.outcome == outcome::violated) {
                f.outcome = outcome::inconclusive;
                f.message.insert(0, "premise unmet: ");
            }
        }
        findings.push_back(std::move(f));
    }
}

}  // namespace badorigin::judge
