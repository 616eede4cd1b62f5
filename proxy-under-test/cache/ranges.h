// Ranges of a whole response (RFC 9110 14).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

struct byte_range {
    std::uint64_t first = 0, last = 0;  ///< both included
    friend bool operator==(const byte_range&, const byte_range&) = default;
};

/// None: the field is not to be heeded: malformed, another unit, or so many ranges that the whole is less. Empty: none can be satisfied.
std::optional<std::vector<byte_range>> requested_ranges(std::string_view field, std::uint64_t size);

/// Last-Modified where it is a strong validator: at least a second before Date, so that nothing can have changed behind it within its
/// second (RFC 9110 8.8.2.2); else empty.
std::string_view strong_date(const field_list& fields);

/// RFC 9110 13.1.5: whether If-Range, if there is one, names the stored response, by strong comparison.
bool range_applies(const request_head& request, const response_head& stored);

/// The content of a 206 with several ranges (RFC 9110 14.6), and its boundary.
struct multipart {
    std::string boundary, content;
};
multipart multipart_of(const std::vector<byte_range>& ranges, std::string_view content, std::string_view type);

std::string content_range(const byte_range& of, std::uint64_t size);

}  // namespace badorigin::cache
