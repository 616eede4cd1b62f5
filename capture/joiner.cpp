#include "capture/joiner.h"

#include <unordered_map>

namespace badorigin::capture {
namespace {

bool same_request(const exchange& a, const exchange& b) {
    if (!a.request || !b.request) return !a.request && !b.request;
    return a.request->message.method == b.request->message.method && a.request->message.target == b.request->message.target;
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
    std::unordered_map<std::string, std::size_t> asked;      // token → transaction
    std::unordered_map<std::string, exchange_ptr> answered;  // serial → origin exchange

    // All clients first: an origin's exchange may come before its client's in the capture's order by a hair.
    for (const exchange_ptr& e : exchanges) {
        if (e->leg() == leg::origin) {
            if (!e->serial.empty()) answered.emplace(e->serial, e);
            continue;
        }
        if (e->leg() == leg::client && !e->token.empty()) asked.emplace(e->token, joined.size());
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
        attach(joined[owner->second], e, confidence::certain, "token");
    }
    for (transaction& t : joined) {
        if (t.client->leg() != leg::client || t.client->serial.empty()) continue;
        const auto from = answered.find(t.client->serial);
        if (from != answered.end()) t.delivered_from = from->second;
    }
    for (transaction& t : unasked) joined.push_back(std::move(t));
    return joined;
}

}  // namespace badorigin::capture
