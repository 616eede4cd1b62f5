// Small pieces of the RFC 9110 grammar that several files of the reader need.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace badorigin::http {

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
/// CTL but for HTAB, and but for CR and LF, which have anomalies of their own.
constexpr bool is_control(char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7f;
}
/// tchar, RFC 9110 5.6.2
constexpr bool is_token_char(char c) {
    if (is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z')) return true;
    return c != '\0' && std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}
constexpr bool is_token(std::string_view text) {
    for (char c : text)
        if (!is_token_char(c)) return false;
    return !text.empty();
}

/// Without white space (SP, HTAB) at both ends.
constexpr std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// 1*DIGIT that fits into 64 bits; nothing else.
constexpr std::optional<std::uint64_t> parse_decimal(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (char c : text) {
        if (!is_digit(c)) return std::nullopt;
        auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
        value = value * 10 + digit;
    }
    return value;
}

/// Calls `visit` with each element of a comma-separated list, trimmed, empty elements too; commas inside quoted strings do not separate.
template <class Visit>
constexpr void for_each_element(std::string_view list, Visit&& visit) {
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (quoted && list[i] == '\\') {
            ++i;
        } else if (list[i] == '"') {
            quoted = !quoted;
        } else if (list[i] == ',' && !quoted) {
            visit(trimmed(list.substr(begin, i - begin)));
            begin = i + 1;
        }
    }
    visit(trimmed(list.substr(begin)));
}

}  // namespace badorigin::http
