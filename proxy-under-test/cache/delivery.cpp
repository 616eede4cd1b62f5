#include "proxy-under-test/cache/delivery.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
struct byte_range {
    std::size_t first = 0, last = 0;  ///< both included
};
enum class range_verdict { none, unsatisfiable, one };

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return out;
}

/// A single range of bytes; several, and what is malformed, are ignored as RFC 9110 14.2 allows.
std::pair<range_verdict, byte_range> requested_range(std::string_view field, std::size_t size) {
    constexpr std::string_view unit = "bytes=";
    if (!field.starts_with(unit) || field.contains(',')) return {range_verdict::none, {}};
    const auto spec = trimmed(field.substr(unit.size()));
    const auto dash = spec.find('-');
    if (dash == std::string_view::npos) return {range_verdict::none, {}};
    const auto first = number(spec.substr(0, dash)), last = number(spec.substr(dash + 1));
    if (dash == 0) {
        if (!last) return {range_verdict::none, {}};
        if (*last == 0 || size == 0) return {range_verdict::unsatisfiable, {}};
        return {range_verdict::one, {size - std::min<std::uint64_t>(*last, size), size - 1}};
    }
    if (!first || (!last && dash + 1 != spec.size()) || (last && *last < *first)) return {range_verdict::none, {}};
    if (*first >= size) return {range_verdict::unsatisfiable, {}};
    return {range_verdict::one, {*first, std::min<std::uint64_t>(last.value_or(size - 1), size - 1)}};
}

bool range_applies(const request_head& request, const response_head& stored) {
    const auto* condition = request.fields.find("If-Range");
    return !condition || (!condition->starts_with("W/") && *condition == stored.fields.value("ETag")) ||
           *condition == stored.fields.value("Last-Modified");
}

void make_not_modified(response_head& response) {
    response.status = 304;
    response.reason = standard_reason(304);
    for (const auto name : {"Content-Length", "Content-Encoding", "Content-Type", "Content-Language", "Content-Range"})
        response.fields.remove(name);
}
}  // namespace

bool same_entity_tag(std::string_view a, std::string_view b) {
    if (a.starts_with("W/")) a.remove_prefix(2);
    if (b.starts_with("W/")) b.remove_prefix(2);
    return a == b;
}

bool not_modified(const request_head& request, const response_head& stored) {
    const auto wanted = request.fields.joined("If-None-Match");
    if (!wanted.empty()) {
        const auto tag = stored.fields.value("ETag");
        return std::ranges::any_of(list_elements(wanted),
                                   [&](std::string_view e) { return e == "*" || (!tag.empty() && same_entity_tag(e, tag)); });
    }
    const auto since = parse_http_date(request.fields.value("If-Modified-Since"));
    const auto modified = parse_http_date(stored.fields.value("Last-Modified"));
    return since && modified && *modified <= *since;
}

response_head response_of(const stored_object& object, std::uint64_t request_id, bool hit, nanoseconds now) {
    auto out = object.head;
    out.version = 11;
    auto age = std::max(object.age(now), nanoseconds{0});
    if (planted(bug::frozen_age)) age = upstream_age(object.head);
    out.fields.set("Age", std::to_string(std::chrono::floor<std::chrono::seconds>(age).count()));
    if (planted(bug::no_age)) out.fields.remove("Age");
    const auto own = std::to_string(request_id);
    out.fields.set("X-Varnish", hit ? own + ' ' + std::to_string(object.fetch_id) : own);
    const auto via = out.fields.joined("Via");
    out.fields.set("Via", via.empty() ? "1.1 badorigin" : via + ", 1.1 badorigin");
    return out;
}

outgoing framed(client_exchange& exchange, std::string_view content, bool conditions, bool has_content, bool keep_alive) {
    auto& response = exchange.response;
    const auto& request = exchange.request;
    const bool get = request.method == "GET", head = request.method == "HEAD";
    const bool stored = exchange.object && !exchange.object->passed;
    if (conditions && response.status == 200 && (get || head)) {
        const bool asked = not_modified(request, response) || (stored && exchange.object->hits > 0 && planted(bug::unconditional_304));
        const auto* range = request.fields.find("Range");
        if (asked) {
            make_not_modified(response);
        } else if (range && get && range_applies(request, response)) {
            const auto [verdict, wanted] = requested_range(*range, content.size());
            const auto size = std::to_string(content.size());
            if (verdict == range_verdict::one) {
                response.status = 206;
                response.fields.set("Content-Range",
                                    "bytes " + std::to_string(wanted.first) + '-' + std::to_string(wanted.last) + '/' + size);
                content = content.substr(wanted.first, wanted.last - wanted.first + 1);
            } else if (verdict == range_verdict::unsatisfiable) {
                response.status = 416;
                response.fields.set("Content-Range", "bytes */" + size);
                content = {};
            }
            if (verdict != range_verdict::none) response.reason = standard_reason(response.status);
        }
        if (stored && content.size() > 0 && !response.fields.has("Accept-Ranges")) response.fields.set("Accept-Ranges", "bytes");
    }
    if (response.status == 204 || response.status == 304) {
        content = {};
        if (response.status == 204) response.fields.remove("Content-Length");
    } else if (response.status == 205) {  // RFC 9110 15.3.6: no content, and said so
        content = {};
        response.fields.set("Content-Length", "0");
    } else if (has_content || !head) {
        response.fields.set("Content-Length", std::to_string(content.size()));
    }
    if (head) content = {};
    response.fields.remove("Transfer-Encoding");
    if (!keep_alive) {
        response.fields.set("Connection", "close");
    } else if (exchange.original.version < 11) {
        response.fields.set("Connection", "keep-alive");
    }
    response.version = 11;
    return {to_wire(response), content};
}

}  // namespace badorigin::cache
