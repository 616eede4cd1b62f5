#include <algorithm>

#include <fmt/format.h>

#include "harness/judge/expectations.h"
#include "harness/judge/pattern.h"
#include "harness/judge/residence.h"
#include "http/freshness.h"
#include "http/running_hash.h"

namespace badorigin::judge {

namespace {

using scenario::expectation;

answer no_response(const step_case& c) {
    auto a = violated("no final response came", cite_request("the request that got none", c.client()));
    a.needs_complete = true;
    return a;
}
const http::message& got(const step_case& c) {
    return c.client().response->message;
}
citation response_of(const step_case& c) {
    return cite_response("response on the client leg", c.client());
}
answer met_if(bool met, const step_case& c, std::string otherwise) {
    return met ? upheld(response_of(c)) : violated(std::move(otherwise), response_of(c));
}

answer check_status(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    return met_if(got(c).status == *c.expected.status, c, fmt::format("status {} instead of {}", got(c).status, *c.expected.status));
}

/// The proxy's own doing, not what it does once the client has given up.
bool closed_unanswered(const exchange& e) {
    const auto ours = client_end(*e.on), theirs = server_end(*e.on);
    return !e.answered() && theirs && (!ours || theirs.number < ours.number);
}

answer check_status_in(const step_case& c) {
    const auto& in = c.expected.status_in;
    if (!c.client().answered()) {
        const bool may_close = std::ranges::find(in, 0) != in.end();
        return may_close && closed_unanswered(c.client()) ? upheld(cite("exchange on the client leg", c.client())) : no_response(c);
    }
    return met_if(std::ranges::find(in, got(c).status) != in.end(), c,
                  fmt::format("status {} instead of one of {}", got(c).status, fmt::join(in, ", ")));
}

answer compare_body(const step_case& c, const std::string& bytes) {
    if (!c.client().answered()) return no_response(c);
    const auto& m = got(c);
    bool same = m.complete && m.content_size == bytes.size() && m.content_hash == http::hash(bytes);
    constexpr std::size_t shown = 80;
    return met_if(same, c,
                  fmt::format("the body is {}{} bytes (\"{}\") instead of {} bytes (\"{}\")", m.complete ? "" : "cut off after ",
                              m.content_size, m.content_start.substr(0, shown), bytes.size(), bytes.substr(0, shown)));
}
answer check_body(const step_case& c) {
    return compare_body(c, *c.expected.body);
}
answer check_body_of(const step_case& c) {
    return compare_body(c, c.expected.body_of->bytes());
}

/// What a claim says of the copy that was delivered rests on the fetch that it came from as well.
answer resting_on_the_fetch(answer a, const step_case& c) {
    if (const auto& from = c.seen.delivered_from)
        a.citations.push_back(cite("the fetch that it came from", *from));
    else
        a.needs_complete = !c.client().serial.empty();  // an origin made it, and the capture does not show when
    return a;
}

/// Age is whole seconds, and runs from somewhere between the fetch's request and its response; so the interval is widened by how long both
/// exchanges took.
answer check_age(const step_case& c) {
    using namespace std::chrono_literals;
    if (!c.client().answered()) return no_response(c);
    const auto& run = c.about.run;
    auto expected = *c.expected.age;
    auto field = http::age_field(got(c).fields);
    const auto& from = c.seen.delivered_from;
    bool own = from && run.caused(c.seen, *from);
    if (!field && !(own && expected <= 1s)) return resting_on_the_fetch(violated("no valid Age field", response_of(c)), c);
    nanoseconds age = field.value_or(0s);
    auto took = run.clock(c.client().response->first) - run.clock(begin_of(c.client()));
    auto fetch = from && from->response ? run.clock(from->response->header_end) - run.clock(begin_of(*from)) : 0ns;
    auto least = expected - 1s - fetch, most = expected + 1s + std::max(took, fetch);
    bool met = age >= least && age <= most;
    return resting_on_the_fetch(met_if(met, c, fmt::format("Age {} instead of {}", seconds_text(age), seconds_text(expected))), c);
}

answer check_age_present(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    bool present = got(c).field("Age").has_value();
    return met_if(present == *c.expected.age_present, c, present ? "there is an Age field" : "there is no Age field");
}

answer check_stale(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    const auto& from = c.seen.delivered_from;
    if (!from || !from->response) {
        if (*c.expected.stale && c.client().serial.empty())
            return violated("the response is no origin's: it carries no serial of one", response_of(c));
        return inconclusive("no origin's answer in the capture is what was delivered, so how old it is cannot be seen");
    }
    auto fresh_for = lifetime(c.about, *from);
    if (!fresh_for) return inconclusive("neither the scenario promises a ttl nor does the response say its lifetime");
    nanoseconds came_with = http::age_field(from->response->message.fields).value_or(http::seconds{0});
    auto stay = residence(c.about, *from, c.client());
    bool met = *c.expected.stale ? stay.most + came_with >= *fresh_for : stay.least <= *fresh_for;
    return resting_on_the_fetch(met_if(met, c,
                                       fmt::format("delivered {} after it was fetched (frame {}), with a ttl of {}",
                                                   seconds_text(stay.least), begin_of(*from).number, seconds_text(*fresh_for))),
                                c);
}

answer check_same_copy_as(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    const auto* other = c.about.run.step(*c.expected.same_copy_as);
    if (!other || !other->client->answered())
        return inconclusive(fmt::format("step {} got no response to compare with", *c.expected.same_copy_as));
    const auto &mine = c.client().serial, &theirs = other->client->serial;
    if (theirs.empty()) return inconclusive(fmt::format("the response of step {} carries no serial", *c.expected.same_copy_as));
    auto a =
        met_if(mine == theirs, c,
               fmt::format("serial {} instead of {} as step {} got", mine.empty() ? "(none)" : mine, theirs, *c.expected.same_copy_as));
    a.citations.push_back(cite_response("response to compare with", *other->client));
    return a;
}

answer check_fields(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    return judge_fields(got(c).fields, c.expected.fields, response_of(c));
}

answer check_fields_absent(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    return judge_absent_fields(got(c).fields, c.expected.fields_absent, response_of(c));
}

answer check_trailers(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    return judge_fields(got(c).trailers, c.expected.trailers, response_of(c));
}

answer check_trailers_absent(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    return judge_absent_fields(got(c).trailers, c.expected.trailers_absent, response_of(c));
}

answer check_interim(const step_case& c) {
    std::vector<int> came;
    for (const auto& one : c.client().interim) came.push_back(one.message.status);
    const auto wanted = [](const std::vector<int>& all) {
        return all.empty() ? std::string{"none"} : fmt::format("{}", fmt::join(all, ", "));
    };
    auto where = cite("exchange on the client leg", c.client());
    if (came == *c.expected.interim) return upheld(where);
    auto a = violated(fmt::format("interim responses: {} instead of {}", wanted(came), wanted(*c.expected.interim)), where);
    a.needs_complete = came.size() < c.expected.interim->size();
    return a;
}

answer check_complete(const step_case& c) {
    if (!c.client().answered()) return no_response(c);
    bool complete = got(c).complete;
    return met_if(complete == *c.expected.complete, c,
                  complete ? fmt::format("the response ended as framed, with {} bytes", got(c).content_size)
                           : fmt::format("the response ended after {} bytes, before its framing says so", got(c).content_size));
}

answer check_answered(const step_case& c) {
    if (c.client().answered() == *c.expected.answered) return upheld(cite("exchange on the client leg", c.client()));
    if (!c.client().answered()) return no_response(c);
    return violated(fmt::format("a response came: status {}", got(c).status), response_of(c));
}

/// Both sides may close at the same moment; the client's FIN may then stand first in the capture although the proxy closed on its own.
answer check_closed(const step_case& c) {
    const auto& on = *c.client().on;
    auto ours = client_end(on), theirs = server_end(on);
    bool last = c.client().index + 1 >= on.exchanges;
    bool announced =
        c.client().answered() && (http::has_token(got(c).fields, "Connection", "close") || got(c).framing == http::framing::until_close);
    bool closed = last && ((theirs && (!ours || theirs.number < ours.number)) || (announced && theirs));
    auto where = cite("exchange on the client leg", c.client());
    if (*c.expected.closed) {
        if (closed) return upheld(where);
        if (last && theirs) return inconclusive("the client closed first, so what the proxy meant to do cannot be seen");
        auto a = violated("the proxy kept the connection", where);
        a.needs_complete = true;
        return a;
    }
    if (!closed) return upheld(where);
    return violated(fmt::format("the proxy closed the connection in frame {}", theirs.number), where);
}

}  // namespace

std::vector<key_check> response_checks() {
    return {
        {"status", [](const expectation& e) { return e.status.has_value(); }, check_status},
        {"status", [](const expectation& e) { return !e.status_in.empty(); }, check_status_in},
        {"body", [](const expectation& e) { return e.body.has_value(); }, check_body},
        {"body", [](const expectation& e) { return e.body_of.has_value(); }, check_body_of},
        {"age", [](const expectation& e) { return e.age.has_value(); }, check_age},
        {"age", [](const expectation& e) { return e.age_present.has_value(); }, check_age_present},
        {"stale", [](const expectation& e) { return e.stale.has_value(); }, check_stale},
        {"same_copy_as", [](const expectation& e) { return e.same_copy_as.has_value(); }, check_same_copy_as},
        {"fields", [](const expectation& e) { return !e.fields.empty(); }, check_fields},
        {"fields", [](const expectation& e) { return !e.fields_absent.empty(); }, check_fields_absent},
        {"trailers", [](const expectation& e) { return !e.trailers.empty(); }, check_trailers},
        {"trailers", [](const expectation& e) { return !e.trailers_absent.empty(); }, check_trailers_absent},
        {"interim", [](const expectation& e) { return e.interim.has_value(); }, check_interim},
        {"complete", [](const expectation& e) { return e.complete.has_value(); }, check_complete},
        {"answered", [](const expectation& e) { return e.answered.has_value(); }, check_answered},
        {"closed", [](const expectation& e) { return e.closed.has_value(); }, check_closed},
    };
}

}  // namespace badorigin::judge
