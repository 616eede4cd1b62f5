// What of two messages on the two legs of a proxy shows that one is the other, forwarded.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

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

/// What is compared of a request, gathered in one pass. Views into the request.
struct request_traits {
    std::uint64_t key = 0;  ///< request_key
    std::uint64_t id = 0;   ///< id_of_request
    std::string_view host, forwarded_for;
    std::vector<trace> traces;
    std::vector<std::uint64_t> handed_on;  ///< of each field (name and value) that proxies hand on unchanged, sorted
    std::uint64_t all_handed_on = 0;       ///< equal where handed_on is
    bool forwarded = false;                ///< has a field that only a proxy adds
};
request_traits traits_of_request(const exchange& e);

/// A response with a field that only a proxy adds.
bool answered_by_a_proxy(const http::message& response);
bool forwarded_by_a_proxy(const http::message& request);
/// The response says so, by X-Varnish or Age.
bool answered_from_store(const exchange& e);

/// How many fields of the client's request the origin's has too, and how many not.
struct field_likeness {
    int same = 0, unlike = 0;
};
field_likeness compare_fields(const request_traits& client, const request_traits& origin);

enum class body_likeness : std::uint8_t {
    unlike,     ///< cannot be the same
    unknown,    ///< neither has one, or one is not whole
    announced,  ///< the same length was announced, and not all of it can be compared
    same
};
body_likeness compare_bodies(const http::message& client, const http::message& origin);

/// Of status, content, ETag and Date of a whole response; 0: it is not whole.
std::uint64_t answer_key(const exchange& e);

}  // namespace badorigin::capture
