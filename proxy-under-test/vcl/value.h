// Values of the policy language (VCL) and where they stand in its source.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace badorigin::cache::vcl {

struct position {
    std::string file;
    int line = 1, column = 1;
};

/// What is wrong with a configuration, and where. `shown` is the source line with a caret below the place.
struct error {
    position at;
    std::string message;
    std::string shown;
    /// "policy.vcl:12:7: …" followed by the line and the caret.
    std::string text() const;
};

struct backend_ref {
    std::string name;  ///< of a backend or director object; empty: none
    friend bool operator==(const backend_ref&, const backend_ref&) = default;
};
struct duration {
    std::chrono::nanoseconds value{0};
    friend auto operator<=>(const duration&, const duration&) = default;
};
struct time_point {
    std::chrono::nanoseconds since_epoch{0};
    friend auto operator<=>(const time_point&, const time_point&) = default;
};
struct bytes {
    std::uint64_t value = 0;
    friend auto operator<=>(const bytes&, const bytes&) = default;
};
struct ip {
    std::string text;
    std::uint16_t port = 0;
    friend bool operator==(const ip& a, const ip& b) { return a.text == b.text; }
};

/// monostate: an unset header (reads as the empty string, false in a condition).
using value = std::variant<std::monostate, bool, std::int64_t, double, duration, time_point, bytes, ip, backend_ref, std::string>;

/// As VCL concatenates it: 1.000 for a real, seconds with three digits for durations, an HTTP date for times.
std::string to_string(const value& of);
inline std::string to_string(value&& of) {
    auto* text = std::get_if<std::string>(&of);
    return text ? std::move(*text) : to_string(std::as_const(of));
}

}  // namespace badorigin::cache::vcl
