#include "proxy-under-test/vcl/std_functions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fnmatch.h>

#include "proxy-under-test/vcl/acl.h"
#include "proxy-under-test/vcl/arithmetic.h"
#include "proxy-under-test/vcl/convert.h"

namespace badorigin::cache::vcl::pure {

namespace {

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

struct number_and_rest {
    double number = 0;
    bool whole = true;
    std::string_view rest;
};

/// A decimal number at the start of the text, without exponent, and what follows.
std::optional<number_and_rest> leading_number(std::string_view text) {
    number_and_rest result;
    auto digits = trimmed(text);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), result.number, std::chars_format::fixed);
    if (failed != std::errc{} || !std::isfinite(result.number)) return std::nullopt;
    const auto used = static_cast<std::size_t>(end - digits.data());
    result.whole = digits.substr(0, used).find('.') == std::string_view::npos;
    result.rest = trimmed(digits.substr(used));
    return result;
}

/// Of the arguments (text, fallback, others…): the first of the others that is given.
const value* other(arguments given) {
    const auto found = std::ranges::find_if(given.subspan(2), is_set);
    return found == given.subspan(2).end() ? nullptr : &*found;
}

const std::string& text_of(const value& of) {
    static const std::string empty;
    const auto* text = std::get_if<std::string>(&of);
    return text ? *text : empty;
}

std::string change(std::string text, char from, char to, int by) {
    for (auto& c : text) {
        if (c >= from && c <= to) c = static_cast<char>(c + by);
    }
    return text;
}

/// The three forms of HTTP dates, ISO 8601 without zone, or seconds since the epoch.
std::optional<time_point> parse_time(const std::string& text) {
    for (const auto* format : {"%a, %d %b %Y %T GMT", "%A, %d-%b-%y %T GMT", "%a %b %d %T %Y", "%Y-%m-%dT%T"}) {
        std::tm parts{};
        const char* end = strptime(text.c_str(), format, &parts);
        if (end != nullptr && *end == '\0') return time_point{nanoseconds_of(static_cast<double>(timegm(&parts)))};
    }
    if (const auto number = leading_number(text); number && number->rest.empty()) return time_point{nanoseconds_of(number->number)};
    return std::nullopt;
}

double other_number(const std::string& text) {
    const auto number = leading_number(text);
    return number ? number->number : 0;
}

constexpr int case_distance = 'a' - 'A';

}  // namespace

value round(arguments given) {
    return std::round(as_real(given[0]));
}
value toupper(arguments given) {
    return change(to_string(given[0]), 'a', 'z', -case_distance);
}
value tolower(arguments given) {
    return change(to_string(given[0]), 'A', 'Z', case_distance);
}

value querysort(arguments given) {
    const auto url = to_string(given[0]);
    const auto mark = url.find('?');
    if (mark == std::string::npos || mark + 1 == url.size()) return url;
    std::vector<std::string> fields;
    for (std::size_t from = mark + 1; from <= url.size();) {
        const auto end = std::min(url.find('&', from), url.size());
        if (end > from) fields.push_back(url.substr(from, end - from));
        from = end + 1;
    }
    std::ranges::sort(fields);
    auto result = url.substr(0, mark);
    for (std::size_t i = 0; i < fields.size(); ++i) result += (i == 0 ? '?' : '&') + fields[i];
    return result;
}

value strstr(arguments given) {
    const auto text = to_string(given[0]);
    const auto found = text.find(to_string(given[1]));
    return found == std::string::npos ? value{} : value(text.substr(found));
}

value fnmatch(arguments given) {
    const auto flag = [&](std::size_t which, int bit) { return as_integer(given[which]) != 0 ? bit : 0; };
    const int flags = flag(2, FNM_PATHNAME) | flag(3, FNM_NOESCAPE) | flag(4, FNM_PERIOD);
    return ::fnmatch(to_string(given[0]).c_str(), to_string(given[1]).c_str(), flags) == 0;
}

