// How far the clocks of two captures are apart, from what both saw of the same traffic.
//
// A connection in both: its requests and its responses cross the way between the two places in opposite directions, so the offset lies
// between what either shows. A request forwarded: the origin's exchange happened inside the client's. Each pair gives an interval; pairs
// that are no pairs give wrong ones, so the offset is taken where most intervals overlap. Where zero fits, the clocks are the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capture/exchange.h"
#include "capture/roles.h"

namespace badorigin::capture {

/// What one file showed when read alone.
struct sighting {
    std::vector<std::shared_ptr<const connection>> connections;
    std::vector<exchange_ptr> exchanges;
};

struct clock_offset {
    nanoseconds offset{0};  ///< to be added to the second capture's times
    nanoseconds uncertainty{0};
    std::string basis;
};

/// `shift` is what was added to the first capture's times already.
std::optional<clock_offset> estimate_offset(const sighting& first, nanoseconds shift, const sighting& second, const roles& who);

/// Is it the same connection, seen in two captures?
bool same_connection(const connection& a, const connection& b);

}  // namespace badorigin::capture
