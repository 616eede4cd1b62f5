// Arithmetic of the language on values. Overflow stays at the largest value and division by zero gives zero: running cannot fail.
#pragma once

#include "proxy-under-test/vcl/convert.h"
#include "proxy-under-test/vcl/value.h"

namespace badorigin::cache::vcl {

inline std::int64_t add_integers(std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (!__builtin_add_overflow(a, b, &result)) return result;
    return a > 0 ? INT64_MAX : INT64_MIN + 1;
}

inline std::int64_t negate(std::int64_t of) {
    return of == INT64_MIN ? INT64_MAX : -of;
}

/// left + right or left - right, by the type of the left.
inline value add(const value& left, const value& right, char op) {
    const bool minus = op == '-';
    const auto nanoseconds = [&] {
        const auto by = as_nanoseconds(right).count();
        return std::chrono::nanoseconds(add_integers(as_nanoseconds(left).count(), minus ? negate(by) : by));
    };
    if (std::holds_alternative<duration>(left)) return duration{nanoseconds()};
    if (std::holds_alternative<time_point>(left)) {
        return std::holds_alternative<time_point>(right) ? value(duration{nanoseconds()}) : value(time_point{nanoseconds()});
    }
    if (std::holds_alternative<bytes>(left)) {
        const auto a = as_bytes(left), b = as_bytes(right);
        if (minus) return bytes{a > b ? a - b : 0};
        return bytes{a > UINT64_MAX - b ? UINT64_MAX : a + b};
    }
    if (std::holds_alternative<double>(left) || std::holds_alternative<double>(right))
        return as_real(left) + (minus ? -1 : 1) * as_real(right);
    return add_integers(as_integer(left), minus ? negate(as_integer(right)) : as_integer(right));
}

/// left * right, left / right or left % right.
inline value scale(const value& left, const value& right, char op) {
    const auto reals = [&] {
        const auto by = as_real(right);
        if (op == '*') return as_real(left) * by;
        return by == 0 ? 0 : as_real(left) / by;
    };
    if (std::holds_alternative<duration>(left) || std::holds_alternative<duration>(right)) return duration{nanoseconds_of(reals())};
    if (std::holds_alternative<bytes>(left) || std::holds_alternative<bytes>(right)) return bytes{bytes_of(reals())};
    if (std::holds_alternative<double>(left) || std::holds_alternative<double>(right)) return reals();
    const auto a = as_integer(left), b = as_integer(right);
    if (op == '*') {
        std::int64_t result = 0;
        if (!__builtin_mul_overflow(a, b, &result)) return result;
        return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN + 1;
    }
    if (b == 0) return std::int64_t{0};
    if (b == -1) return op == '/' ? negate(a) : std::int64_t{0};
    return op == '/' ? a / b : a % b;
}

}  // namespace badorigin::cache::vcl
