#include "proxy-under-test/cache/freshness.h"

#include <algorithm>
#include <array>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/vcl/reason_phrase.h"

namespace badorigin::cache {

namespace {
constexpr auto kept_for_validation = std::chrono::minutes(10);
constexpr nanoseconds longest_guess = std::chrono::hours(24);
constexpr nanoseconds not_stored = std::chrono::seconds(-1);

template <class Table>
bool listed(const Table& table, int status) {
    return std::ranges::find(table, status) != table.end();
}

/// RFC 9110 15.1; RFC 7725 3.
bool heuristically_cacheable(int status) {
    if (status >= 500 && planted(bug::store_error)) return true;
    static constexpr auto known = std::to_array({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501});
    return listed(known, status);
}

/// RFC 6585: what is wrong with one client, or with its network, and so nobody else's; and 206, for partial content is not stored.
bool never_stored(int status) {
    static constexpr auto known = std::to_array({206, 428, 429, 431, 511});
    return listed(known, status);
}

/// Those whose meaning for a cache is known here (RFC 9111 5.2.2.3); 206 is not, for partial content is not stored.
bool understood(int status) {
    return status != 206 && status != 304 && vcl::is_registered(status);
}

/// RFC 9213 2.1: a targeted field counts when it is a dictionary of structured fields, and not a bit otherwise.
bool is_dictionary(std::string_view value) {
    const auto elements = list_elements(value);
    const auto member = [](std::string_view element) {
        const auto equals = element.find('=');
        const auto key = element.substr(0, equals);
        const auto key_char = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("_-.*").contains(c);
        };
        if (key.empty() || !((key[0] >= 'a' && key[0] <= 'z') || key[0] == '*') || !std::ranges::all_of(key, key_char)) return false;
        if (equals == std::string_view::npos) return true;
        const auto argument = element.substr(equals + 1);
        const auto digit = [](char c) { return c >= '0' && c <= '9'; };
        if (argument.empty()) return false;
        if (digit(argument[0])) return argument.size() <= 15 && std::ranges::all_of(argument, digit);
        return argument[0] == '"' || argument[0] == '?' || argument[0] == '*' || (argument[0] >= 'A' && argument[0] <= 'z');
    };
    return !elements.empty() && std::ranges::all_of(elements, member);
}

nanoseconds date_of(const response_head& response, nanoseconds received) {
    return parse_http_date(response.fields.value("Date")).value_or(received);
}

/// RFC 9111 5.3: what is no date is one in the past; so are several that differ.
std::optional<nanoseconds> by_expires(const response_head& response, nanoseconds received) {
    std::optional<std::string_view> said;
    for (const auto& [name, value] : response.fields) {
        if (!same_name(name, "Expires")) continue;
        if (said && *said != value) return nanoseconds{0};
        said = value;
    }
    if (!said) return std::nullopt;
    const auto at = parse_http_date(*said);
    const nanoseconds most = std::chrono::seconds(most_seconds);
    return at ? std::clamp(*at - date_of(response, received), nanoseconds{0}, most) : nanoseconds{0};
}

/// RFC 9111 4.2.2: a tenth of the time since the last change, a day at most; without Last-Modified there is nothing to guess by.
nanoseconds guessed(const response_head& response, nanoseconds received) {
    const auto modified = parse_http_date(response.fields.value("Last-Modified"));
    if (!modified) return nanoseconds{0};
    return std::clamp((date_of(response, received) - *modified) / 10, nanoseconds{0}, longest_guess);
}
}  // namespace

nanoseconds upstream_age(const response_head& response) {
    if (planted(bug::ignore_upstream_age)) return nanoseconds{0};
    const auto all = response.fields.value("Age");
    return delta_seconds(trimmed(all.substr(0, all.find(',')))).value_or(nanoseconds{0});
}

nanoseconds initial_age(const response_head& response, nanoseconds requested, nanoseconds received) {
    using std::chrono::seconds;
    const auto apparent = std::chrono::floor<seconds>(received) - date_of(response, received);  // Date has whole seconds
    if (planted(bug::ignore_upstream_age)) return nanoseconds{0};
    return std::max({nanoseconds{0}, apparent, upstream_age(response) + (received - requested)});
}

lifetime rfc_lifetime(const response_head& response, const request_head& request, nanoseconds received) {
    lifetime out{.ttl = not_stored, .grace = nanoseconds{0}, .keep = nanoseconds{0}};
    const auto& fields = response.fields;
    const auto targeted = fields.joined("CDN-Cache-Control");
    const bool for_us = is_dictionary(targeted);
    const cache_directives said(for_us ? targeted : fields.joined("Cache-Control"));

    const bool no_store = said.has("must-understand") ? !understood(response.status) : said.has("no-store");
    if (no_store || said.has("private") || never_stored(response.status) || fields.has_element("Vary", "*")) return out;
    const bool shared_explicitly = said.has("public") || said.has("must-revalidate") || said.has("s-maxage");
    if (request.fields.has("Authorization") && !shared_explicitly) return out;  // RFC 9111 3.5

    auto life = said.seconds("s-maxage");
    if (!life) life = said.seconds("max-age");
    if (!life && !for_us) life = by_expires(response, received);
    if (!life) {
        // A cookie for somebody, and no word that it is for everybody: RFC 9111 7.3 leaves it to the cache.
        if ((!heuristically_cacheable(response.status) && !said.has("public")) || fields.has("Set-Cookie")) return out;
        life = response.status >= 500 && planted(bug::store_error) ? longest_guess : guessed(response, received);
        out.heuristic = true;
    }
    out.ttl = said.has("no-cache") ? nanoseconds{0} : *life;
    out.must_revalidate = said.has("no-cache") || said.has("must-revalidate") || said.has("proxy-revalidate") || said.has("s-maxage");
    if (!out.must_revalidate) {
        out.grace = said.seconds("stale-while-revalidate").value_or(nanoseconds{0});
        out.stale_if_error = said.seconds("stale-if-error").value_or(nanoseconds{0});
    }
    if (fields.has("ETag") || fields.has("Last-Modified")) out.keep = kept_for_validation;
    out.keep = std::max(out.keep, out.stale_if_error);
    return out;
}

lifetime varnish_lifetime(const response_head& response, nanoseconds received, const lifetime_defaults& defaults) {
    lifetime out{.ttl = defaults.ttl, .grace = defaults.grace, .keep = defaults.keep};
    const cache_directives said(response.fields.joined("Cache-Control"));
    out.grace = said.seconds("stale-while-revalidate").value_or(defaults.grace);
    static constexpr auto by_default = std::to_array({200, 203, 204, 300, 301, 304, 404, 410, 414});
    const bool when_explicit = response.status == 302 || response.status == 307;
    const bool planted_error = response.status >= 500 && planted(bug::store_error);
    if (!when_explicit && !listed(by_default, response.status) && !planted_error) {
        out.ttl = not_stored;
        return out;
    }
    auto life = said.seconds("s-maxage");
    if (!life) life = said.seconds("max-age");
    if (!life) life = by_expires(response, received);
    out.ttl = life.value_or(when_explicit ? not_stored : defaults.ttl);
    return out;
}

}  // namespace badorigin::cache
