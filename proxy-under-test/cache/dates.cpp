#include "proxy-under-test/cache/dates.h"

#include <algorithm>
#include <chrono>
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

/// "Sun, 06 Nov 1994 08:49:37 GMT": nearly every date there is, so it is worth a way that is twenty times as fast. Seconds since 1970.
std::optional<std::int64_t> imf_fixdate(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view form = "Sun, 06 Nov 1994 08:49:37 GMT", days = "SunMonTueWedThuFriSat",
                               months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.size() != form.size()) return std::nullopt;
    for (std::size_t at = 3; at < form.size(); ++at) {
        const bool digit = form[at] >= '0' && form[at] <= '9';
        if (digit ? text[at] < '0' || text[at] > '9' : text[at] != form[at] && (at < 8 || at > 10)) return std::nullopt;
    }
    const auto number = [&](std::size_t at) { return (text[at] - '0') * 10 + text[at + 1] - '0'; };
    const auto named = [](std::string_view all, std::string_view which) -> std::optional<unsigned> {
        const auto at = all.find(which);
        if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
        return static_cast<unsigned>(at / 3);
    };
    const auto month_index = named(months, text.substr(8, 3));
    if (!month_index || !named(days, text.substr(0, 3)) || number(17) > 23 || number(20) > 59 || number(23) > 59) return std::nullopt;
    const year_month_day date(year(number(12) * 100 + number(14)), month(*month_index + 1), day(static_cast<unsigned>(number(5))));
    if (!date.ok()) return std::nullopt;
    return (sys_days(date) + hours(number(17)) + minutes(number(20)) + seconds(number(23))).time_since_epoch() / seconds(1);
}
}  // namespace

std::optional<std::chrono::nanoseconds> parse_http_date(std::string_view text) {
    if (text.empty()) return std::nullopt;
    if (const auto when = imf_fixdate(text)) return std::chrono::seconds(std::clamp<std::int64_t>(*when, 0, latest));
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
