#include "harness/judge/bodies.h"

#include <algorithm>

namespace badorigin::judge {

namespace {

body_attempt attempt_of(const exchange& client, const exchange_ptr& at, const capture::fetch& in) {
    body_attempt a{at, in.joined, in.by, false, false, false, {}};
    const auto &sent = client.request->message, &came = at->request->message;
    a.whole = came.complete && sent.complete && same_content(came, sent);
    const auto origin = server_end(*at->on), proxy = client_end(*at->on);
    a.died = !at->response && !at->gap && (origin || proxy);
    if (!a.died) return a;
    a.origin_ended_it = origin && (!proxy || origin.number < proxy.number);
    a.ended = a.origin_ended_it ? origin : proxy;
    return a;
}

}  // namespace

bool bears_content(const exchange& client) {
    if (!client.request || !client.request->message.header_complete) return false;
    const auto& m = client.request->message;
    return has_body(m) || (!is_idempotent(m.method) && m.method != "CONNECT");
}

body_journey follow(const transaction& t) {
    body_journey all{t.client, {}};
    if (!t.client || !bears_content(*t.client)) return all;
    for (const auto& f : t.fetches)
        for (const auto& a : f.attempts)
            if (a->request && a->request->message.header_complete && a->request->message.method == t.client->request->message.method)
                all.attempts.push_back(attempt_of(*t.client, a, f));
    std::ranges::stable_sort(all.attempts, {}, [](const body_attempt& a) { return begin_of(*a.at).number; });
    return all;
}

void body_account::add(const capture::evidence& part) {
    for (const auto& t : part.transactions) {
        if (!t.client) {
            for (const auto& f : t.fetches)
                if (!t.candidates.empty() && !f.attempts.empty() && bears_content(*f.attempts.front())) ++ambiguous;
            continue;
        }
        if (t.client->leg() != capture::leg::client || !bears_content(*t.client)) continue;
        ++requests;
        auto journey = follow(t);
        auto went_wrong = [&](const body_attempt& a) {
            return a.died || (!a.whole && t.client->request->message.complete && !a.at->request->message.gap);
        };
        if (std::ranges::any_of(journey.attempts, went_wrong)) troubled.push_back(std::move(journey));
    }
}

body_account follow_bodies(const capture::evidence& evidence) {
    body_account all;
    all.add(evidence);
    return all;
}

}  // namespace badorigin::judge
