#include "capture/deliveries.h"

#include "capture/ends.h"
#include "capture/likeness.h"

namespace badorigin::capture {
namespace {

std::uint64_t mix_field(std::uint64_t into, const http::message& m, std::string_view name) {
    const auto value = m.field(name);
    return mix(into, value ? hash_of(*value) : 0);
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

std::uint64_t content_key(const exchange& e) {
    const http::message& m = e.response->message;
    return mix(mix(identity(e, false), m.content_hash), static_cast<std::uint64_t>(m.status));
}

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

/// Usable where there is only one.
void deliveries::add(known<std::uint64_t>& to, std::uint64_t key, const cause_ptr& e) {
    const auto [at, fresh] = to.try_emplace(key, e);
    if (!fresh && *at != e) *at = nullptr;
}

void deliveries::answered(cause_ptr of) {
    const exchange& o = *of->origin;
    const http::message& m = o.response->message;
    if (!o.serial.empty()) by_serial_.try_emplace(o.serial, of);
    if (const auto id = id_of_request(o)) *by_fetch_.try_emplace(id, nullptr).first = of;
    if (request_key(o) == 0) return;
    if (m.field("Date") || m.field("ETag") || m.field("Last-Modified")) add(dated_, identity(o, true), of);
    if (o.answered_whole() && m.content_size > 0) add(by_content_, content_key(o), of);
}

cause_ptr deliveries::deliver(transaction& t) {
    t.delivered_from = own_answer(t);
    if (t.delivered_from) return nullptr;
    cause_ptr from = source_of(*t.client);
    if (from) t.delivered_from = from->origin;
    return from;
}

cause_ptr deliveries::source_of(const exchange& c) {
    if (!c.serial.empty()) {
        const auto* from = by_serial_.find(c.serial);
        return from ? *from : nullptr;
    }
    if (const auto ids = ids_of_response(c); ids.fetched != 0)
        if (const auto* from = by_fetch_.find(ids.fetched)) return *from;
    if (request_key(c) == 0) return nullptr;
    const auto* dated = dated_.find(identity(c, true));
    if (dated && *dated && fits(c, *(*dated)->origin)) return *dated;
    const auto* alike = c.answered_whole() ? by_content_.find(content_key(c)) : nullptr;
    return alike && *alike && fits(c, *(*alike)->origin) ? *alike : nullptr;
}

}  // namespace badorigin::capture
