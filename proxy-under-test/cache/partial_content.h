// Parts of one representation, each known by its place in it (RFC 9111 3.3, 3.4).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proxy-under-test/cache/ranges.h"

namespace badorigin::cache {

class partial_content {
public:
    explicit partial_content(std::uint64_t length) : length_(length) {}

    std::uint64_t length() const { return length_; }  ///< of the whole
    /// What overlaps takes the place of what was there. It must lie within the whole.
    void add(std::uint64_t first, std::string_view bytes);
    bool whole() const { return pieces_.size() == 1 && held() == length_; }
    /// The bytes of a range; none: not all of them are there.
    std::optional<std::string_view> find(const byte_range& wanted) const;
    /// From the first byte that is missing to the last. Something must be.
    byte_range missing() const;
    std::uint64_t held() const;  ///< bytes

private:
    std::uint64_t length_;
    std::map<std::uint64_t, std::string> pieces_;  ///< by their first byte; between two of them something is missing
};

/// Content-Range of a single part whose whole has a known length: "bytes 0-3/10"; none: it is malformed or says less.
struct placed_range {
    byte_range range;
    std::uint64_t length = 0;
};
std::optional<placed_range> parse_content_range(std::string_view field);

}  // namespace badorigin::cache
