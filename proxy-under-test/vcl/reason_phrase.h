#pragma once

#include <cstdint>
#include <string_view>

namespace badorigin::cache::vcl {

/// The phrase of the HTTP status registry, "Unknown HTTP Status" for others. Only the last three digits count.
std::string_view reason_phrase(std::int64_t status);
bool is_registered(std::int64_t status);

}  // namespace badorigin::cache::vcl
