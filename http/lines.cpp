#include "http/lines.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "http/grammar.h"

namespace badorigin::http {
namespace {

/// Below 0x20, or 0x7f, in any of eight bytes. (Tabs too, and a byte behind another that borrows from it.)
std::uint64_t control_among(const char* eight) {
    constexpr std::uint64_t each = 0x0101010101010101u;
    std::uint64_t bytes;
    std::memcpy(&bytes, eight, sizeof bytes);
    const std::uint64_t del = bytes ^ each * 0x7f;
    return (((bytes - each * 0x20) & ~bytes) | ((del - each) & ~del)) & each * 0x80;
}

bool may_have_control_bytes(std::string_view text) {
    if (text.size() < 8) return std::ranges::any_of(text, is_control);
    std::uint64_t found = control_among(text.data() + text.size() - 8);
    for (std::size_t at = 0; at + 8 <= text.size(); at += 8) found |= control_among(text.data() + at);
    return found != 0;
}

void name_control_bytes(const line& whole, anomalies& found) {
    if (!may_have_control_bytes(whole.text)) return;
    for (std::size_t i = 0; i < whole.text.size(); ++i)
        if (is_control(whole.text[i])) found.push_back({anomaly::control_byte, whole.offset + i});
}

/// HTTP-version = %s"HTTP" "/" DIGIT "." DIGIT (RFC 9112 2.3); nothing where it is malformed.
std::optional<version> parse_version(std::string_view text) {
    if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7])) return std::nullopt;
    return version{text[5] - '0', text[7] - '0'};
}

/// Stores the version, and names it where it is malformed (HTTP/1.1 is then assumed) or no 1.x.
void read_version(std::string_view text, stream_offset offset, message& into) {
    auto read = parse_version(text);
    if (read) into.version = *read;
    if (!read || read->major != 1) into.anomalies.push_back({anomaly::bad_version, offset});
}

std::size_t word_end(std::string_view text, std::size_t from) {
    return std::min(text.find_first_of(" \t", from), text.size());
}

}  // namespace

line read_line_end(std::string_view raw, stream_offset offset, anomalies& found) {
    line read{raw, offset};
    bool has_cr = raw.ends_with('\r');
    if (has_cr) read.text.remove_suffix(1);
    for (std::size_t at = read.text.find('\r'); at != std::string_view::npos; at = read.text.find('\r', at + 1))
        found.push_back({anomaly::bare_cr, offset + at});
    if (!has_cr) found.push_back({anomaly::bare_lf, offset + raw.size()});
    return read;
}

void read_request_line(const line& start, message& into) {
    std::string_view text = start.text;
    name_control_bytes(start, into.anomalies);
    auto bad = [&] { into.anomalies.push_back({anomaly::bad_request_line, start.offset}); };

    std::string_view trim = trimmed(text);
    std::size_t method_size = word_end(trim, 0);
    into.method = trim.substr(0, method_size);
    std::string_view rest = trimmed(trim.substr(method_size));
    if (rest.empty()) return bad();

    std::size_t last = rest.find_last_of(" \t");
    if (last == std::string_view::npos) {  // two words
        if (rest.starts_with("HTTP/")) {
            bad();
            return read_version(rest, start.offset + static_cast<std::size_t>(rest.data() - text.data()), into);
        }
        into.target = rest;
        if (into.method != "GET" || text.size() != method_size + 1 + rest.size()) return bad();
        into.version = {0, 9};
        into.anomalies.push_back({anomaly::http_09_request, start.offset});
        return;
    }
    std::string_view version_text = rest.substr(last + 1);
    into.target = trimmed(rest.substr(0, last));
    bool inner_blank = into.target.find_first_of(" \t") != std::string::npos;
    if (inner_blank && !version_text.starts_with("HTTP/")) {  // a blank inside the target, and no version at all
        into.target = rest;
        return bad();
    }
    bool single_spaces = text.size() == method_size + 1 + into.target.size() + 1 + version_text.size();
    if (inner_blank || !single_spaces || text.find('\t') != std::string_view::npos || !is_token(into.method)) bad();
    read_version(version_text, start.offset + static_cast<std::size_t>(version_text.data() - text.data()), into);
}