value file_exists(arguments given) {
    std::error_code failed;
    return std::filesystem::exists(to_string(given[0]), failed);
}

value fileread(arguments given) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(to_string(given[0]), failed)) return value{};
    std::ifstream file(to_string(given[0]), std::ios::binary);
    return file ? value(std::string(std::istreambuf_iterator<char>(file), {})) : value{};
}

value getenv(arguments given) {
    const char* found = std::getenv(to_string(given[0]).c_str());
    return std::string(found ? found : "");
}

value duration(arguments given) {
    if (const auto* from = other(given)) return vcl::duration{nanoseconds_of(as_real(*from))};
    if (const auto number = leading_number(text_of(given[0]))) {
        const auto unit = duration_unit(number->rest);
        if (unit > 0) return vcl::duration{nanoseconds_of(number->number * unit)};
    }
    return is_set(given[1]) ? given[1] : value(vcl::duration{});
}

value bytes(arguments given) {
    if (const auto* from = other(given)) return vcl::bytes{as_bytes(*from)};
    if (const auto number = leading_number(text_of(given[0])); number && number->number >= 0) {
        auto unit = change(std::string(number->rest), 'A', 'Z', case_distance);
        if (unit.size() == 1 && unit != "b") unit += 'b';
        const auto factor = unit.empty() ? 1 : bytes_unit(unit);
        if (factor > 0) return vcl::bytes{bytes_of(number->number * factor)};
    }
    return is_set(given[1]) ? given[1] : value(vcl::bytes{});
}

value integer(arguments given) {
    if (const auto* from = other(given)) return as_integer(*from);
    if (const auto number = leading_number(text_of(given[0])); number && number->rest.empty() && number->whole)
        return integer_of(number->number);
    return is_set(given[1]) ? given[1] : value(std::int64_t{0});
}

value real(arguments given) {
    if (const auto* from = other(given)) return as_real(*from);
    if (const auto number = leading_number(text_of(given[0])); number && number->rest.empty()) return number->number;
    return is_set(given[1]) ? given[1] : value(0.0);
}

value time(arguments given) {
    if (const auto* from = other(given)) return time_point{nanoseconds_of(as_real(*from))};
    if (const auto parsed = parse_time(text_of(given[0]))) return *parsed;
    return is_set(given[1]) ? given[1] : value(time_point{});
}

value strftime(arguments given) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(as_nanoseconds(given[0])).count();
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 512> text{};
    const auto length = std::strftime(text.data(), text.size(), to_string(given[1]).c_str(), &utc);
    return std::string(text.data(), length);
}

/// What names are looked up by is the machine's, and may take its time: a policy that wants none says resolve=false.
value ip(arguments given) {
    const auto text = std::string(trimmed(to_string(given[0])));
    const auto port = is_set(given[3]) ? integer_of(other_number(to_string(given[3]))) : 80;
    const auto found = address::named(text, as_integer(given[2]) != 0);
    if (!found.empty()) return vcl::ip{found.front().text(), static_cast<std::uint16_t>(port)};
    return is_set(given[1]) ? given[1] : value(vcl::ip{"0.0.0.0"});
}

value port(arguments given) {
    const auto* from = std::get_if<vcl::ip>(&given[0]);
    return static_cast<std::int64_t>(from ? from->port : 0);
}

value format_date(arguments given) {
    return to_string(
        time_point{std::chrono::nanoseconds(add_integers(as_nanoseconds(given[0]).count(), as_nanoseconds(given[1]).count()))});
}

value real2integer(arguments given) {
    const auto real = as_real(given[0]);
    return std::isfinite(real) ? value(integer_of(std::round(real))) : given[1];
}
value real2time(arguments given) {
    const auto real = as_real(given[0]);
    return std::isfinite(real) ? value(time_point{nanoseconds_of(std::round(real))}) : given[1];
}
value time2integer(arguments given) {
    return integer_of(std::round(as_real(given[0])));
}
value time2real(arguments given) {
    return as_real(given[0]);
}

}  // namespace badorigin::cache::vcl::pure
