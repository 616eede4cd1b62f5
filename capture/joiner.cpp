#include "capture/joiner.h"

#include <unordered_map>

namespace badorigin::capture {
namespace {

std::string same_request(const exchange& e) {
    std::string key = e.token;
    if (!e.request) return key;
    key += '\0';
    key += e.request->message.method;
    key += '\0';
    key += e.request->message.target;
    return key;
}

}  // namespace

std::vector<transaction> join(const std::vector<exchange_ptr>& exchanges) {
    std::vector<transaction> joined;
    std::vector<transaction> unasked;
    std::unordered_map<std::string, std::size_t> asked;         // token → transaction
    std::unordered_map<std::string, exchange_ptr> answered;     // serial → origin exchange
    std::unordered_map<std::string, std::size_t> latest_fetch;  // same request → index among its transaction's fetches

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
        std::vector<fetch>& fetches = joined[owner->second].fetches;
        const auto [known, fresh] = latest_fetch.try_emplace(same_request(*e), fetches.size());
        if (!fresh && !fetches[known->second].attempts.back()->answered_whole()) {
            fetches[known->second].attempts.push_back(e);
        } else {
            known->second = fetches.size();
            fetches.push_back({{e}});
        }
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
