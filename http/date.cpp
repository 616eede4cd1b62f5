// HTTP-date (RFC 9110 5.6.7): three forms to read, one to write.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "http/freshness.h"
#include "http/grammar.h"

namespace badorigin::http {
namespace {

constexpr std::array<std::string_view, 7> days{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Takes the parts of a date off the front of a text; the first that does not fit spoils all.
class scanner {
public:
    explicit scanner(std::string_view text) : rest_(text) {}

    void literal(std::string_view wanted) {
        if (rest_.starts_with(wanted)) {
            rest_.remove_prefix(wanted.size());
        } else {
            good_ = false;
        }
    }
    int number(std::size_t digits) {
        if (rest_.size() < digits || !std::ranges::all_of(rest_.substr(0, digits), is_digit)) {
            good_ = false;
            return 0;
        }
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) value = value * 10 + (rest_[i] - '0');
        rest_.remove_prefix(digits);
        return value;
    }
    int padded_day() {  // asctime: "06" or " 6"
        if (!rest_.starts_with(' ')) return number(2);
        rest_.remove_prefix(1);
        return number(1);
    }
    void day_name(bool whole) {
        for (std::string_view day : days) {
            std::string_view wanted = whole ? day : day.substr(0, 3);
            if (rest_.starts_with(wanted)) return rest_.remove_prefix(wanted.size());
        }
        good_ = false;
    }
    unsigned month_name() {
        auto found = std::ranges::find(months, rest_.substr(0, 3));
        if (found == months.end()) {
            good_ = false;
            return 1;
        }
        rest_.remove_prefix(3);
        return static_cast<unsigned>(found - months.begin()) + 1;
    }
    seconds time_of_day() {
        int hour = number(2);
        literal(":");
        int minute = number(2);
        literal(":");
        int second = number(2);
        if (hour > 23 || minute > 59 || second > 60) good_ = false;  // 60: a leap second
        return std::chrono::hours{hour} + std::chrono::minutes{minute} + seconds{second};
    }
    std::optional<seconds> result(int year, unsigned month, int day, seconds time) const {
        std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{static_cast<unsigned>(day)}};
        if (!good_ || !rest_.empty() || !date.ok()) return std::nullopt;
        return std::chrono::sys_days{date}.time_since_epoch() + time;
    }

private:
    std::string_view rest_;
    bool good_ = true;
};

std::optional<seconds> parse_imf_fixdate(std::string_view text) {  // Sun, 06 Nov 1994 08:49:37 GMT
    scanner scan{text};
    scan.day_name(false);
    scan.literal(", ");
    int day = scan.number(2);
    scan.literal(" ");
    unsigned month = scan.month_name();
    scan.literal(" ");
    int year = scan.number(4);
    scan.literal(" ");
    seconds time = scan.time_of_day();
    scan.literal(" GMT");
    return scan.result(year, month, day, time);
}

std::optional<seconds> parse_rfc850(std::string_view text) {  // Sunday, 06-Nov-94 08:49:37 GMT
    scanner scan{text};
    scan.day_name(true);
    scan.literal(", ");
    int day = scan.number(2);
    scan.literal("-");
    unsigned month = scan.month_name();
    scan.literal("-");
    int year = scan.number(2);
    scan.literal(" ");
    seconds time = scan.time_of_day();
    scan.literal(" GMT");
    // The RFC's sliding window needs today's date; a verdict must not depend on the day it is given, so 1970 begins the window.
    return scan.result(year + (year < 70 ? 2000 : 1900), month, day, time);
}

std::optional<seconds> parse_asctime(std::string_view text) {  // Sun Nov  6 08:49:37 1994
    scanner scan{text};
    scan.day_name(false);
    scan.literal(" ");
    unsigned month = scan.month_name();
    scan.literal(" ");
    int day = scan.padded_day();
    scan.literal(" ");
    seconds time = scan.time_of_day();
    scan.literal(" ");
    int year = scan.number(4);
    return scan.result(year, month, day, time);
}

}  // namespace

std::optional<seconds> parse_date(std::string_view text) {
    if (auto date = parse_imf_fixdate(text)) return date;
    if (auto date = parse_rfc850(text)) return date;
    return parse_asctime(text);
}

std::string format_date(seconds since_epoch) {
    std::chrono::sys_seconds when{since_epoch};
    auto midnight = std::chrono::floor<std::chrono::days>(when);
    std::chrono::year_month_day date{midnight};
    std::chrono::hh_mm_ss time{when - midnight};
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[std::chrono::weekday{midnight}.c_encoding()].substr(0, 3),
                       static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace badorigin::http
