#include "fake-backends/proxy_header.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace badorigin::peers {
namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

std::optional<std::string> port_bytes(const std::string& text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return std::string{static_cast<char>(port >> 8), static_cast<char>(port & 0xff)};
}

std::optional<std::string> address_bytes(int family, const std::string& text) {
    std::string bytes(family == AF_INET ? 4 : 16, '\0');
    if (::inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
    return bytes;
}

}  // namespace

std::optional<std::string> proxy_header_bytes(std::string_view text) {
    const auto words = words_of(text);
    if (words.empty() || (words[0] != "1" && words[0] != "2")) return std::nullopt;
    const bool first = words[0] == "1";
    if (words.size() == 2 && words[1] == "-") return first ? "PROXY UNKNOWN\r\n" : std::string(signature) + std::string("\x20\0\0\0", 4);
    if (words.size() != 5) return std::nullopt;
    const int family = words[1].find(':') == std::string::npos ? AF_INET : AF_INET6;
    const auto client = address_bytes(family, words[1]), server = address_bytes(family, words[3]);
    const auto client_port = port_bytes(words[2]), server_port = port_bytes(words[4]);
    if (!client || !server || !client_port || !server_port) return std::nullopt;
    if (first) return fmt::format("PROXY {} {} {} {} {}\r\n", family == AF_INET ? "TCP4" : "TCP6", words[1], words[3], words[2], words[4]);
    const auto ends = *client + *server + *client_port + *server_port;
    return std::string(signature) + '\x21' + (family == AF_INET ? '\x11' : '\x21') + '\0' + static_cast<char>(ends.size()) + ends;
}

}  // namespace badorigin::peers
