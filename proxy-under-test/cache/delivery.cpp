#include "proxy-under-test/cache/delivery.h"

#include <algorithm>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/ranges.h"

namespace badorigin::cache {

namespace {
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
    if (request.fields.has("If-None-Match")) {  // then If-Modified-Since does not count (RFC 9110 13.1.3)
        const auto wanted = request.fields.joined("If-None-Match");
        const auto tag = stored.fields.value("ETag");
        return std::ranges::any_of(list_elements(wanted),
                                   [&](std::string_view e) { return e == "*" || (!tag.empty() && same_entity_tag(e, tag)); });
    }
    const auto since = parse_http_date(request.fields.joined("If-Modified-Since"));
    if (!since) return false;
    // RFC 9111 4.3.2: where the response does not say when it changed, it did not after its Date.
    const auto* modified = stored.fields.find("Last-Modified");
    const auto changed = parse_http_date(modified ? *modified : stored.fields.value("Date"));
    return changed && *changed <= *since;
}

response_head response_of(const stored_object& object, std::uint64_t request_id, bool hit, nanoseconds now) {
    const auto& head = object.head;
    const auto received_by = version_text(head.version).substr(5);
    response_head out{.status = head.status, .reason = head.reason, .version = 11, .fields = head.fields.with_room_for(6)};
    auto age = std::max(object.age(now), nanoseconds{0});
    if (planted(bug::frozen_age)) age = upstream_age(object.head);
    out.fields.set("Age", std::to_string(std::chrono::floor<std::chrono::seconds>(age).count()));
    if (planted(bug::no_age)) out.fields.remove("Age");
    const auto own = std::to_string(request_id);
    out.fields.set("X-Varnish", hit ? own + ' ' + std::to_string(object.fetch_id) : own);
    const auto via = out.fields.joined("Via");
    out.fields.set("Via", (via.empty() ? "" : via + ", ") + std::string(received_by) + " badorigin");
    return out;
}

namespace {
/// 304, 206 or 416 in the place of a 200, where the request asks for it. The content that is then left.
std::string_view conditioned(client_exchange& exchange, std::string_view content, std::string& made) {
    auto& response = exchange.response;
    const auto& request = exchange.request;
    const bool stored = exchange.object && !exchange.object->passed;
    const auto* partial = exchange.object ? exchange.object->partial.get() : nullptr;
    const auto size = partial ? partial->length() : content.size();
    const auto* range = request.method == "GET" && !exchange.streamed ? request.fields.find("Range") : nullptr;
    if (not_modified(request, response) || (stored && exchange.object->hits > 0 && planted(bug::unconditional_304))) {
        make_not_modified(response);
    } else if (range && range_applies(request, response)) {
        if (const auto wanted = requested_ranges(*range, size)) {
            response.status = wanted->empty() ? 416 : 206;
            response.reason = standard_reason(response.status);
            if (wanted->empty()) {
                response.fields.set("Content-Range", "bytes */" + std::to_string(size));
                content = {};
            } else if (wanted->size() == 1) {
                response.fields.set("Content-Range", content_range(wanted->front(), size));
                content = partial ? partial->find(wanted->front()).value_or("")
                                  : content.substr(wanted->front().first, wanted->front().last - wanted->front().first + 1);
            } else {
                auto parts = multipart_of(*wanted, content, response.fields.value("Content-Type"));
                response.fields.set("Content-Type", "multipart/byteranges; boundary=" + parts.boundary);
                content = made = std::move(parts.content);
            }
        }
    }
    if (stored && (size > 0 || exchange.streamed) && !response.fields.has("Accept-Ranges")) response.fields.set("Accept-Ranges", "bytes");
    return content;
}
/// Whether what goes out is all of a content that trailer fields stand behind, to who knows chunks.
bool carries_trailers(const client_exchange& exchange, std::string_view content) {
    const auto* object = exchange.object.get();
    return object && !object->trailers.empty() && exchange.original.version >= 11 && exchange.response.status != 206 &&
           content.data() == object->content.data() && content.size() == object->content.size();
}

std::string in_chunks(std::string_view content, const field_list& trailers) {
    return (content.empty() ? "" : as_chunk(content)) + last_chunk(trailers);
}

std::string names_of(const field_list& fields) {
    std::string out;
    for (const auto& [name, value] : fields) out.append(out.empty() ? "" : ", ").append(name);
    return out;
}
}  // namespace

outgoing framed(client_exchange& exchange, std::string_view content, bool conditions, bool has_content, bool keep_alive) {
    auto& response = exchange.response;
    const auto& request = exchange.request;
    const bool head = request.method == "HEAD";
    outgoing out;
    response.fields.remove("Transfer-Encoding");
    if (conditions && response.status == 200 && (head || request.method == "GET")) content = conditioned(exchange, content, out.made);
    if (response.status == 204 || response.status == 304) {
        content = {};
        if (response.status == 204) response.fields.remove("Content-Length");
    } else if (response.status == 205) {  // RFC 9110 15.3.6: no content, and said so
        content = {};
        response.fields.set("Content-Length", "0");
    } else if (const auto& growing = exchange.streamed ? exchange.object->growing : nullptr; growing) {
        response.fields.remove("Content-Length");
        if (growing->length) response.fields.set("Content-Length", std::to_string(*growing->length));
        if (!growing->length && !head) {
            response.fields.set("Transfer-Encoding", "chunked");
            if (!growing->announced.empty()) response.fields.set("Trailer", growing->announced);
        }
    } else if (!head && carries_trailers(exchange, content)) {
        const auto& trailers = exchange.object->trailers;
        response.fields.remove("Content-Length");
        response.fields.set("Transfer-Encoding", "chunked");
        response.fields.set("Trailer", names_of(trailers));
        out.made = in_chunks(content, trailers);
    } else if (has_content || !head) {
        const bool wrong = planted(bug::length_of_the_packed) && exchange.object && exchange.original.version < 11;
        response.fields.set("Content-Length", std::to_string(wrong ? exchange.object->content.size() : content.size()));
    }
    if (head) {
        content = {};
        out.made.clear();
    }
    if (!keep_alive) {
        response.fields.set("Connection", "close");
    } else if (exchange.original.version < 11) {
        response.fields.set("Connection", "keep-alive");
    }
    response.version = 11;
    out.head = to_wire(response);
    if (out.made.empty()) out.whole = content;
    return out;
}

}  // namespace badorigin::cache
