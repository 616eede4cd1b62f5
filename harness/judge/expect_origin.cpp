#include <algorithm>

#include <fmt/format.h>

#include "harness/judge/expectations.h"

namespace badorigin::judge {

namespace {

using scenario::expectation;

std::vector<citation> cite_attempts(const std::vector<exchange_ptr>& attempts) {
    std::vector<citation> all;
    for (std::size_t n = 0; n < attempts.size(); ++n)
        all.push_back(cite(fmt::format("request on the origin leg, attempt {}", n + 1), *attempts[n]));
    return all;
}

answer with_attempts(answer a, const std::vector<exchange_ptr>& attempts) {
    auto cited = cite_attempts(attempts);
    a.citations.insert(a.citations.end(), cited.begin(), cited.end());
    return a;
}

answer compare_count(const step_case& c, std::string_view what, std::size_t seen, int expected) {
    auto attempts = c.about.run.attempts(c.seen);
    auto where = cite("exchange on the client leg", c.client());
    if (seen == static_cast<std::size_t>(expected)) return with_attempts(upheld(where), attempts);
    auto a = violated(fmt::format("{} {} on its behalf instead of {}", seen, what, expected), where);
    a.needs_complete = static_cast<int>(seen) < expected;
    return with_attempts(std::move(a), attempts);
}

answer check_fetches(const step_case& c) {
    return compare_count(c, "fetches", c.about.run.fetches(c.seen), *c.expected.fetches);
}
answer check_attempts(const step_case& c) {
    return compare_count(c, "requests to origins", c.about.run.attempts(c.seen).size(), *c.expected.attempts);
}

answer check_fetched_from(const step_case& c) {
    auto attempts = c.about.run.attempts(c.seen);
    std::vector<std::string> names;
    for (const auto& a : attempts) names.push_back(origin_name(*a));
    auto where = cite("exchange on the client leg", c.client());
    if (names == c.expected.fetched_from) return with_attempts(upheld(where), attempts);
    auto a =
        violated(fmt::format("asked on its behalf: {} instead of {}", names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", ")),
                             fmt::join(c.expected.fetched_from, ", ")),
                 where);
    a.needs_complete = true;  // without the frame that shows one, another may be taken for what it asked
    return with_attempts(std::move(a), attempts);
}

/// A background refresh is a fetch that the request caused as well, but what it got is not of it.
answer check_own_fetch(const step_case& c) {
    auto where = cite("exchange on the client leg", c.client());
    if (!c.client().answered()) {
        auto a = violated("no final response came", where);
        a.needs_complete = true;
        return a;
    }
    const auto attempts = c.about.run.attempts(c.seen);
    const auto& from = c.seen.delivered_from;
    bool own = from && std::ranges::find(attempts, from) != attempts.end();
    for (const auto& a : attempts) {
        // raw bytes carry no serial to know them by
        const bool may_be_it = a->answered() && (a->response->message.status == 304 || (a->serial.empty() && c.client().serial.empty()));
        own = own || (may_be_it && a->response->header_end.number < c.client().response->first.number);
    }
    if (own == *c.expected.own_fetch) return with_attempts(upheld(where), attempts);
    auto a = violated(own ? "what it got came from a fetch of its own" : "what it got did not come from a fetch of its own", where);
    a.needs_complete = !own;
    return with_attempts(std::move(a), attempts);
}

std::string body_words(const exchange& attempt, std::size_t n, const http::message& sent) {
    const auto& m = attempt.request->message;
    return fmt::format("attempt {} ({}) carries {} bytes of content{}, the client's request {}", n, place_of(attempt), m.content_size,
                       m.complete ? "" : " and is not complete", sent.content_size);
}

