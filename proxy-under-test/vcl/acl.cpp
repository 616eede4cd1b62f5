#include "proxy-under-test/vcl/acl.h"

#include <arpa/inet.h>
#include <netdb.h>

namespace badorigin::cache::vcl {

namespace {

bool bit(const address& of, int which) {
    return (of.octets[static_cast<std::size_t>(which / 8)] >> (7 - which % 8) & 1) != 0;
}

bool same_network(const address& a, const address& b, int mask) {
    if (a.six != b.six) return false;
    for (int i = 0; i < mask; ++i) {
        if (bit(a, i) != bit(b, i)) return false;
    }
    return true;
}

}  // namespace

std::optional<address> address::parse(std::string_view text) {
    const std::string terminated(text);
    address result;
    if (inet_pton(AF_INET, terminated.c_str(), result.octets.data()) == 1) return result;
    result.six = true;
    if (inet_pton(AF_INET6, terminated.c_str(), result.octets.data()) == 1) return result;
    return std::nullopt;
}

std::vector<address> address::named(const std::string& host, bool resolve) {
    std::vector<address> all;
    if (resolve && host == "localhost") return {*parse("127.0.0.1"), *parse("::1")};  // whatever the machine's list of hosts holds
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = resolve ? 0 : AI_NUMERICHOST;
    if (host.empty() || getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return all;
    for (const auto* each = found; each != nullptr; each = each->ai_next) {
        char text[NI_MAXHOST];
        if (getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
        if (const auto numeric = parse(text)) all.push_back(*numeric);
    }
    freeaddrinfo(found);
    return all;
}

std::string address::text() const {
    char text[INET6_ADDRSTRLEN];
    return inet_ntop(six ? AF_INET6 : AF_INET, octets.data(), text, sizeof text) != nullptr ? text : "";
}

bool acl::has_host_bits(const address& of, int mask) {
    for (int i = mask; i < of.width(); ++i) {
        if (bit(of, i)) return true;
    }
    return false;
}

bool acl::contains(std::string_view ip) const {
    const auto asked = address::parse(ip);
    if (!asked) return false;
    const entry* best = nullptr;
    for (const auto& each : entries_) {
        if (same_network(*asked, each.of, each.mask) && (best == nullptr || each.mask > best->mask)) best = &each;
    }
    return best != nullptr && !best->negated;
}

}  // namespace badorigin::cache::vcl
