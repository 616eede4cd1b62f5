// What of two messages on the two legs of a proxy shows that one is the other, forwarded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "capture/exchange.h"

namespace badorigin::capture {

/// The request's target in origin form: path and query.
std::string_view path_of(const http::message& request);
/// Of method (a cache asks with GET on behalf of HEAD) and path; 0 where the request's header is not complete.
std::uint64_t request_key(const exchange& e);
bool is_safe(const http::message& request);

/// X-Varnish of a response: the client request's id, and the id of the fetch that the object came from (0: none was named).
struct varnish_ids {
    std::uint64_t own = 0, fetched = 0;
};
varnish_ids ids_of_response(const exchange& e);
/// X-Varnish of a request to an origin: the fetch's id; 0: none.
std::uint64_t id_of_request(const exchange& e);

/// A value that a client, or the tracing of whoever stands before it, gave to a request and that proxies hand on.
struct trace {
    std::string_view name;   ///< in lower case: "traceparent", "x-request-id"
    std::string_view value;  ///< of traceparent the trace id alone: each hop has its own parent id
};
std::vector<trace> traces_of(const http::message& request);

/// A field that only a proxy adds.
bool forwarded_by_a_proxy(const http::message& request);
bool answered_by_a_proxy(const http::message& response);

/// How many end-to-end fields of the client's request stand in the origin's with the same value, and how many do not.
struct field_likeness {
    int same = 0, unlike = 0;
};
field_likeness compare_fields(const http::message& client, const http::message& origin);

enum class body_likeness : std::uint8_t {
    unlike,     ///< cannot be the same
    unknown,    ///< neither has one, or one is not whole
    announced,  ///< the same length was announced, and not all of it can be compared
    same
};
body_likeness compare_bodies(const http::message& client, const http::message& origin);

}  // namespace badorigin::capture
