#include "harness/scenario/writer.h"

#include <algorithm>

#include <yaml-cpp/binary.h>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {

namespace {

/// Well-formed UTF-8 (RFC 3629) without the code points that yaml-cpp replaces (non-characters) or takes for a byte order mark.
bool can_be_quoted(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t more = lead < 0x80                   ? 0
                                 : lead >= 0xc2 && lead < 0xe0 ? 1
                                 : lead >= 0xe0 && lead < 0xf0 ? 2
                                 : lead >= 0xf0 && lead < 0xf5 ? 3
                                                               : 9;
        if (more == 9 || i + more >= text.size()) return false;
        std::uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) return false;
            point = point << 6 | (next & 0x3fu);
        }
        const bool overlong = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
        const bool replaced =
            (point >= 0xd800 && point < 0xe000) || (point >= 0xfdd0 && point < 0xfdf0) || (point & 0xfffe) == 0xfffe || point > 0x10ffff;
        if (overlong || replaced || point == 0xfeff) return false;
        i += more + 1;
    }
    return true;
}

bool is_plain_word(std::string_view word) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    constexpr std::string_view others = "/_.-+=?;";
    const auto fine = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos; };
    if (word.empty() || !letter(word.front())) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (fine(word[i])) continue;
        if (word[i] != ' ' || i + 1 == word.size() || !fine(word[i + 1]) || word[i + 1] == '-' || word[i + 1] == '?') return false;
    }
    static constexpr std::array<std::string_view, 9> taken{"null", "Null", "NULL", "true", "false", "yes", "no", "on", "off"};
    return std::ranges::find(taken, word) == taken.end();
}

}  // namespace

void write_text(YAML::Emitter& out, std::string_view text) {
    if (can_be_quoted(text)) {
        out << YAML::DoubleQuoted << std::string{text};
    } else {
        out << YAML::Binary(reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
}

void write_word(YAML::Emitter& out, std::string_view word) {
    if (is_plain_word(word)) {
        out << std::string{word};
    } else {
        write_text(out, word);
    }
}

void write_key(YAML::Emitter& out, std::string_view key) {
    out << YAML::Key;
    write_word(out, key);
    out << YAML::Value;
}

void write_word(YAML::Emitter& out, std::string_view key, std::string_view word) {
    write_key(out, key);
    write_word(out, word);
}

void write_text(YAML::Emitter& out, std::string_view key, std::string_view text) {
    write_key(out, key);
    write_text(out, text);
}

void write_duration(YAML::Emitter& out, std::string_view key, nanoseconds value) {
    write_key(out, key);
    out << format_duration(value);
}

void write_number(YAML::Emitter& out, std::string_view key, std::int64_t value) {
    write_key(out, key);
    out << value;
}

void write_yes_no(YAML::Emitter& out, std::string_view key, bool value) {
    write_key(out, key);
    out << (value ? "yes" : "no");
}

}  // namespace badorigin::scenario
