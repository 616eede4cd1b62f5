#include "proxy-under-test/vcl/value.h"

#include <array>
#include <ctime>

#include <fmt/core.h>

namespace badorigin::cache::vcl {

namespace {

std::string http_date(std::chrono::nanoseconds since_epoch) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                       months[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

struct printer {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(bool of) const { return of ? "true" : "false"; }
    std::string operator()(std::int64_t of) const { return fmt::format("{}", of); }
    std::string operator()(double of) const { return fmt::format("{:.3f}", of); }
    std::string operator()(duration of) const { return fmt::format("{:.3f}", std::chrono::duration<double>(of.value).count()); }
    std::string operator()(time_point of) const { return http_date(of.since_epoch); }
    std::string operator()(bytes of) const { return fmt::format("{}", of.value); }
    std::string operator()(const ip& of) const { return of.text; }
    std::string operator()(const backend_ref& of) const { return of.name; }
    std::string operator()(const std::string& of) const { return of; }
};

}  // namespace

std::string to_string(const value& of) {
    return std::visit(printer{}, of);
}

std::string error::text() const {
    auto line = fmt::format("{}:{}:{}: {}", at.file, at.line, at.column, message);
    if (!shown.empty()) line += '\n' + shown;
    return line;
}

}  // namespace badorigin::cache::vcl
