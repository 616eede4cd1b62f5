#include "capture/joiner.h"

#include <unordered_map>

#include "capture/intake.h"

namespace badorigin::capture {
namespace {

bool same_request(const exchange& a, const exchange& b) {
    if (!a.request || !b.request) return !a.request && !b.request;
    return a.request->message.method == b.request->message.method && a.request->message.target == b.request->message.target;
}

/// Of those with its token.
std::size_t who_asked(const std::vector<std::size_t>& candidates, const std::vector<transaction>& joined, const exchange& origin) {
    std::size_t latest = candidates.front();
    bool same = false;
    for (const std::size_t one : candidates) {
        const exchange& client = *joined[one].client;
        if (begin_of(client).number > begin_of(origin).number) break;
        if (same && !same_request(client, origin)) continue;
        latest = one;
        same = same_request(client, origin);
    }
    return latest;
}

/// Of those with its serial.
const exchange_ptr& what_came(const std::vector<exchange_ptr>& candidates, const exchange& client) {
    std::size_t latest = 0;
    for (std::size_t i = 1; i < candidates.size(); ++i)
        if (candidates[i]->response->first.number < client.response->first.number) latest = i;
    return candidates[latest];
}

}  // namespace

std::string_view name(confidence how) {
    switch (how) {
        case confidence::certain:
            return "certain";
        case confidence::likely:
            return "likely";
        case confidence::ambiguous:
            return "ambiguous";
    }
    return {};
}

void attach(transaction& to, const exchange_ptr& origin, confidence how, std::string_view by) {
    for (auto f = to.fetches.rbegin(); f != to.fetches.rend(); ++f) {
        const exchange& before = *f->attempts.back();
        if (!same_request(before, *origin)) continue;
        if (before.answered_whole()) break;
        f->attempts.push_back(origin);
        if (how > f->joined) f->joined = how, f->by = by;
        return;
    }
    to.fetches.push_back({{origin}, how, by});
}

std::vector<transaction> join(const std::vector<exchange_ptr>& exchanges) {
    std::vector<transaction> joined;
    std::vector<transaction> unasked;
    std::unordered_map<std::string, std::vector<std::size_t>> asked;      // token → transactions
    std::unordered_map<std::string, std::vector<exchange_ptr>> answered;  // serial → origin exchanges

    // All clients first: an origin's exchange may come before its client's in the capture's order by a hair.
    for (const exchange_ptr& e : exchanges) {
        if (e->leg() == leg::origin) {
            if (!e->serial.empty()) answered[e->serial].push_back(e);
            continue;
        }
        if (e->leg() == leg::client && !e->token.empty()) asked[e->token].push_back(joined.size());
        transaction t;
        t.client = e;
        joined.push_back(std::move(t));
    }
    for (const exchange_ptr& e : exchanges) {
        if (e->leg() != leg::origin) continue;
        const auto owner = e->token.empty() ? asked.end() : asked.find(e->token);
        if (owner == asked.end()) {
            transaction t;
            t.kind = transaction::kind::probe_or_unasked;
            t.fetches.push_back({{e}});
            unasked.push_back(std::move(t));
            continue;
        }
        attach(joined[who_asked(owner->second, joined, *e)], e, confidence::certain, "token");
    }
    for (transaction& t : joined) {
        if (t.client->leg() != leg::client || t.client->serial.empty()) continue;
        const auto from = answered.find(t.client->serial);
        if (from != answered.end()) t.delivered_from = what_came(from->second, *t.client);
    }
    for (transaction& t : unasked) joined.push_back(std::move(t));
    return joined;
}

}  // namespace badorigin::capture
