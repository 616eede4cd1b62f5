// How long a response may be stored, as its origin says (RFC 9111 4.2, RFC 5861 3), before the policy has its word.
#pragma once

#include <string>
#include <string_view>

#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

struct lifetime {
    nanoseconds ttl{0}, grace{0}, keep{0};
};
struct lifetime_defaults {
    nanoseconds ttl{std::chrono::seconds(120)}, grace{std::chrono::seconds(10)}, keep{0};
};

/// ttl counts from the moment when the response was new (see upstream_age). Negative: not to be stored.
lifetime initial_lifetime(const response_head& response, nanoseconds received, const lifetime_defaults& defaults = {});
/// The age that the response came with.
nanoseconds upstream_age(const response_head& response);
/// The value of a Cache-Control directive in seconds; 0 where it is malformed; none where it is absent.
std::optional<nanoseconds> directive_seconds(const field_list& fields, std::string_view directive);

}  // namespace badorigin::cache
