#include "http/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace badorigin::http {
namespace {

using found = proxy_header::found;
constexpr std::string_view line_start = "PROXY ", signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t longest_line = 107, fixed_part = 16;

bool may_become(std::string_view bytes, std::string_view wanted) {
    const auto common = std::min(bytes.size(), wanted.size());
    return bytes.substr(0, common) == wanted.substr(0, common);
}

bool read_address(std::string_view text, int family) {
    std::array<unsigned char, sizeof(in6_addr)> ignored;
    return ::inet_pton(family, std::string(text).c_str(), ignored.data()) == 1;
}

bool read_port(std::string_view text, unsigned& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return !text.empty() && error == std::errc{} && end == text.data() + text.size() && into <= 0xffff;
}

std::string_view next_word(std::string_view& line) {
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    return word;
}

proxy_header version_1(std::string_view bytes) {
    const auto end = bytes.substr(0, longest_line).find("\r\n");
    if (end == bytes.npos) return {.what = bytes.size() < longest_line ? found::part : found::nothing};
    proxy_header out{.what = found::whole, .size = end + 2, .version = 1};
    auto line = bytes.substr(line_start.size(), end - line_start.size());
    const auto family = next_word(line);
    if (family == "UNKNOWN") return out;
    const auto source = next_word(line), destination = next_word(line), source_port = next_word(line);
    const int kind = family == "TCP6" ? AF_INET6 : AF_INET;
    if ((family != "TCP4" && family != "TCP6") || !read_address(source, kind) || !read_address(destination, kind) ||
        !read_port(source_port, out.source_port) || !read_port(line, out.destination_port))
        return {};
    out.names_ends = true;
    out.source = source;
    out.destination = destination;
    return out;
}

unsigned number_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) << 8 | static_cast<unsigned char>(bytes[at + 1]);
}

std::string address_at(std::string_view bytes, int family) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

proxy_header version_2(std::string_view bytes) {
    if (bytes.size() < fixed_part) return {.what = found::part};
    const auto command = static_cast<unsigned char>(bytes[12]), family = static_cast<unsigned char>(bytes[13]);
    if (command != 0x20 && command != 0x21) return {};
    const std::size_t length = number_at(bytes, 14);
    const std::size_t address = family == 0x11 ? 4 : family == 0x21 ? 16 : 0;
    proxy_header out{.what = found::whole, .size = fixed_part + length, .version = 2};
    const bool names = command == 0x21 && address != 0;
    if (names && length < 2 * address + 4) return {};
    if (bytes.size() < out.size) return {.what = found::part};
    if (!names) return out;
    const auto ends = bytes.substr(fixed_part, length);
    const int kind = address == 4 ? AF_INET : AF_INET6;
    out.names_ends = true;
    out.source = address_at(ends, kind);
    out.destination = address_at(ends.substr(address), kind);
    out.source_port = number_at(ends, 2 * address);
    out.destination_port = number_at(ends, 2 * address + 2);
    return out;
}

}  // namespace

std::string proxy_header::text() const {
    if (!names_ends) return fmt::format("{} -", version);
    return fmt::format("{} {} {} {} {}", version, source, source_port, destination, destination_port);
}

proxy_header read_proxy_header(std::string_view bytes) {
    for (const auto start : {line_start, signature}) {
        if (!may_become(bytes, start)) continue;
        if (bytes.size() < start.size()) return {.what = found::part};
        return start == line_start ? version_1(bytes) : version_2(bytes);
    }
    return {};
}

}  // namespace badorigin::http
