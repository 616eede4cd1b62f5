// From a client's request to the one that the origin gets to see (RFC 9110 7.6).
#pragma once

#include "proxy-under-test/cache/exchange.h"

namespace badorigin::cache {

/// RFC 9112 3.2.2: an absolute target names the host, whatever Host says.
void take_host_from_target(request_head& request);
/// One X-Forwarded-For field, the client's address at its end (R2.7).
void name_client(request_head& request, const std::string& address);
/// A passed request goes on as it is; any other becomes the plain GET whose answer can be stored.
origin_exchange forwarded(const client_exchange& of, std::uint64_t xid, bool passed, nanoseconds now);
/// RFC 9110 7.6.3: whether Via says that the request has come through caches of this kind so often that it can only be going in circles.
bool goes_in_circles(const field_list& fields);
/// RFC 9110 7.6.2: TRACE or OPTIONS with Max-Forwards: 0 goes no further; a larger number is one less afterwards.
bool is_last_recipient(request_head& request);
/// The answer to it.
response_head itself(const request_head& asked, nanoseconds now, std::string& content);
/// Asks for what a stored part lacks, or for the whole where that is another by now (RFC 9110 13.1.5).
void ask_for_rest(origin_exchange& exchange, const object_ptr& part);
/// Asks whether the stored response, if there is one, is still good (RFC 9111 4.3.1).
void make_conditional(request_head& request, const object_ptr& stored);

}  // namespace badorigin::cache
