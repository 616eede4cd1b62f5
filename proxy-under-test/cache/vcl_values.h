// Values of the policy language from and to what the cache holds.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "proxy-under-test/vcl/program.h"

namespace badorigin::cache {

inline vcl::value text(std::string_view of) {
    return std::string(of);
}
inline vcl::value integer(std::int64_t of) {
    return of;
}
inline vcl::value span(nanoseconds of) {
    return vcl::duration{of};
}
inline vcl::value moment(nanoseconds of) {
    return vcl::time_point{of};
}

/// Kept within 68 years, so that a moment plus a few of them stays within 64 bits of nanoseconds.
inline nanoseconds span_of(const vcl::value& from) {
    constexpr nanoseconds most = std::chrono::seconds(std::int64_t(1) << 31);
    if (const auto* d = std::get_if<vcl::duration>(&from)) return std::clamp(d->value, -most, most);
    return nanoseconds{0};
}
inline int integer_of(const vcl::value& from) {
    if (const auto* i = std::get_if<std::int64_t>(&from)) return static_cast<int>(*i);
    return 0;
}
inline bool truth(const vcl::value& from) {
    const auto* b = std::get_if<bool>(&from);
    return b && *b;
}
inline std::string backend_of(const vcl::value& from) {
    if (const auto* ref = std::get_if<vcl::backend_ref>(&from)) return ref->name;
    return {};
}

/// "req.url" → "req", "url".
inline std::pair<std::string_view, std::string_view> split(std::string_view variable) {
    const auto dot = variable.find('.');
    if (dot == std::string_view::npos) return {variable, {}};
    return {variable.substr(0, dot), variable.substr(dot + 1)};
}

}  // namespace badorigin::cache
