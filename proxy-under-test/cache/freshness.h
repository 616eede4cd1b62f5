// How long a response may be stored and served, as its origin says, before the policy has its word.
//
// Two ways to read the same fields: by the RFCs (RFC 9111 3 and 4.2, RFC 5861, RFC 9213), and as Varnish 7 does, which takes a policy's
// word for what the RFCs demand. Either way the result only fills beresp.ttl, beresp.grace and beresp.keep, and the policy may change it.
#pragma once

#include <string>
#include <string_view>

#include "proxy-under-test/cache/cache_directives.h"

namespace badorigin::cache {

struct lifetime {
    nanoseconds ttl{0}, grace{0}, keep{0};
    nanoseconds stale_if_error{0};  ///< RFC 5861 4: beyond ttl, when a fetch fails
    bool must_revalidate = false;   ///< never to be served stale
    bool heuristic = false;         ///< the origin said nothing, ttl is a guess
};

/// ttl counts from the moment when the response was new (see initial_age). Negative: not to be stored.
lifetime rfc_lifetime(const response_head& response, const request_head& request, nanoseconds received);

struct lifetime_defaults {
    nanoseconds ttl{std::chrono::seconds(120)}, grace{std::chrono::seconds(10)}, keep{0};
};
lifetime varnish_lifetime(const response_head& response, nanoseconds received, const lifetime_defaults& defaults = {});

/// The age that the response came with (RFC 9111 5.1): the first value counts, and what is no number counts as absent.
nanoseconds upstream_age(const response_head& response);
/// RFC 9111 4.2.3: corrected_initial_age.
nanoseconds initial_age(const response_head& response, nanoseconds requested, nanoseconds received);

}  // namespace badorigin::cache
