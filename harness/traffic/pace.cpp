#include "harness/traffic/pace.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "harness/traffic/replies.h"
#include "http/freshness.h"
#include "http/grammar.h"

namespace badorigin::traffic {

namespace {

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::ranges::any_of(names, [&](auto other) { return http::same_name(name, other); });
}

/// What the replaying peer says by itself, and what another fault of the wire stands for.
bool is_of_the_connection(const http::field& f) {
    if (http::same_name(std::string_view{f.name}.substr(0, 10), "Badorigin-")) return true;
    return one_of(f.name, {"Connection", "Keep-Alive", "Proxy-Connection", "Content-Length", "Transfer-Encoding", "Trailer", "TE"}) ||
           f.value.find_first_of(std::string_view{"\r\0", 2}) != std::string::npos;
}

}  // namespace

nanoseconds pace::wait(nanoseconds recorded) const {
    if (!speed) return nanoseconds{0};
    if (*speed == 1) return recorded;
    return nanoseconds{static_cast<std::int64_t>(static_cast<double>(recorded.count()) / *speed)};
}

seconds pace::lifetime(seconds recorded) const {
    if (!speed || *speed == 1 || recorded.count() <= 0) return recorded;
    return seconds{std::max<std::int64_t>(1, std::llround(static_cast<double>(recorded.count()) / *speed))};
}

std::optional<pace> parse_pace(std::string_view text) {
    if (text == "max") return pace{std::nullopt};
    double value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc{} || end != text.data() + text.size() || !(value >= 0.01 && value <= 1000)) return std::nullopt;
    return pace{value};
}

std::string text_of(const pace& how) {
    return how.speed ? fmt::format("{}", *how.speed) : "max";
}

date_shift::date_shift(pace how, nanoseconds then, nanoseconds now)
    : pace_{how}, distance_{std::chrono::floor<seconds>(now) - std::chrono::floor<seconds>(then)} {}

std::string date_shift::validator(std::string_view date) const {
    const auto at = http::parse_date(date);
    return at ? http::format_date(*at + distance_) : std::string{date};
}

std::string date_shift::relative(std::string_view date, seconds from, seconds to) const {
    const auto at = http::parse_date(date);
    if (!at) return std::string{date};
    const auto apart = *at - from;
    return http::format_date(to + (apart.count() < 0 ? -pace_.lifetime(-apart) : pace_.lifetime(apart)));
}

std::string date_shift::lifetimes(std::string_view directives) const {
    if (!pace_.speed || *pace_.speed == 1) return std::string{directives};
    std::string out;
    http::for_each_element(directives, [&](std::string_view element) {
        out += out.empty() ? "" : ", ";
        const auto equals = element.find('=');
        const auto value = equals == element.npos ? std::nullopt : http::parse_decimal(element.substr(equals + 1));
        const bool lasts = one_of(element.substr(0, equals),
                                  {"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error", "max-stale", "min-fresh"});
        constexpr std::uint64_t most = 1u << 31;
        if (!value || !lasts || *value > most) {
            out += element;
        } else {
            out += fmt::format("{}={}", element.substr(0, equals), pace_.lifetime(seconds{static_cast<std::int64_t>(*value)}).count());
        }
    });
    return out;
}

peers::field_lines date_shift::response(const http::message& recorded, nanoseconds then, nanoseconds now) const {
    const auto sent_then = std::chrono::floor<seconds>(then), sent_now = std::chrono::floor<seconds>(now);
    const auto date_then = http::parse_date(recorded.field("Date").value_or("")).value_or(sent_then);
    const auto date_now = http::parse_date(relative(http::format_date(date_then), sent_then, sent_now)).value_or(sent_now);
    peers::field_lines out;
    if (auto options = connection_options(recorded.fields); !options.empty()) out.emplace_back("Connection", std::move(options));
    for (const auto& f : recorded.fields) {
        if (is_of_the_connection(f)) continue;
        if (http::same_name(f.name, "Date")) {
            out.emplace_back(f.name, http::parse_date(f.value) ? http::format_date(date_now) : f.value);
        } else if (one_of(f.name, {"Expires", "Retry-After"})) {
            out.emplace_back(f.name, relative(f.value, date_then, date_now));
        } else if (http::same_name(f.name, "Last-Modified")) {
            out.emplace_back(f.name, validator(f.value));
        } else if (http::same_name(f.name, "Cache-Control")) {
            out.emplace_back(f.name, lifetimes(f.value));
        } else if (const auto age = http::parse_decimal(f.value); http::same_name(f.name, "Age") && age && *age < (1u << 31)) {
            out.emplace_back(f.name, std::to_string(pace_.lifetime(seconds{static_cast<std::int64_t>(*age)}).count()));
        } else {
            out.emplace_back(f.name, f.value);
        }
    }
    return out;
}

peers::field_lines date_shift::request(const http::message& recorded) const {
    const bool odd_length = recorded.has(http::anomaly::duplicate_content_length) ||
                            recorded.has(http::anomaly::conflicting_content_length) ||
                            recorded.has(http::anomaly::content_length_with_transfer_encoding);
    peers::field_lines out;
    for (const auto& f : recorded.fields) {
        const bool of_length = one_of(f.name, {"Content-Length", "Transfer-Encoding"});
        const bool kept = of_length ? odd_length : http::same_name(f.name, "Connection") || !is_of_the_connection(f);
        if (!kept) continue;
        if (one_of(f.name, {"If-Modified-Since", "If-Unmodified-Since", "If-Range", "Date"})) {
            out.emplace_back(f.name, validator(f.value));
        } else if (http::same_name(f.name, "Cache-Control")) {
            out.emplace_back(f.name, lifetimes(f.value));
        } else {
            out.emplace_back(f.name, f.value);
        }
    }
    return out;
}

}  // namespace badorigin::traffic
