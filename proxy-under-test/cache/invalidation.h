// What a request that changes something makes invalid (RFC 9111 4.4), and where a reference leads (RFC 3986 5).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

/// RFC 9110 9.2.1: GET, HEAD, OPTIONS and TRACE; a method that is not known is not safe.
bool is_safe(std::string_view method);

/// The target, in origin-form, that a reference names when seen from `target` on `host`; none on another host or by another scheme.
std::optional<std::string> same_origin_target(std::string_view reference, std::string_view target, std::string_view host);

/// The targets whose stored responses this answer makes invalid: none when the request is safe or failed.
std::vector<std::string> invalidated_targets(const request_head& request, const response_head& response);

}  // namespace badorigin::cache
