// HTTP dates (RFC 9110 5.6.7): whole seconds since 1970, as nanoseconds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace badorigin::cache {

/// All three forms. What lies before 1970 or after 2242 counts as that.
std::optional<std::chrono::nanoseconds> parse_http_date(std::string_view text);
std::string http_date(std::chrono::nanoseconds since_epoch);

}  // namespace badorigin::cache
