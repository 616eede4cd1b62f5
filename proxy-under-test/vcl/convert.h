// Reading a value as the type one expects of it. What a cache hands in may be of a near type (or unset); these never fail.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "proxy-under-test/vcl/lexer.h"
#include "proxy-under-test/vcl/value.h"

namespace badorigin::cache::vcl {

inline bool is_set(const value& of) {
    return !std::holds_alternative<std::monostate>(of);
}

inline double as_real(const value& of) {
    if (const auto* real = std::get_if<double>(&of)) return *real;
    if (const auto* integer = std::get_if<std::int64_t>(&of)) return static_cast<double>(*integer);
    if (const auto* boolean = std::get_if<bool>(&of)) return *boolean ? 1 : 0;
    if (const auto* size = std::get_if<bytes>(&of)) return static_cast<double>(size->value);
    if (const auto* length = std::get_if<duration>(&of)) return std::chrono::duration<double>(length->value).count();
    if (const auto* when = std::get_if<time_point>(&of)) return std::chrono::duration<double>(when->since_epoch).count();
    return 0;
}

/// Cut towards zero, kept within what fits.
inline std::int64_t integer_of(double real) {
    if (std::isnan(real)) return 0;
    if (real >= 9.2e18) return INT64_MAX;
    if (real <= -9.2e18) return INT64_MIN + 1;
    return static_cast<std::int64_t>(real);
}

inline std::int64_t as_integer(const value& of) {
    if (const auto* integer = std::get_if<std::int64_t>(&of)) return *integer;
    return integer_of(as_real(of));
}

inline std::chrono::nanoseconds as_nanoseconds(const value& of) {
    if (const auto* length = std::get_if<duration>(&of)) return length->value;
    if (const auto* when = std::get_if<time_point>(&of)) return when->since_epoch;
    return nanoseconds_of(as_real(of));
}

inline std::uint64_t bytes_of(double real) {
    if (!(real > 0)) return 0;
    return real >= 1.8e19 ? UINT64_MAX : static_cast<std::uint64_t>(real);
}

inline std::uint64_t as_bytes(const value& of) {
    if (const auto* size = std::get_if<bytes>(&of)) return size->value;
    return bytes_of(as_real(of));
}

}  // namespace badorigin::cache::vcl
