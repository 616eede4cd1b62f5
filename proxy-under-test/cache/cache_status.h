// Cache-Status (RFC 9211): what the cache did with a request, told to the client on request (--cache-status).
#pragma once

#include <optional>
#include <string>

#include "proxy-under-test/cache/stored_object.h"

namespace badorigin::cache {

struct cache_status {
    bool hit = false;
    std::string_view fwd;  ///< why the origin was asked: "uri-miss", "stale", "bypass", "request", "method"
    std::optional<int> fwd_status;
    bool stored = false, collapsed = false;
    std::optional<nanoseconds> ttl;  ///< freshness left, negative when stale

    std::string text() const;
};

}  // namespace badorigin::cache
