#include "harness/traffic/expectations.h"

#include <algorithm>

#include "harness/judge/facts.h"
#include "http/freshness.h"

namespace badorigin::traffic {

using capture::exchange_ptr;
using capture::transaction;

namespace {

std::vector<exchange_ptr> attempts_of(const transaction& t) {
    std::vector<exchange_ptr> out;
    for (const auto& f : t.fetches) out.insert(out.end(), f.attempts.begin(), f.attempts.end());
    std::ranges::stable_sort(out, {}, [](const exchange_ptr& e) { return judge::begin_of(*e).number; });
    return out;
}

void expect_fetches(const transaction& t, const telling& about, scenario::expectation& out) {
    const auto attempts = attempts_of(t);
    out.fetches = static_cast<int>(t.fetches.size());
    const auto& sent = t.client->request->message;
    if (attempts.size() != t.fetches.size() || judge::has_body(sent)) out.attempts = static_cast<int>(attempts.size());
    if (about.origins.size() > 1)
        for (const auto& a : attempts) out.fetched_from.push_back(about.origins.at(a->on->server_name));
    const bool whole = judge::has_body(sent) && sent.complete && !attempts.empty() && std::ranges::all_of(attempts, [&](const auto& a) {
                           return a->request && a->request->message.complete && judge::same_content(a->request->message, sent);
                       });
    if (whole) out.body_at_origin = "whole";
}

}  // namespace

bool from_the_store(const transaction& t) {
    return t.delivered_from && !judge::contains(attempts_of(t), t.delivered_from);
}

bool is_stale(const transaction& t, const std::map<std::string, nanoseconds>& promises, const telling& about) {
    if (!from_the_store(t) || !t.delivered_from->answered() || !t.client->answered()) return false;
    const auto& response = t.delivered_from->response->message;
    const auto own = http::freshness_lifetime(response);
    using source = http::lifetime::source;
    const auto ttl = promises.find("ttl");
    if (ttl == promises.end() && (own.from == source::none || own.from == source::heuristic)) return false;
    const auto stay = about.clock.at(t.client->response->first) - about.clock.at(t.delivered_from->response->header_end);
    const nanoseconds age = stay + http::age_field(response.fields).value_or(http::seconds{0});
    return age > (ttl == promises.end() ? nanoseconds{own.value} : ttl->second) + std::chrono::seconds{1};
}

scenario::expectation expectation_of(const transaction& t, const seen_before& before, const std::map<std::string, nanoseconds>& promises,
                                     const telling& about) {
    scenario::expectation out;
    const auto& client = *t.client;
    if (before.fetches_tell) expect_fetches(t, about, out);
    if (!client.answered()) {
        out.answered = false;
        return out;
    }
    const auto& got = client.response->message;
    out.status = got.status;
    if (!got.complete) out.complete = false;
    if (const auto body = got.complete ? about.content.known(got) : std::nullopt; body && body->kind == peers::content::kind::literal) {
        out.body = body->literal;
    } else if (body) {
        out.body_of = body;
        out.body_of->chunked = false;
    }
    if (is_stale(t, promises, about)) out.stale = true;
    if (!from_the_store(t)) return out;
    if (const auto age = http::age_field(got.fields); age && got.status != 304) out.age = *age;
    const auto first = before.receivers.find(t.delivered_from.get());
    if (first != before.receivers.end() && got.status == judge::status_of(*t.delivered_from)) out.same_copy_as = first->second;
    return out;
}

}  // namespace badorigin::traffic
