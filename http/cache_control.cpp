#include <algorithm>
#include <array>

#include "http/freshness.h"
#include "http/grammar.h"

namespace badorigin::http {
namespace {

constexpr seconds longest{std::int64_t{1} << 31};

/// delta-seconds (RFC 9111 1.2.2): digits only, what overflows becomes 2^31.
std::optional<seconds> parse_delta(std::string_view text) {
    if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
    auto value = parse_decimal(text);
    if (!value || *value > static_cast<std::uint64_t>(longest.count())) return longest;
    return seconds{static_cast<std::int64_t>(*value)};
}

struct directive {
    std::string_view name;
    std::optional<std::string_view> argument;  ///< without the quotes of a quoted-string
};

directive split(std::string_view element) {
    std::size_t equals = element.find('=');
    if (equals == std::string_view::npos) return {element, std::nullopt};
    std::string_view argument = element.substr(equals + 1);
    if (argument.size() >= 2 && argument.front() == '"' && argument.back() == '"') argument = argument.substr(1, argument.size() - 2);
    return {trimmed(element.substr(0, equals)), argument};
}

struct flag {
    std::string_view name;
    bool cache_control::* member;
    bool with_fields;  ///< an argument names the fields that it is about
};

struct duration {
    std::string_view name;
    std::optional<seconds> cache_control::* member;
};

cache_control parse_directives(const fields& all, std::string_view field) {
    // no-cache and private with field names leave the rest of the response usable (RFC 9111 5.2.2.4, 5.2.2.7): they do not set the flag.
    static constexpr std::array flags{
        flag{"no-store", &cache_control::no_store, false},
        flag{"no-cache", &cache_control::no_cache, true},
        flag{"private", &cache_control::is_private, true},
        flag{"public", &cache_control::is_public, false},
        flag{"must-revalidate", &cache_control::must_revalidate, false},
        flag{"proxy-revalidate", &cache_control::proxy_revalidate, false},
        flag{"must-understand", &cache_control::must_understand, false},
        flag{"immutable", &cache_control::immutable, false},
        flag{"only-if-cached", &cache_control::only_if_cached, false},
        flag{"no-transform", &cache_control::no_transform, false},
    };
    static constexpr std::array durations{
        duration{"max-age", &cache_control::max_age},
        duration{"s-maxage", &cache_control::s_maxage},
        duration{"stale-while-revalidate", &cache_control::stale_while_revalidate},
        duration{"stale-if-error", &cache_control::stale_if_error},
        duration{"max-stale", &cache_control::max_stale},
        duration{"min-fresh", &cache_control::min_fresh},
    };
    cache_control read;
    auto take = [&](std::string_view element) {
        directive met = split(element);
        for (const flag& known : flags) {
            if (!same_name(known.name, met.name)) continue;
            if (!known.with_fields || !met.argument || trimmed(*met.argument).empty()) read.*known.member = true;
        }
        for (const duration& known : durations) {
            if (!same_name(known.name, met.name) || read.*known.member) continue;
            if (known.member == &cache_control::max_stale && (!met.argument || read.max_stale_any)) {
                read.max_stale_any = true;
                continue;
            }
            auto value = met.argument ? parse_delta(*met.argument) : std::nullopt;
            if (!value) read.malformed = true;
            read.*known.member = value.value_or(seconds{0});
        }
    };
    for (std::string_view line : values(all, field)) for_each_element(line, take);
    return read;
}

/// A key of a dictionary or of a parameter (RFC 8941 3.1.2).
bool is_key(std::string_view text) {
    const auto begins = [](char c) { return (c >= 'a' && c <= 'z') || c == '*'; };
    return !text.empty() && begins(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return begins(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; });
}

/// A number, a string, a token or a boolean (RFC 8941 3.3).
bool is_item(std::string_view text) {
    if (text == "?0" || text == "?1") return true;
    if (text.starts_with('"')) return text.size() >= 2 && text.ends_with('"');
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.empty()) return false;
    if (is_digit(text.front())) return std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.'; });
    const bool begins = (to_lower(text.front()) >= 'a' && to_lower(text.front()) <= 'z') || text.front() == '*';
    return begins && std::ranges::all_of(text, [](char c) { return is_token_char(c) || c == ':' || c == '/'; });
}

/// KEY, or KEY=ITEM; parameters behind them are not for directives, and make it none.
bool is_member(std::string_view text) {
    const auto equals = text.find('=');
    return is_key(text.substr(0, equals)) && (equals == std::string_view::npos || is_item(text.substr(equals + 1)));
}

}  // namespace

cache_control parse_cache_control(const fields& all) {
    return parse_directives(all, "Cache-Control");
}

std::optional<cache_control> parse_cdn_cache_control(const fields& all) {
    std::size_t members = 0;
    bool well_formed = true;
    for (std::string_view line : values(all, "CDN-Cache-Control")) {
        if (trimmed(line).empty()) continue;
        for_each_element(line, [&](std::string_view element) {
            well_formed = well_formed && is_member(element);
            ++members;
        });
    }
    if (!well_formed || members == 0) return std::nullopt;
    return parse_directives(all, "CDN-Cache-Control");
}

std::optional<seconds> age_field(const fields& all) {
    auto line = first(all, "Age");
    if (!line) return std::nullopt;
    return parse_delta(trimmed(line->substr(0, line->find(','))));
}

}  // namespace badorigin::http
