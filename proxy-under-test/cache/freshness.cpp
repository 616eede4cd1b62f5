#include "proxy-under-test/cache/freshness.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
constexpr std::int64_t most_seconds = std::int64_t(1) << 31;  // RFC 9111 1.2.2: more is treated as this much

std::optional<nanoseconds> seconds_of(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
    std::int64_t value = most_seconds;
    if (text.size() <= 10) std::from_chars(text.data(), text.data() + text.size(), value);
    return std::chrono::seconds(std::min(value, most_seconds));
}

bool storable_by_default(int status) {
    if (status >= 500 && planted(bug::store_error)) return true;
    static constexpr auto known = std::to_array({200, 203, 204, 300, 301, 304, 404, 410, 414});
    return std::ranges::find(known, status) != known.end();
}
}  // namespace

std::optional<nanoseconds> directive_seconds(const field_list& fields, std::string_view directive) {
    const auto all = fields.joined("Cache-Control");
    for (const auto element : list_elements(all)) {
        const auto equals = element.find('=');
        if (!same_name(trimmed(element.substr(0, equals)), directive)) continue;
        if (equals == std::string_view::npos) return nanoseconds{0};
        return seconds_of(trimmed(element.substr(equals + 1))).value_or(nanoseconds{0});
    }
    return std::nullopt;
}

nanoseconds upstream_age(const response_head& response) {
    if (planted(bug::ignore_upstream_age)) return nanoseconds{0};
    return seconds_of(response.fields.value("Age")).value_or(nanoseconds{0});
}

lifetime initial_lifetime(const response_head& response, nanoseconds received, const lifetime_defaults& defaults) {
    lifetime out{defaults.ttl, defaults.grace, defaults.keep};
    out.grace = directive_seconds(response.fields, "stale-while-revalidate").value_or(defaults.grace);
    const bool when_explicit = response.status == 302 || response.status == 307;
    if (!when_explicit && !storable_by_default(response.status)) {
        out.ttl = std::chrono::seconds(-1);
        return out;
    }
    if (const auto shared = directive_seconds(response.fields, "s-maxage")) {
        out.ttl = *shared;
    } else if (const auto any = directive_seconds(response.fields, "max-age")) {
        out.ttl = *any;
    } else if (const auto* expires = response.fields.find("Expires")) {
        const auto at = parse_http_date(*expires);
        const auto date = parse_http_date(response.fields.value("Date"));
        const nanoseconds most = std::chrono::seconds(most_seconds);
        out.ttl = at ? std::clamp(*at - date.value_or(received), nanoseconds{0}, most) : nanoseconds{0};
    } else if (when_explicit) {
        out.ttl = std::chrono::seconds(-1);
    }
    return out;
}

}  // namespace badorigin::cache