void read_status_line(const line& start, message& into) {
    std::string_view text = start.text;
    name_control_bytes(start, into.anomalies);
    std::size_t version_size = word_end(text, 0);
    read_version(text.substr(0, version_size), start.offset, into);

    std::size_t code = text.find_first_not_of(" \t", version_size);
    if (code == std::string_view::npos) {
        into.anomalies.push_back({anomaly::bad_status_line, start.offset});
        return;
    }
    std::string_view rest = text.substr(code);
    bool sound = code == version_size + 1 && text[version_size] == ' ';
    std::size_t code_size = word_end(rest, 0);
    if (code_size == 3 && std::ranges::all_of(rest.substr(0, 3), is_digit)) {
        into.status = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
    } else {
        sound = false;
    }
    sound = sound && code_size < rest.size() && rest[code_size] == ' ';
    if (code_size < rest.size()) into.reason = rest.substr(code_size + 1);
    if (!sound) into.anomalies.push_back({anomaly::bad_status_line, start.offset});
}

void read_field_line(const line& whole, fields& all, anomalies& found) {
    name_control_bytes(whole, found);
    std::string_view text = whole.text;
    if (is_blank(text.front())) {
        if (all.empty()) {  // RFC 9112 2.2: white space between the start line and the first field line
            found.push_back({anomaly::bad_field_line, whole.offset});
            return;
        }
        found.push_back({anomaly::obs_fold, whole.offset});
        std::string_view more = trimmed(text);
        if (!all.back().value.empty() && !more.empty()) all.append(" ");
        all.append(more);
        return;
    }
    std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) {
        found.push_back({anomaly::bad_field_line, whole.offset});
        return;
    }
    std::string_view name = trimmed(text.substr(0, colon));
    if (name.size() < colon) found.push_back({anomaly::space_before_colon, whole.offset + name.size()});
    if (!is_token(name)) found.push_back({anomaly::bad_field_line, whole.offset});
    all.push_back({name, trimmed(text.substr(colon + 1)), whole.offset});
}

std::optional<std::uint64_t> read_chunk_size(const line& whole, anomalies& found) {
    std::string_view text = whole.text.substr(0, whole.text.find(';'));
    bool extended = text.size() < whole.text.size();
    std::string_view digits = trimmed(text);
    // BWS may stand before the ";" of an extension, and nowhere else
    bool sound = digits.data() == text.data() && (extended || digits.size() == text.size());
    std::uint64_t size = 0;
    bool readable = !digits.empty();
    for (char c : digits) {
        char low = to_lower(c);
        if (!is_digit(low) && (low < 'a' || low > 'f')) readable = false;
        if ((size >> 60) != 0) readable = false;  // overflow
        if (!readable) break;
        size = (size << 4) | static_cast<std::uint64_t>(is_digit(low) ? low - '0' : low - 'a' + 10);
    }
    if (!sound || !readable) found.push_back({anomaly::bad_chunk_size, whole.offset});
    if (!readable) return std::nullopt;
    return size;
}

std::optional<std::size_t> find_request_line(std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.size() < 9) return std::nullopt;
    auto version = parse_version(text.substr(text.size() - 8));
    if (!version || version->major != 1 || text[text.size() - 9] != ' ') return std::nullopt;
    std::size_t target_end = text.size() - 9;
    if (target_end == 0) return std::nullopt;
    std::size_t blank = text.rfind(' ', target_end - 1);
    if (blank == std::string_view::npos || blank == 0 || blank + 1 == target_end) return std::nullopt;
    std::size_t method = blank;
    while (method > 0 && is_token_char(text[method - 1])) --method;
    if (method == blank) return std::nullopt;
    return method;
}

}  // namespace badorigin::http
