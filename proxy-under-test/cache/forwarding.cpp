#include "proxy-under-test/cache/forwarding.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
constexpr std::string_view pseudonym = "badorigin";
constexpr int most_passages = 16;  ///< more tiers than anybody has, and few enough that a loop costs little

/// Of a member of Via: received-protocol, blanks, a pseudonym, and perhaps a port and a comment.
bool names_this_kind(std::string_view member) {
    const auto received_by = trimmed(member.substr(std::min(member.find_first_of(" \t"), member.size())));
    return same_name(received_by.substr(0, received_by.find_first_of(" \t(:")), pseudonym);
}
}  // namespace

bool goes_in_circles(const field_list& fields) {
    return fields.has("Via") && std::ranges::count_if(list_elements(fields.joined("Via")), names_this_kind) >= most_passages;
}

void take_host_from_target(request_head& request) {
    constexpr std::string_view scheme = "http://";
    if (!same_name(std::string_view(request.target).substr(0, scheme.size()), scheme)) return;
    const auto path = request.target.find_first_of("/?", scheme.size());
    request.fields.set("Host", std::string_view(request.target).substr(scheme.size(), path - scheme.size()));
    request.target = path == std::string::npos ? "/" : request.target.substr(path);
    if (request.target.front() == '?') request.target.insert(0, 1, '/');
}

void name_client(request_head& request, const std::string& address) {
    const auto before = request.fields.joined("X-Forwarded-For");
    if (!before.empty() && planted(bug::forwarded_for_apart)) return request.fields.append("X-Forwarded-For", address);
    request.fields.set("X-Forwarded-For", before.empty() ? address : before + ", " + address);
}

origin_exchange forwarded(const client_exchange& of, std::uint64_t xid, bool passed, nanoseconds now) {
    origin_exchange out;
    out.xid = xid;
    out.ends = of.ends;
    out.started = now;
    out.key = of.key;
    out.passed = passed;
    out.backend_hint = of.backend_hint;
    out.no_store = of.wishes.no_store;
    out.request = {.method = of.request.method, .target = of.request.target, .version = 11, .fields = of.request.fields.with_room_for(4)};
    auto& fields = out.request.fields;
    remove_hop_by_hop(fields);
    if (passed) {
        if (of.has_body && !of.body_length) {
            fields.set("Transfer-Encoding", "chunked");
            if (const auto announced = announced_trailers(of.request.fields); !announced.empty()) fields.set("Trailer", announced);
        }
    } else {
        out.request.method = "GET";
        static constexpr auto not_ours =
            std::to_array<std::string_view>({"Content-Length", "Transfer-Encoding", "Range", "If-Range", "If-Match", "If-None-Match",
                                             "If-Modified-Since", "If-Unmodified-Since"});
        fields.remove(not_ours);
    }
    const auto via = fields.joined("Via");
    fields.set("Via", fmt::format("{}{}{} {}", via, via.empty() ? "" : ", ", version_text(of.original.version).substr(5), pseudonym));
    fields.set("X-Varnish", std::to_string(xid));
    out.original = out.request;
    return out;
}

bool is_last_recipient(request_head& request) {
    if (request.method != "TRACE" && request.method != "OPTIONS") return false;
    const auto* left = request.fields.find("Max-Forwards");
    if (!left || left->empty() || left->size() > 9 || left->find_first_not_of("0123456789") != std::string::npos) return false;
    const auto number = std::stoi(*left);
    if (number > 0) request.fields.set("Max-Forwards", std::to_string(number - 1));
    return number == 0;
}

response_head itself(const request_head& asked, nanoseconds now, std::string& content) {
    response_head out{.status = 200, .reason = "OK", .version = 11, .fields = {}};
    out.fields.append("Date", http_date(now));
    if (asked.method == "OPTIONS") {
        out.fields.append("Allow", "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE");
        return out;
    }
    auto echoed = asked;
    for (const auto secret : {"Cookie", "Authorization", "Proxy-Authorization"}) echoed.fields.remove(secret);  // RFC 9110 9.3.8
    out.fields.append("Content-Type", "message/http");
    content = to_wire(echoed);
    return out;
}

void ask_for_rest(origin_exchange& exchange, const object_ptr& part) {
    const auto [first, last] = part->partial->missing();
    exchange.completes = part;
    exchange.request.fields.set("Range", fmt::format("bytes={}-{}", first, last));
    exchange.request.fields.set("If-Range", strong_validator(part->head.fields));
}

void make_conditional(request_head& request, const object_ptr& stored) {
    if (!stored) return;
    if (const auto* tag = stored->head.fields.find("ETag")) request.fields.set("If-None-Match", *tag);
    if (const auto* modified = stored->head.fields.find("Last-Modified")) request.fields.set("If-Modified-Since", *modified);
}

}  // namespace badorigin::cache
