#include "proxy-under-test/cache/dates.h"

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace badorigin::cache {

namespace {
constexpr std::int64_t latest = std::int64_t(1) << 33;  // 2242; nanoseconds in 64 bits end in 2262, and "Expires: … 9999" is customary
}

std::optional<std::chrono::nanoseconds> parse_http_date(std::string_view text) {
    const std::string copy(text);
    for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
        std::tm broken_down{};
        const char* end = strptime(copy.c_str(), form, &broken_down);
        if (end && *end == '\0') return std::chrono::seconds(std::clamp<std::int64_t>(timegm(&broken_down), 0, latest));
    }
    return std::nullopt;
}

std::string http_date(std::chrono::nanoseconds since_epoch) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
    std::tm broken_down{};
    gmtime_r(&seconds, &broken_down);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &broken_down)};
}

}  // namespace badorigin::cache
