// How old a delivered copy is, and how old it may be: the figures behind stale, Age, grace. From packets and clock alone.
#pragma once

#include <optional>

#include "harness/judge/judge.h"
#include "harness/judge/run_index.h"

namespace badorigin::judge {

/// An interval of possible values.
struct span_of_time {
    nanoseconds least{0}, most{0};
};

/// The client got the response that `delivered_from` names. In a staged run serials say so. Elsewhere it is told from the looks, which
/// the client's own fetch need not share with the response of another that the capture lacks: so a copy from the store counts only when it
/// has the Date of its original and comes so much later that another response would have another Date.
bool is_surely_from(const transaction& t, const matter& about);

/// How long ago the origin had answered `from`, when `client` got its first byte: at least since the header had arrived at the proxy, at
/// most since the request had been sent. Without what its Age field adds.
span_of_time residence(const matter& about, const exchange& from, const exchange& client);
/// The current age (RFC 9111 4.2.3) of what `client` got from `from`, with the Age that it came with and its Date.
span_of_time age_at_delivery(const matter& about, const exchange& from, const exchange& client);
/// Freshness lifetime: as promised, or as the response itself says; nothing where neither does.
std::optional<nanoseconds> lifetime(const matter& about, const exchange& from);

}  // namespace badorigin::judge
