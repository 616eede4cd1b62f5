#include <fmt/format.h>

#include "harness/judge/expectations.h"

namespace badorigin::judge {

namespace {

using scenario::expectation;

answer check_reused(const step_case& c) {
    bool reused = c.client().index > 0;
    auto where = cite("exchange on the client leg", c.client());
    if (reused == *c.expected.reused) return upheld(where);
    return violated(fmt::format("it is exchange {} of connection {}", c.client().index + 1, c.client().on->id), where);
}

/// The last frame in which an exchange was going on; one without a response lasts as long as its connection.
frame_number over(const exchange& e) {
    return e.response || !e.on ? end_of(e).number : e.on->last.number;
}

answer check_overlaps(const step_case& c) {
    answer a = upheld(cite("exchange on the client leg", c.client()));
    for (const auto& name : c.expected.overlaps) {
        const auto* other = c.about.run.step(name);
        if (!other) return inconclusive(fmt::format("the packets show no exchange of step {}", name));
        const auto &mine = c.client(), &theirs = *other->client;
        a.citations.push_back(cite("exchange to overlap with", theirs));
        if (begin_of(mine).number < over(theirs) && begin_of(theirs).number < over(mine)) continue;
        a.outcome = outcome::violated;
        a.message = fmt::format("frames {} to {} do not overlap frames {} to {} of step {}", begin_of(mine).number, over(mine),
                                begin_of(theirs).number, over(theirs), name);
        return a;
    }
    return a;
}

std::optional<nanoseconds> waited(const step_case& c) {
    if (!c.client().answered() || !c.client().request) return std::nullopt;
    return c.about.run.clock(c.client().response->first) - c.about.run.clock(c.client().request->last);
}

answer check_within(const step_case& c) {
    auto where = cite("exchange on the client leg", c.client());
    auto took = waited(c);
    if (!took) {
        if (!c.client().request) return inconclusive("the packets show no request");
        auto a = violated("no final response came", where);
        a.needs_complete = true;
        return a;
    }
    if (*took <= *c.expected.within) return upheld(where);
    auto starved = c.about.run.starved(c.client().request->last, c.client().response->first);
    if (*took - starved <= *c.expected.within)
        return inconclusive(fmt::format(
            "answered after {} instead of within {}, but meanwhile the machine was busy: the proxy's threads waited {} for a core",
            seconds_text(*took), seconds_text(*c.expected.within), seconds_text(starved)));
    return violated(fmt::format("answered after {} instead of within {}", seconds_text(*took), seconds_text(*c.expected.within)), where);
}

answer check_at_least(const step_case& c) {
    auto took = waited(c);
    if (!took) return inconclusive("no final response came whose time could be taken");
    auto where = cite("exchange on the client leg", c.client());
    if (*took >= *c.expected.at_least) return upheld(where);
    return violated(fmt::format("answered after {} instead of {} at the earliest", seconds_text(*took), seconds_text(*c.expected.at_least)),
                    where);
}

}  // namespace

std::vector<key_check> order_checks() {
    return {
        {"reused", [](const expectation& e) { return e.reused.has_value(); }, check_reused},
        {"overlaps", [](const expectation& e) { return !e.overlaps.empty(); }, check_overlaps},
        {"within", [](const expectation& e) { return e.within.has_value(); }, check_within},
        {"at_least", [](const expectation& e) { return e.at_least.has_value(); }, check_at_least},
    };
}

}  // namespace badorigin::judge
