#include "capture/likeness.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "capture/ends.h"
#include "http/running_hash.h"

namespace badorigin::capture {
namespace {

using namespace std::string_view_literals;

constexpr std::array trace_fields = {"traceparent"sv,     "x-request-id"sv, "x-correlation-id"sv,      "request-id"sv,
                                     "x-amzn-trace-id"sv, "x-b3-traceid"sv, "x-cloud-trace-context"sv, "uber-trace-id"sv,
                                     "x-transaction-id"sv};
/// Of one hop, rewritten on the way, or made anew: they say nothing about who asked.
constexpr std::array not_handed_on = {"host"sv,
                                      "connection"sv,
                                      "keep-alive"sv,
                                      "proxy-connection"sv,
                                      "te"sv,
                                      "trailer"sv,
                                      "transfer-encoding"sv,
                                      "upgrade"sv,
                                      "expect"sv,
                                      "content-length"sv,
                                      "via"sv,
                                      "forwarded"sv,
                                      "x-forwarded-for"sv,
                                      "x-varnish"sv,
                                      "accept-encoding"sv,
                                      "if-none-match"sv,
                                      "if-modified-since"sv,
                                      "if-range"sv,
                                      "range"sv,
                                      "cache-control"sv,
                                      "pragma"sv};

bool any_of_names(const auto& names, std::string_view name) {
    return std::ranges::any_of(names, [&](std::string_view n) { return http::same_name(n, name); });
}

std::uint64_t number_at(std::string_view& text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    std::uint64_t n = 0;
    const auto [to, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (wrong != std::errc()) return 0;
    text.remove_prefix(static_cast<std::size_t>(to - text.data()));
    return n;
}

varnish_ids ids_in(const http::message& m) {
    const auto value = m.field("X-Varnish");
    if (!value) return {};
    std::string_view rest = *value;
    varnish_ids ids;
    ids.own = number_at(rest);
    ids.fetched = number_at(rest);
    return ids;
}

}  // namespace

std::string_view path_of(const http::message& request) {
    std::string_view target = request.target;
    const auto scheme = target.find("://");
    if (target.starts_with('/') || scheme == target.npos) return target;
    const auto path = target.find('/', scheme + 3);
    return path == target.npos ? "/"sv : target.substr(path);
}

std::uint64_t request_key(const exchange& e) {
    if (!e.request || !e.request->message.header_complete) return 0;
    const http::message& m = e.request->message;
    return mix(http::hash(m.method == "HEAD" ? "GET"sv : std::string_view(m.method)), http::hash(path_of(m))) | 1;
}

bool is_safe(const http::message& request) {
    return any_of_names(std::array{"GET"sv, "HEAD"sv, "OPTIONS"sv, "TRACE"sv}, request.method);
}

varnish_ids ids_of_response(const exchange& e) {
    return e.response ? ids_in(e.response->message) : varnish_ids();
}

std::uint64_t id_of_request(const exchange& e) {
    return e.request ? ids_in(e.request->message).own : 0;
}

std::vector<trace> traces_of(const http::message& request) {
    std::vector<trace> found;
    for (const http::field& f : request.fields) {
        const auto name = std::ranges::find_if(trace_fields, [&](std::string_view n) { return http::same_name(n, f.name); });
        if (name == trace_fields.end() || f.value.empty()) continue;
        std::string_view value = f.value;
        if (*name == "traceparent" && value.size() > 35) value = value.substr(3, 32);
        found.push_back({*name, value});
    }
    return found;
}

bool forwarded_by_a_proxy(const http::message& request) {
    return std::ranges::any_of(request.fields, [](const http::field& f) {
        return any_of_names(std::array{"X-Varnish"sv, "Via"sv, "X-Forwarded-For"sv, "Forwarded"sv}, f.name);
    });
}

bool answered_by_a_proxy(const http::message& response) {
    return std::ranges::any_of(response.fields, [](const http::field& f) {
        return any_of_names(std::array{"X-Varnish"sv, "Via"sv, "Age"sv, "X-Cache"sv}, f.name);
    });
}

field_likeness compare_fields(const http::message& client, const http::message& origin) {
    field_likeness found;
    for (const http::field& f : client.fields) {
        if (any_of_names(not_handed_on, f.name)) continue;
        const auto there = [&](const http::field& g) { return g.value == f.value && http::same_name(g.name, f.name); };
        ++(std::ranges::any_of(origin.fields, there) ? found.same : found.unlike);
    }
    return found;
}

body_likeness compare_bodies(const http::message& client, const http::message& origin) {
    const auto announced = [](const http::message& m) { return m.framing == http::framing::none ? 0 : m.declared_length; };
    if (client.complete && origin.complete && !client.gap && !origin.gap) {
        if (client.content_size != origin.content_size || client.content_hash != origin.content_hash) return body_likeness::unlike;
        return client.content_size > 0 ? body_likeness::same : body_likeness::unknown;
    }
    const auto a = announced(client), b = announced(origin);
    if (a && b) return *a == *b ? body_likeness::announced : body_likeness::unlike;
    return body_likeness::unknown;
}

}  // namespace badorigin::capture
