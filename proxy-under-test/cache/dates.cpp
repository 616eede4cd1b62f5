#include "proxy-under-test/cache/dates.h"

#include <algorithm>
#include <cstdint>
#include <ctime>

#include <fmt/core.h>

#include "proxy-under-test/vcl/value.h"

namespace badorigin::cache {

namespace {
constexpr std::int64_t latest = std::int64_t(1) << 33;  // 2242; nanoseconds in 64 bits end in 2262, and "Expires: … 9999" is customary

/// strptime takes more than the grammar does; what is of that form comes out as it went in, but for the day's name.
bool is_canonical(std::string_view text, std::string form, const std::tm& when) {
    if (const auto year = form.find("%Y"); year != std::string::npos) form.replace(year, 2, fmt::format("{:04}", when.tm_year + 1900));
    char again[64];
    const std::string_view written(again, std::strftime(again, sizeof again, form.c_str(), &when));
    const auto behind_day = [](std::string_view date) { return date.substr(std::min(date.find(' '), date.size())); };
    return behind_day(written) == behind_day(text);
}
}  // namespace

std::optional<std::chrono::nanoseconds> parse_http_date(std::string_view text) {
    const std::string copy(text);
    for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
        std::tm broken_down{};
        const char* end = strptime(copy.c_str(), form, &broken_down);
        if (!end || *end != '\0') continue;
        const auto when = timegm(&broken_down);
        if (!is_canonical(text, form, broken_down)) continue;
        return std::chrono::seconds(std::clamp<std::int64_t>(when, 0, latest));
    }
    return std::nullopt;
}

std::string http_date(std::chrono::nanoseconds since_epoch) {
    return vcl::to_string(vcl::time_point{since_epoch});
}

}  // namespace badorigin::cache
