#include "harness/judge/facts.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "http/grammar.h"

namespace badorigin::judge {

frame_ref begin_of(const exchange& e) {
    if (e.request) return e.request->first;
    if (!e.interim.empty()) return e.interim.front().first;
    return e.response ? e.response->first : frame_ref{};
}

frame_ref end_of(const exchange& e) {
    frame_ref last = e.request ? e.request->last : frame_ref{};
    for (const auto& m : e.interim)
        if (m.last.number > last.number) last = m.last;
    if (e.response && e.response->last.number > last.number) last = e.response->last;
    return last;
}

namespace {
frame_ref earlier(const frame_ref& a, const frame_ref& b) {
    if (!a) return b;
    if (!b) return a;
    return a.number < b.number ? a : b;
}
}  // namespace

frame_ref server_end(const capture::connection& c) {
    return earlier(c.server_fin, c.server_rst);
}
frame_ref client_end(const capture::connection& c) {
    return earlier(c.client_fin, c.client_rst);
}

frame_ref known_at(const exchange& origin) {
    if (origin.answered()) return origin.response->header_end;
    const auto ended = origin.on ? server_end(*origin.on) : frame_ref{};
    return ended ? ended : end_of(origin);
}

bool begun_unseen(const exchange& e) {
    return !e.request && e.index == 0 && e.on && !e.on->complete_start;
}

bool holed(const exchange& e) {
    return e.gap || (e.on && !e.on->holes.empty());
}

int status_of(const exchange& e) {
    return e.answered() ? e.response->message.status : 0;
}

bool is_origin_leg(const exchange& e) {
    return e.leg() == capture::leg::origin;
}

std::string origin_name(const exchange& e) {
    if (!e.on) return {};
    constexpr std::string_view prefix = "origin:";
    std::string_view whole = e.on->server_name;
    return std::string{whole.starts_with(prefix) ? whole.substr(prefix.size()) : whole};
}

bool is_idempotent(std::string_view method) {
    constexpr std::array<std::string_view, 6> methods{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    return std::ranges::find(methods, method) != methods.end();
}

std::string target_of(const http::message& request) {
    std::string_view target = request.target;
    auto scheme = target.find("://");
    if (scheme != std::string_view::npos && scheme < target.find_first_of("/?")) {
        target.remove_prefix(scheme + 3);
        auto path = target.find_first_of("/?");
        if (path == std::string_view::npos) return "/";
        if (target[path] == '?') return "/" + std::string{target.substr(path)};
        target.remove_prefix(path);
    }
    return std::string{target};
}

std::string host_of(const http::message& request) {
    std::string host{request.field("Host").value_or("")};
    std::ranges::transform(host, host.begin(), http::to_lower);
    return host;
}

bool has_body(const http::message& m) {
    return m.content_size > 0 || m.declared_length.value_or(0) > 0 || m.framing == http::framing::chunked;
}

bool is_conditional(const http::message& request) {
    return request.field("If-None-Match") || request.field("If-Modified-Since");
}

bool same_content(const http::message& a, const http::message& b) {
    return a.content_size == b.content_size && a.content_hash == b.content_hash;
}

bool begins(const http::message& part, const http::message& whole) {
    if (part.content_size > whole.content_size) return false;
    auto kept = std::min(part.content_start.size(), whole.content_start.size());
    return std::string_view{part.content_start}.substr(0, kept) == std::string_view{whole.content_start}.substr(0, kept);
}

std::string joined(const http::fields& all, std::string_view name) {
    std::string text;
    for (auto value : http::values(all, name)) {
        if (!text.empty()) text += ", ";
        text += value;
    }
    return text;
}

bool answered_incompletely(const exchange& origin) {
    if (!origin.answered() || origin.response->message.complete || origin.response->message.gap) return false;
    const auto& m = origin.response->message;
    return m.has(http::anomaly::truncated_body) || m.has(http::anomaly::bad_chunk_size) || m.has(http::anomaly::bad_chunk_end);
}

bool contains(const std::vector<exchange_ptr>& all, const exchange_ptr& what) {
    return std::ranges::find(all, what) != all.end();
}

std::string subject_in(const capture::evidence& tier, const std::string& subject) {
    return subject.empty() ? tier.of_proxy : fmt::format("{}, {}", tier.of_proxy, subject);
}

std::string seconds_text(nanoseconds value) {
    auto text = fmt::format("{:.3f}", std::chrono::duration<double>(value).count());
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text + " s";
}

std::string ordinal(std::uint32_t number) {
    constexpr std::array<std::string_view, 4> endings{"th", "st", "nd", "rd"};
    const bool teens = number % 100 / 10 == 1;
    return fmt::format("{}{}", number, endings[teens || number % 10 > 3 ? 0 : number % 10]);
}

std::string connection_words(const exchange& e) {
    return fmt::format("{} connection {}", e.index > 0 ? "reused" : "fresh", e.on ? e.on->id : 0);
}

std::string place_of(const exchange& e) {
    return fmt::format("frame {}, {}", begin_of(e).number, connection_words(e));
}

std::string request_line(const exchange& e) {
    return e.request ? fmt::format("{} {}", e.request->message.method, e.request->message.target)
                     : std::string{"a response without a request"};
}

namespace {
citation cite_part(std::string what, const exchange& e, const capture::seen_message& part) {
    citation c{std::move(what), e.on ? e.on->id : 0, e.id, part.frames, part.message.begin, part.message.end, {}};
    c.of = e.weak_from_this().lock();
    if (c.frames.empty() && part.first) c.frames.push_back(part.first.number);
    const auto& m = part.message;
    c.detail = m.side == http::direction::request ? fmt::format("{} {}, {} bytes of content", m.method, m.target, m.content_size)
                                                  : fmt::format("{} {}, {} bytes of content", m.status, m.reason, m.content_size);
    return c;
}
}  // namespace

citation cite_request(std::string what, const exchange& e) {
    return e.request ? cite_part(std::move(what), e, *e.request) : cite(std::move(what), e);
}
citation cite_response(std::string what, const exchange& e) {
    return e.response ? cite_part(std::move(what), e, *e.response) : cite(std::move(what), e);
}

citation cite(std::string what, const exchange& e) {
    citation c{std::move(what), e.on ? e.on->id : 0, e.id, {}, 0, 0, {}};
    c.of = e.weak_from_this().lock();
    for (const auto* part : {e.request ? &*e.request : nullptr, e.response ? &*e.response : nullptr}) {
        if (!part) continue;
        c.frames.insert(c.frames.end(), part->frames.begin(), part->frames.end());
        if (part->frames.empty() && part->first) c.frames.push_back(part->first.number);
    }
    c.detail =
        fmt::format("{}, {}", request_line(e), e.answered() ? fmt::format("answered {}", status_of(e)) : std::string{"no final response"});
    return c;
}

citation cite_vitals(const capture::vitals_sample& from, const capture::vitals_sample& to) {
    citation c;
    c.what = fmt::format("vitals after {} and after {}", from.step, to.step);
    c.detail = fmt::format("{} to {}: CPU {} to {}, descriptors {} to {}, resident {} to {} bytes", seconds_text(from.monotonic),
                           seconds_text(to.monotonic), seconds_text(from.cpu), seconds_text(to.cpu), from.descriptors, to.descriptors,
                           from.resident_bytes, to.resident_bytes);
    return c;
}

}  // namespace badorigin::judge
