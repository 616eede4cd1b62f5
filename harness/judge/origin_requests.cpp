#include "harness/judge/origin_requests.h"

#include <algorithm>
#include <optional>

#include "harness/judge/facts.h"

namespace badorigin::judge {

namespace {

using why_asked = enum origin_request::kind;

bool same_header(const exchange& a, const exchange& b) {
    if (!a.request || !b.request) return false;
    const auto &one = a.request->message, &other = b.request->message;
    return one.method == other.method && one.target == other.target && one.version == other.version &&
           std::ranges::equal(one.fields, other.fields,
                              [](const http::field& x, const http::field& y) { return x.name == y.name && x.value == y.value; });
}

bool same_target(const exchange& a, const exchange& b) {
    return a.request && b.request && a.request->message.method == b.request->message.method &&
           a.request->message.target == b.request->message.target;
}

bool delivered(const transaction& t, const origin_request& r) {
    return t.delivered_from && contains(r.attempts, t.delivered_from);
}

bool in_background(const transaction& t, const origin_request& r) {
    if (!t.client || !t.client->response || delivered(t, r)) return false;
    const auto& last = *r.attempts.back();
    return (last.answered() || t.delivered_from) && known_at(last).number > t.client->response->first.number;
}

/// The latest request for the same target that was over, in vain, when this one began.
std::optional<std::size_t> repeated(const transaction& t, const std::vector<origin_request>& before, const exchange& now) {
    for (std::size_t i = before.size(); i-- > 0;) {
        const auto& last = *before[i].attempts.back();
        if (same_target(last, now) && end_of(last).number < begin_of(now).number && !delivered(t, before[i])) return i;
    }
    return std::nullopt;
}

}  // namespace

std::string_view name(enum origin_request::kind why) {
    switch (why) {
        case why_asked::fetch:
            return "fetch";
        case why_asked::bgfetch:
            return "bgfetch";
        case why_asked::retry:
            return "retry";
    }
    return {};
}

std::vector<origin_request> origin_requests(const transaction& t) {
    std::vector<origin_request> all;
    for (std::size_t f = 0; f < t.fetches.size(); ++f) {
        for (const auto& attempt : t.fetches[f].attempts) {
            const bool first = attempt == t.fetches[f].attempts.front();
            if (!first && same_header(*all.back().attempts.back(), *attempt)) {
                all.back().attempts.push_back(attempt);
                continue;
            }
            const auto again = first ? repeated(t, all, *attempt) : std::optional{all.size() - 1};
            all.push_back({again ? why_asked::retry : why_asked::fetch, {attempt}, f, again.value_or(0)});
        }
    }
    for (auto& r : all)
        if (r.why == why_asked::fetch && in_background(t, r)) r.why = why_asked::bgfetch;
    return all;
}

}  // namespace badorigin::judge