answer check_body_at_origin(const step_case& c) {
    const auto& how = *c.expected.body_at_origin;
    auto attempts = c.about.run.attempts(c.seen);
    std::erase_if(attempts, [](const exchange_ptr& a) { return !a->request; });
    auto where = cite("exchange on the client leg", c.client());
    if (attempts.empty()) {
        if (how == "none") return upheld(where);
        auto a = violated("no origin was asked on its behalf", where);
        a.needs_complete = true;
        return a;
    }
    if (!c.client().request || (how != "none" && !c.client().request->message.complete))
        return inconclusive("the client's own request is not whole in the packets");
    const auto& sent = c.client().request->message;
    for (std::size_t n = how == "last" ? attempts.size() - 1 : 0; n < attempts.size(); ++n) {
        const auto& m = attempts[n]->request->message;
        bool whole = m.complete && has_body(m);
        bool met = how == "none" ? !whole : whole && same_content(m, sent);
        if (met) continue;
        auto a = violated(body_words(*attempts[n], n + 1, sent), where);
        a.needs_complete = how != "none";
        return with_attempts(std::move(a), attempts);
    }
    return with_attempts(upheld(where), attempts);
}

/// Of the last attempt: the one whose answer counts.
template <class Judge>
answer of_last_request(const step_case& c, Judge judged) {
    auto attempts = c.about.run.attempts(c.seen);
    std::erase_if(attempts, [](const exchange_ptr& a) { return !a->request; });
    if (!attempts.empty()) return judged(attempts.back()->request->message, cite("request on the origin leg", *attempts.back()));
    auto a = violated("no origin was asked on its behalf", cite("exchange on the client leg", c.client()));
    a.needs_complete = true;
    return a;
}

answer check_fields_at_origin(const step_case& c) {
    return of_last_request(
        c, [&](const auto& m, const citation& where) { return judge_fields(m.fields, c.expected.fields_at_origin, where); });
}

answer check_fields_absent_at_origin(const step_case& c) {
    return of_last_request(
        c, [&](const auto& m, const citation& where) { return judge_absent_fields(m.fields, c.expected.fields_absent_at_origin, where); });
}

answer check_trailers_at_origin(const step_case& c) {
    return of_last_request(
        c, [&](const auto& m, const citation& where) { return judge_fields(m.trailers, c.expected.trailers_at_origin, where); });
}

answer check_trailers_absent_at_origin(const step_case& c) {
    return of_last_request(c, [&](const auto& m, const citation& where) {
        return judge_absent_fields(m.trailers, c.expected.trailers_absent_at_origin, where);
    });
}

answer check_reused_at_origin(const step_case& c) {
    auto attempts = c.about.run.attempts(c.seen);
    if (attempts.empty()) {
        auto a = violated("no origin was asked on its behalf", cite("exchange on the client leg", c.client()));
        a.needs_complete = true;
        return a;
    }
    bool reused = attempts.front()->index > 0;
    auto where = cite("request on the origin leg, attempt 1", *attempts.front());
    if (reused == *c.expected.reused_at_origin) return upheld(where);
    return violated(fmt::format("the first attempt went over {}", connection_words(*attempts.front())), where);
}

}  // namespace

std::vector<key_check> origin_checks() {
    return {
        {"fetches", [](const expectation& e) { return e.fetches.has_value(); }, check_fetches},
        {"attempts", [](const expectation& e) { return e.attempts.has_value(); }, check_attempts},
        {"own_fetch", [](const expectation& e) { return e.own_fetch.has_value(); }, check_own_fetch},
        {"fetched_from", [](const expectation& e) { return !e.fetched_from.empty(); }, check_fetched_from},
        {"body_at_origin", [](const expectation& e) { return e.body_at_origin.has_value(); }, check_body_at_origin},
        {"fields_at_origin", [](const expectation& e) { return !e.fields_at_origin.empty(); }, check_fields_at_origin},
        {"fields_at_origin", [](const expectation& e) { return !e.fields_absent_at_origin.empty(); }, check_fields_absent_at_origin},
        {"trailers_at_origin", [](const expectation& e) { return !e.trailers_at_origin.empty(); }, check_trailers_at_origin},
        {"trailers_at_origin", [](const expectation& e) { return !e.trailers_absent_at_origin.empty(); }, check_trailers_absent_at_origin},
        {"reused_at_origin", [](const expectation& e) { return e.reused_at_origin.has_value(); }, check_reused_at_origin},
    };
}

}  // namespace badorigin::judge
