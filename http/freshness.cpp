#include "http/freshness.h"

#include <algorithm>
#include <array>

#include "http/grammar.h"

namespace badorigin::http {
namespace {

/// RFC 9110 15.1
constexpr bool heuristically_cacheable(int status) {
    constexpr std::array statuses{200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501};
    return std::ranges::find(statuses, status) != statuses.end();
}

/// The final status codes of RFC 9110 15, whose caching requirements are known to whoever implements it (RFC 9111 5.2.2.3).
constexpr bool understood(int status) {
    return (status >= 200 && status <= 206) || (status >= 300 && status <= 308 && status != 306) || (status >= 400 && status <= 417) ||
           status == 421 || status == 422 || status == 426 || (status >= 500 && status <= 505);
}

std::optional<seconds> date_field(const message& response, std::string_view name) {
    auto text = response.field(name);
    return text ? parse_date(*text) : std::nullopt;
}

struct locator {
    std::string_view authority;  ///< empty where the reference has none
    std::string path;            ///< with query, without fragment
};

locator take_apart(std::string_view reference) {
    reference = reference.substr(0, reference.find('#'));
    std::size_t scheme = reference.find("://");
    if (scheme != std::string_view::npos && reference.find_first_of("/?") > scheme) { reference.remove_prefix(scheme + 1); }
    locator whole;
    if (reference.starts_with("//")) {
        reference.remove_prefix(2);
        std::size_t end = std::min(reference.find_first_of("/?"), reference.size());
        whole.authority = reference.substr(0, end);
        reference.remove_prefix(end);
        if (!reference.starts_with('/')) whole.path = "/";
    }
    whole.path += reference;
    return whole;
}

/// RFC 9110 9.3.3: a response to POST serves later GETs when its Content-Location is the target URI of the request.
bool located_at_target(const message& request, const message& response) {
    auto text = response.field("Content-Location");
    if (!text || text->empty()) return false;
    locator target = take_apart(request.target);
    if (target.authority.empty()) target.authority = request.field("Host").value_or("");
    locator content = take_apart(*text);
    if (!content.authority.empty() && !same_name(content.authority, target.authority)) return false;
    if (!content.path.starts_with('/')) {  // relative to the target's directory, or to its path for a query alone
        std::string_view path = std::string_view{target.path}.substr(0, target.path.find('?'));
        if (!content.path.starts_with('?')) path = path.substr(0, path.rfind('/') + 1);
        content.path.insert(0, path);
    }
    return content.path == target.path;
}

}  // namespace

lifetime freshness_lifetime(const message& response) {
    using enum lifetime::source;
    cache_control control = parse_cache_control(response.fields);
    if (control.s_maxage) return {*control.s_maxage, s_maxage};
    if (control.max_age) return {*control.max_age, max_age};

    auto date = date_field(response, "Date");
    if (auto text = response.field("Expires")) {
        auto expires_at = parse_date(*text);
        if (!expires_at) return {seconds{0}, expires};  // RFC 9111 5.3: invalid, "0" above all, is in the past
        if (!date) return {};
        return {std::max(seconds{0}, *expires_at - *date), expires};
    }
    auto modified = date_field(response, "Last-Modified");
    if (date && modified && *modified <= *date && (heuristically_cacheable(response.status) || control.is_public))
        return {(*date - *modified) / 10, heuristic};
    return {};
}

bool kept_from_others(const message& response) {
    const auto forbids = [&](const cache_control& by) {
        return by.is_private || (by.no_store && !(by.must_understand && understood(response.status)));
    };
    const auto targeted = parse_cdn_cache_control(response.fields);
    return forbids(parse_cache_control(response.fields)) && (!targeted || forbids(*targeted));
}

bool storable(const message& request, const message& response) {
    cache_control control = parse_cache_control(response.fields);
    if (response.status < 200 || response.status == 304) return false;  // a 304 updates what is stored; it is never stored itself
    if (parse_cache_control(request.fields).no_store) return false;
    if (control.must_understand ? !understood(response.status) : control.no_store) return false;
    if (control.is_private) return false;
    if (request.field("Authorization") && !control.must_revalidate && !control.is_public && !control.s_maxage) return false;  // 3.5

    bool explicit_lifetime = control.s_maxage || control.max_age || response.field("Expires");
    if (request.method == "POST") return explicit_lifetime && located_at_target(request, response);
    if (request.method != "GET" && request.method != "HEAD") return false;
    return explicit_lifetime || control.is_public || heuristically_cacheable(response.status);
}

age_interval current_age(const message& response, nanoseconds request_sent, nanoseconds header_received, nanoseconds now) {
    nanoseconds age = age_field(response.fields).value_or(seconds{0});
    nanoseconds resident = std::max(nanoseconds{0}, now - header_received);
    nanoseconds delay = std::max(nanoseconds{0}, header_received - request_sent);
    age_interval current{age + resident, age + delay + resident};
    // 4.2.3: a cache may also take the more conservative max(apparent_age, corrected_age_value)
    if (auto date = date_field(response, "Date")) {
        constexpr seconds within_nanoseconds{4'000'000'000};  // a date of the year 1 or 9999 has no count of nanoseconds
        seconds sent = std::clamp(*date, -within_nanoseconds, within_nanoseconds);
        current.most = std::max(current.most, header_received - sent + resident);
    }
    return current;
}

}  // namespace badorigin::http
