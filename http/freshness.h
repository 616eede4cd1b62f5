// The judge's own arithmetic for freshness and age (RFC 9111 4.2), independent of the cache under test.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace badorigin::http {

using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Wall-clock time as seconds since 1970 UTC. IMF-fixdate, RFC 850 and asctime forms (RFC 9110 5.6.7); nothing for anything else.
std::optional<seconds> parse_date(std::string_view text);
/// IMF-fixdate.
std::string format_date(seconds since_epoch);

struct cache_control {
    bool no_store = false, no_cache = false, is_private = false, is_public = false, must_revalidate = false, proxy_revalidate = false;
    bool must_understand = false, immutable = false, only_if_cached = false, no_transform = false;
    std::optional<seconds> max_age, s_maxage, stale_while_revalidate, stale_if_error;  // RFC 9111 5.2, RFC 5861
    std::optional<seconds> max_stale, min_fresh;
    bool max_stale_any = false;  ///< max-stale without a value
    bool malformed = false;      ///< a directive with an unreadable value was met (treated as stale: 0)
};
/// All Cache-Control lines together; the first of repeated directives counts, delta-seconds overflow becomes 2^31 (RFC 9111 1.2.2).
cache_control parse_cache_control(const fields& all);

/// CDN-Cache-Control (RFC 9213), which counts alone for a cache that it is meant for; nothing where it is absent, empty or no dictionary of
/// structured fields (RFC 8941 3.2).
std::optional<cache_control> parse_cdn_cache_control(const fields& all);
/// What a shared cache may make of the response's directives: those of Cache-Control, or of CDN-Cache-Control. True when none lets it be
/// kept for others: private, or no-store where no must-understand lifts it (RFC 9111 5.2.2.3).
bool kept_from_others(const message& response);

/// The Age field as delta-seconds; nothing where it is absent or invalid. The first value counts (RFC 9111 5.1).
std::optional<seconds> age_field(const fields& all);

struct lifetime {
    seconds value{0};
    enum class source { s_maxage, max_age, expires, heuristic, none } from = source::none;
};
/// Freshness lifetime for a shared cache, RFC 9111 4.2.1; the heuristic (10 % of Date − Last-Modified) where allowed (4.2.2).
lifetime freshness_lifetime(const message& response);

/// May a shared cache store it at all (RFC 9111 3), given the request it answers?
bool storable(const message& request, const message& response);

/// RFC 9111 4.2.3 as an interval: the response left its origin after `request_sent` and its header was received at `header_received`;
/// at `now` the current age lies between the two ends (before rounding; Age is delta-seconds, so a verifier allows ± 1 s).
struct age_interval {
    nanoseconds least{0}, most{0};
};
age_interval current_age(const message& response, nanoseconds request_sent, nanoseconds header_received, nanoseconds now);

}  // namespace badorigin::http
