// Sums of durations and names: "struck + grace + 2s", "2*ttl - 500ms".
//
// A dash between letters belongs to a name ("slow-start"), so subtraction is written with a blank before it.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {

/// Longest duration that can be written: what is longer is refused, so that sums cannot overflow.
inline constexpr nanoseconds longest_duration{std::chrono::hours{24 * 365 * 100}};

struct evaluated {
    std::string step;                ///< the one step that was named, or empty
    nanoseconds offset{0};           ///< everything else; may be negative
    nanoseconds longest_literal{0};  ///< the longest duration that stood there in figures
};

struct expression_error {
    std::string message;
    std::string unknown;  ///< the name that nothing has, where that is what is wrong
};

/// `steps`: names that may appear once, with a plus; empty where an expression may name none.
std::expected<evaluated, expression_error> evaluate(std::string_view text, const std::map<std::string, nanoseconds>& promises,
                                                    const std::vector<std::string>& steps = {});

/// A letter or underscore, then letters, digits, '_', '-' (and '.' where asked for).
bool is_name(std::string_view text, bool dots = false);

}  // namespace badorigin::scenario
