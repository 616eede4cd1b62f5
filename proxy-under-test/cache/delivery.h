// From a stored response to what one client gets: Age, identification, conditions (RFC 9110 13), ranges (14), framing.
#pragma once

#include <string>
#include <string_view>

#include "proxy-under-test/cache/exchange.h"

namespace badorigin::cache {

/// The response as vcl_deliver sees it first. `hit`: the object was stored before the request came.
response_head response_of(const stored_object& object, std::uint64_t request_id, bool hit, nanoseconds now);

struct outgoing {
    std::string head;
    std::string_view whole;  ///< of the object's or the synthetic content, or a part of it
    std::string made;        ///< several parts of it, put together

    std::string_view content() const { return made.empty() ? whole : made; }
};
/// After vcl_deliver or vcl_synth: 304 and 206 where the client asked for them, and the framing. `conditions`: whether these apply.
outgoing framed(client_exchange& exchange, std::string_view content, bool conditions, bool has_content, bool keep_alive);

bool not_modified(const request_head& request, const response_head& stored);

/// The weak comparison (RFC 9110 8.8.3.2).
bool same_entity_tag(std::string_view a, std::string_view b);

}  // namespace badorigin::cache
