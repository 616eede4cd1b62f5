#include "reports/escaped.h"

#include <fmt/format.h>

namespace badorigin::report {

namespace {

bool is_control(unsigned char c) {
    return c < 0x20 || c == 0x7f;
}

std::string shown(char c) {
    return c == '\r' ? "\\r" : c == '\n' ? "\\n" : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

/// How long the character is that `bytes` begin with (RFC 3629); 0: there is none that a reader of XML would take (XML 1.0, 2.2), or it is
/// a control character.
std::size_t character(std::string_view bytes) {
    const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U; };
    const auto first = at(0);
    if (first < 0x80) return is_control(static_cast<unsigned char>(first)) ? 0 : 1;
    const std::size_t size = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    if (size == 0) return 0;
    unsigned code = first & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((at(i) & 0xc0U) != 0x80) return 0;
        code = code << 6U | (at(i) & 0x3fU);
    }
    const bool too_long = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    const bool none = (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff || code > 0x10ffff;
    return too_long || none || code < 0xa0 ? 0 : size;
}

/// What is no character stands as \x1b, but for those of `layout`.
std::string made_readable(std::string_view bytes, std::string_view layout) {
    std::string out;
    while (!bytes.empty()) {
        const std::size_t size = layout.contains(bytes.front()) ? 1 : character(bytes);
        out += size > 0 ? std::string(bytes.substr(0, size)) : shown(bytes.front());
        bytes.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

}  // namespace

std::string escaped(std::string_view bytes) {
    return made_readable(bytes, "");
}

std::string markup_text(std::string_view bytes) {
    return made_readable(bytes, "\n\t");
}

}  // namespace badorigin::report
