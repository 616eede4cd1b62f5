#include "proxy-under-test/cache/proxy_header.h"

#include <charconv>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fmt/core.h>

namespace badorigin::cache {

namespace {
using result = std::expected<proxy_header, std::string>;
constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t longest_line = 107, fixed_part = 16, most_addresses = 4096;

bool is_prefix(std::string_view whole, std::string_view of) {
    const auto common = std::min(whole.size(), of.size());
    return whole.substr(0, common) == of.substr(0, common);
}

bool is_port(std::string_view text, std::uint16_t& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size();
}

bool is_address(int family, const std::string& text) {
    in6_addr ignored;
    return inet_pton(family, text.c_str(), &ignored) == 1;
}

/// "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n"
result version_1(std::string& input) {
    const auto end = input.find("\r\n");
    if (end == std::string::npos && input.size() < longest_line) return proxy_header{};
    if (end == std::string::npos || end + 2 > longest_line) return std::unexpected("a PROXY line of more than 107 bytes");
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= end;) {
        const auto next = std::min(input.find(' ', at), end);
        words.push_back(input.substr(at, next - at));
        at = next + 1;
    }
    input.erase(0, end + 2);
    proxy_header out{.complete = true, .client_ip = {}, .server_ip = {}};
    if (words.size() >= 2 && words[1] == "UNKNOWN") return out;
    const bool six = words.size() == 6 && words[1] == "TCP6";
    const int family = six ? AF_INET6 : AF_INET;
    if (words.size() != 6 || (!six && words[1] != "TCP4") || !is_address(family, words[2]) || !is_address(family, words[3]) ||
        !is_port(words[4], out.client_port) || !is_port(words[5], out.server_port)) {
        return std::unexpected("a malformed PROXY line");
    }
    out.names_ends = true;
    out.client_ip = words[2];
    out.server_ip = words[3];
    return out;
}

std::uint16_t number(std::string_view two) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(two[0]) << 8 | static_cast<unsigned char>(two[1]));
}

result version_2(std::string& input) {
    if (input.size() < fixed_part) return proxy_header{};
    const std::size_t length = number(std::string_view(input).substr(14, 2));
    const int command = static_cast<unsigned char>(input[12]), family = static_cast<unsigned char>(input[13]);
    if (command != 0x20 && command != 0x21) return std::unexpected("a PROXY header of an unknown version or command");
    if (length > most_addresses) return std::unexpected("a PROXY header of more than 4 KiB");
    if (input.size() < fixed_part + length) return proxy_header{};
    const auto addresses = input.substr(fixed_part, length);
    input.erase(0, fixed_part + length);
    proxy_header out{.complete = true, .client_ip = {}, .server_ip = {}};
    const std::size_t size = family == 0x11 ? 4 : family == 0x21 ? 16 : 0;
    if (command == 0x20 || size == 0) return out;  // LOCAL, or what is no TCP: the ends are those of the connection
    if (length < 2 * size + 4) return std::unexpected("a PROXY header that is too short for its addresses");
    char text[INET6_ADDRSTRLEN];
    const int kind = size == 4 ? AF_INET : AF_INET6;
    out.client_ip = inet_ntop(kind, addresses.data(), text, sizeof text);
    out.server_ip = inet_ntop(kind, addresses.data() + size, text, sizeof text);
    out.client_port = number(std::string_view(addresses).substr(2 * size));
    out.server_port = number(std::string_view(addresses).substr(2 * size + 2));
    out.names_ends = true;
    return out;
}
std::string made_1(const proxy_header& of, int family) {
    if (family == AF_UNSPEC) return "PROXY UNKNOWN\r\n";
    return fmt::format("PROXY {} {} {} {} {}\r\n", family == AF_INET ? "TCP4" : "TCP6", of.client_ip, of.server_ip, of.client_port,
                       of.server_port);
}

std::string big_endian(std::size_t number) {
    return {static_cast<char>(number >> 8 & 0xff), static_cast<char>(number & 0xff)};
}

std::string bytes_of(int family, const std::string& address) {
    std::string bytes(family == AF_INET ? 4 : 16, '\0');
    inet_pton(family, address.c_str(), bytes.data());
    return bytes;
}

std::string made_2(const proxy_header& of, int family) {
    std::string out(signature);
    if (family == AF_UNSPEC) return out + '\x20' + '\0' + big_endian(0);  // LOCAL
    const auto ends =
        bytes_of(family, of.client_ip) + bytes_of(family, of.server_ip) + big_endian(of.client_port) + big_endian(of.server_port);
    return out + '\x21' + (family == AF_INET ? '\x11' : '\x21') + big_endian(ends.size()) + ends;
}
}  // namespace

std::string make_proxy_header(int version, const proxy_header& of) {
    int family = AF_UNSPEC;
    for (const int each : {AF_INET, AF_INET6})
        if (is_address(each, of.client_ip) && is_address(each, of.server_ip)) family = each;
    return version == 1 ? made_1(of, family) : made_2(of, family);
}

result take_proxy_header(std::string& input) {
    if (input.empty()) return proxy_header{};
    if (is_prefix(input, signature)) return version_2(input);
    if (is_prefix(input, "PROXY ")) return version_1(input);
    return std::unexpected("no PROXY header");
}

}  // namespace badorigin::cache
