// Edge Side Includes: a page as the parts that it is put together from (esi:include, esi:remove, esi:comment, <!--esi -->).
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace badorigin::cache {

struct esi_part {
    std::size_t at = 0, size = 0;  ///< text: this stretch of the content
    std::string include;           ///< or what stands behind src, if not empty
    bool may_fail = false;         ///< onerror="continue": nothing in its place then

    friend bool operator==(const esi_part&, const esi_part&) = default;
};

/// Error: what does not end, or an include without a source. An element that is not known is left out, its content stays.
std::expected<std::vector<esi_part>, std::string> parse_esi(std::string_view content);

/// How deep pages may include pages.
inline constexpr int most_esi_levels = 5;

}  // namespace badorigin::cache
