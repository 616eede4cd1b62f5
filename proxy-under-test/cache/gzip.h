// The gzip content coding (RFC 9110 8.4.1.3).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

std::string gzipped(std::string_view content);
/// `most`: more than so much comes out of no input, however small that is. Error: what is wrong with the input.
std::expected<std::string, std::string> gunzipped(std::string_view content, std::uint64_t most);

/// RFC 9110 12.5.3: whether Accept-Encoding allows it. Without the field nobody asked for it.
bool accepts_gzip(const field_list& request);

}  // namespace badorigin::cache
