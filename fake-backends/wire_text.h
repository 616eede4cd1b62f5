// Small pieces of HTTP text that peers write or look at: field look-up, dates, phrases, chunks. Asio-free.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fake-backends/script.h"

namespace badorigin::peers {

std::string_view trimmed(std::string_view text);         ///< without blanks (SP, HTAB) at both ends
bool same_text(std::string_view a, std::string_view b);  ///< ASCII, case-insensitive
/// First value of that name, or null.
const std::string* field_value(const field_lines& lines, std::string_view name);
void remove_field(field_lines& lines, std::string_view name);
/// Replaces all lines of that name by one at the place of the first, or adds it at the end.
void set_field(field_lines& lines, std::string_view name, std::string value);
/// True when the comma-separated list in any line of that name has the token.
bool lists_token(const field_lines& lines, std::string_view name, std::string_view token);

std::string http_date(std::chrono::seconds since_epoch);                      ///< IMF-fixdate
std::optional<std::chrono::seconds> read_http_date(const std::string& text);  ///< IMF-fixdate only
/// The text with each `{date}`, `{date + 60s}`, `{date - 2h}` (s, m, h, d) in it as that date; nothing where such a thing is misspelt.
std::optional<std::string> with_dates(std::string_view text, std::chrono::seconds since_epoch);
std::string_view registered_phrase(int status);  ///< "Unknown" where none is registered

/// How chunks are written; the defaults are right, faults change them.
struct chunk_style {
    std::optional<std::string> size_text;  ///< instead of the first chunk's size
    std::string extension;                 ///< behind the first chunk's size
    std::string data_end = "\r\n";
    std::string last = "0\r\n";
    std::string trailer_section = "\r\n";
};
/// The bytes in chunks of at most 4096.
std::string chunk_coded(std::string_view bytes, const chunk_style& style = {});

}  // namespace badorigin::peers
