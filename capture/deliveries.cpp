#include "capture/deliveries.h"

#include <algorithm>
#include <unordered_map>

#include "capture/ends.h"
#include "capture/likeness.h"
#include "http/running_hash.h"

namespace badorigin::capture {
namespace {

std::uint64_t mix_field(std::uint64_t into, const http::message& m, std::string_view name) {
    const auto value = m.field(name);
    return mix(into, value ? http::hash(*value) : 0);
}
std::uint64_t identity(const exchange& e, bool with_date) {
    std::uint64_t key = mix_field(mix_field(request_key(e), e.response->message, "ETag"), e.response->message, "Last-Modified");
    return with_date ? mix_field(key, e.response->message, "Date") : key;
}

bool same_validators(const http::message& a, const http::message& b) {
    return a.field("ETag") == b.field("ETag") && a.field("Last-Modified") == b.field("Last-Modified");
}
bool no_content_by_rule(const exchange& e) {
    const http::message& m = e.response->message;
    return m.status == 304 || m.status == 206 || (e.request && e.request->message.method == "HEAD");
}

/// May the client's response be this origin's, by status and content?
bool fits(const exchange& client, const exchange& o) {
    const http::message &got = client.response->message, &sent = o.response->message;
    const bool status = got.status == sent.status || (sent.status == 304 && got.status < 400) ||
                        (got.status == 304 && sent.status == 200) || (got.status == 206 && sent.status == 200);
    if (!status || (!same_validators(got, sent) && sent.status != 304)) return false;
    if (no_content_by_rule(client) || no_content_by_rule(o)) return true;
    if (client.answered_whole() && o.answered_whole())
        return got.content_size == sent.content_size && got.content_hash == sent.content_hash;
    return got.content_start.starts_with(sent.content_start) || sent.content_start.starts_with(got.content_start);
}

/// What was answered so far under a key: usable where there is only one.
class answers {
public:
    void add(std::uint64_t key, const exchange_ptr& e) {
        const auto [at, fresh] = known_.try_emplace(key, e);
        if (!fresh && at->second != e) at->second = nullptr;
    }
    exchange_ptr only(std::uint64_t key) const {
        const auto at = known_.find(key);
        return at == known_.end() ? nullptr : at->second;
    }

private:
    std::unordered_map<std::uint64_t, exchange_ptr> known_;
};

class deliveries {
public:
    void answered(const exchange_ptr& o) {
        const http::message& m = o->response->message;
        if (!o->serial.empty()) by_serial_.emplace(o->serial, o);
        if (const auto id = id_of_request(*o)) by_fetch_[id] = o;
        if (request_key(*o) == 0) return;
        if (m.field("Date") || m.field("ETag") || m.field("Last-Modified")) dated_.add(identity(*o, true), o);
        if (o->answered_whole() && m.content_size > 0) by_content_.add(content_key(*o), o);
    }
    exchange_ptr source_of(const exchange& c) const {
        if (!c.serial.empty()) {
            const auto from = by_serial_.find(c.serial);
            return from == by_serial_.end() ? nullptr : from->second;
        }
        const auto ids = ids_of_response(c);
        if (const auto from = by_fetch_.find(ids.fetched); ids.fetched != 0 && from != by_fetch_.end()) return from->second;
        if (request_key(c) == 0) return nullptr;
        for (exchange_ptr from : {dated_.only(identity(c, true)), c.answered_whole() ? by_content_.only(content_key(c)) : nullptr})
            if (from && fits(c, *from)) return from;
        return nullptr;
    }

private:
    static std::uint64_t content_key(const exchange& e) {
        const http::message& m = e.response->message;
        return mix(mix(identity(e, false), m.content_hash), static_cast<std::uint64_t>(m.status));
    }
    std::unordered_map<std::string_view, exchange_ptr> by_serial_;
    std::unordered_map<std::uint64_t, exchange_ptr> by_fetch_;
    answers dated_, by_content_;
};

/// Of the fetches that were made for this client.
exchange_ptr own_answer(const transaction& t) {
    const exchange& c = *t.client;
    if (!c.serial.empty() || ids_of_response(c).fetched != 0) return nullptr;
    for (auto f = t.fetches.rbegin(); f != t.fetches.rend(); ++f)
        for (auto o = f->attempts.rbegin(); o != f->attempts.rend(); ++o)
            if ((*o)->answered() && (*o)->response->header_end.number <= c.response->first.number && fits(c, **o)) return *o;
    return nullptr;
}

}  // namespace

void find_deliveries(std::vector<transaction>& transactions, const std::vector<exchange_ptr>& exchanges) {
    struct event {
        frame_number at;
        const exchange_ptr* origin;
        transaction* client;
    };
    std::vector<event> events;
    for (transaction& t : transactions) {
        if (!t.client || t.client->leg() != leg::client || !t.client->answered()) continue;
        t.delivered_from = own_answer(t);
        if (!t.delivered_from) events.push_back({t.client->response->first.number, nullptr, &t});
    }
    if (events.empty()) return;
    for (const exchange_ptr& e : exchanges)
        if (e->leg() == leg::origin && e->answered()) events.push_back({e->response->header_end.number, &e, nullptr});
    // In the order of answers: a response that came later was not delivered.
    std::ranges::stable_sort(events, {}, &event::at);
    deliveries all;
    for (const event& e : events) {
        if (e.origin)
            all.answered(*e.origin);
        else
            e.client->delivered_from = all.source_of(*e.client->client);
    }
}

}  // namespace badorigin::capture
