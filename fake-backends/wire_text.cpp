#include "fake-backends/wire_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

namespace badorigin::peers {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool same_text(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* field_value(const field_lines& lines, std::string_view name) {
    for (const auto& [n, v] : lines) {
        if (same_text(n, name)) return &v;
    }
    return nullptr;
}

void remove_field(field_lines& lines, std::string_view name) {
    std::erase_if(lines, [&](const auto& line) { return same_text(line.first, name); });
}

void set_field(field_lines& lines, std::string_view name, std::string value) {
    const auto place = std::ranges::find_if(lines, [&](const auto& line) { return same_text(line.first, name); });
    const auto index = place - lines.begin();
    remove_field(lines, name);
    lines.insert(lines.begin() + index, {std::string(name), std::move(value)});
}

bool lists_token(const field_lines& lines, std::string_view name, std::string_view token) {
    for (const auto& [n, v] : lines) {
        if (!same_text(n, name)) continue;
        for (std::string_view rest = v; !rest.empty();) {
            const auto comma = rest.find(',');
            if (same_text(trimmed(rest.substr(0, comma)), token)) return true;
            rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
        }
    }
    return false;
}

std::string http_date(std::chrono::seconds since_epoch) {
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t when = since_epoch.count();
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon],
                       parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

namespace {

/// "", "+ 60s", "- 2h".
std::optional<std::chrono::seconds> read_offset(std::string_view text) {
    text = trimmed(text);
    if (text.empty()) return std::chrono::seconds{0};
    const char sign = text.front();
    text = trimmed(text.substr(1));
    if ((sign != '+' && sign != '-') || text.empty()) return std::nullopt;
    static constexpr std::array units{std::pair{'s', 1}, std::pair{'m', 60}, std::pair{'h', 3600}, std::pair{'d', 86400}};
    const auto unit = std::ranges::find(units, text.back(), [](const auto& one) { return one.first; });
    text.remove_suffix(1);
    std::int32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (unit == units.end() || error != std::errc{} || end != text.data() + text.size() || count < 0) return std::nullopt;
    return std::chrono::seconds{std::int64_t{count} * unit->second * (sign == '-' ? -1 : 1)};
}

}  // namespace

std::optional<std::string> with_dates(std::string_view text, std::chrono::seconds since_epoch) {
    constexpr std::string_view opening = "{date";
    std::string out;
    for (auto at = text.find(opening); at != text.npos; at = text.find(opening)) {
        const auto end = text.find('}', at);
        const auto offset = end == text.npos ? std::nullopt : read_offset(text.substr(at + opening.size(), end - at - opening.size()));
        if (!offset) return std::nullopt;
        out.append(text.substr(0, at)).append(http_date(since_epoch + *offset));
        text.remove_prefix(end + 1);
    }
    return out.append(text);
}

std::optional<std::chrono::seconds> read_http_date(const std::string& text) {
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return std::chrono::seconds(::timegm(&parts));
}

std::string_view registered_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 101:
            return "Switching Protocols";
        case 102:
            return "Processing";
        case 103:
            return "Early Hints";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 203:
            return "Non-Authoritative Information";
        case 204:
            return "No Content";
        case 205:
            return "Reset Content";
        case 206:
            return "Partial Content";
        case 300:
            return "Multiple Choices";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Content";
        case 425:
            return "Too Early";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 451:
            return "Unavailable For Legal Reasons";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Unknown";
    }
}

std::string chunk_coded(std::string_view bytes, const chunk_style& style) {
    std::string out;
    for (bool first = true; !bytes.empty(); first = false) {
        const auto chunk = bytes.substr(0, 4096);
        bytes.remove_prefix(chunk.size());
        out += first && style.size_text ? *style.size_text : fmt::format("{:x}", chunk.size());
        if (first) out += style.extension;
        out += "\r\n";
        out += chunk;
        out += style.data_end;
    }
    out += style.last;
    out += style.trailer_section;
    return out;
}

}  // namespace badorigin::peers
