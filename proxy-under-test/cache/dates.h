// HTTP dates (RFC 9110 5.6.7): whole seconds since 1970, as nanoseconds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace badorigin::cache {

std::optional<std::chrono::nanoseconds> parse_http_date(std::string_view text);  ///< all three forms
std::string http_date(std::chrono::nanoseconds since_epoch);

}  // namespace badorigin::cache
