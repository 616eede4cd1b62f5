#include "capture/packet.h"

#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>

namespace badorigin::capture {
namespace {

constexpr std::size_t ipv4_at = 12;  // of an IPv4 address mapped into IPv6

std::uint8_t octet(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}
std::uint16_t big16(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(octet(bytes, at) << 8 | octet(bytes, at + 1));
}
std::uint32_t big32(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint32_t>(big16(bytes, at)) << 16 | big16(bytes, at + 2);
}

address mapped_ipv4(std::string_view four) {
    address a;
    a.bytes[10] = a.bytes[11] = 0xff;
    std::memcpy(a.bytes.data() + ipv4_at, four.data(), 4);
    return a;
}

/// What is known of a packet between its layers: the bytes that are left, and how many more were on the wire.
struct rest {
    std::string_view bytes;
    std::uint64_t missing = 0;

    /// Keeps `length` bytes as they were on the wire: padding is taken off, or what was cut is counted.
    void limit_to(std::uint64_t length) {
        if (length <= bytes.size()) {
            bytes = bytes.substr(0, length);
            missing = 0;
        } else {
            missing = std::min<std::uint64_t>(length - bytes.size(), 0xffffffffu);
        }
    }
};

struct network {
    address from, to;
    std::uint8_t protocol = 0;
};

decoded transport(const network& ip, const raw_packet& packet, rest r, tcp_segment& tcp, udp_datagram& udp) {
    constexpr std::uint8_t protocol_tcp = 6, protocol_udp = 17;
    if (ip.protocol == protocol_tcp) {
        if (r.bytes.size() < 20) return decoded::damaged;
        const std::size_t header = (octet(r.bytes, 12) >> 4) * 4u;
        if (header < 20 || header > r.bytes.size()) return decoded::damaged;
        const std::uint8_t flags = octet(r.bytes, 13);
        tcp.frame = packet.frame;
        tcp.from = {ip.from, big16(r.bytes, 0)};
        tcp.to = {ip.to, big16(r.bytes, 2)};
        tcp.sequence = big32(r.bytes, 4);
        tcp.acknowledgement = big32(r.bytes, 8);
        tcp.window = big16(r.bytes, 14);
        tcp.fin = flags & 0x01;
        tcp.syn = flags & 0x02;
        tcp.rst = flags & 0x04;
        tcp.ack = flags & 0x10;
        tcp.payload = r.bytes.substr(header);
        tcp.payload_missing = static_cast<std::uint32_t>(r.missing);
        return decoded::tcp;
    }
    if (ip.protocol == protocol_udp) {
        if (r.bytes.size() < 8) return decoded::damaged;
        const std::uint16_t length = big16(r.bytes, 4);
        if (length != 0 && length < 8) return decoded::damaged;
        udp.frame = packet.frame;
        udp.from = {ip.from, big16(r.bytes, 0)};
        udp.to = {ip.to, big16(r.bytes, 2)};
        udp.payload = r.bytes.substr(8, length == 0 ? std::string_view::npos : length - 8u);
        return decoded::udp;
    }
    return decoded::other;
}

decoded ipv4(const raw_packet& packet, rest r, tcp_segment& tcp, udp_datagram& udp) {
    if (r.bytes.size() < 20) return decoded::damaged;
    const std::size_t header = (octet(r.bytes, 0) & 0x0f) * 4u;
    const std::uint16_t total = big16(r.bytes, 2);  // 0: the kernel left it to the network card (segmentation offload)
    if (header < 20 || header > r.bytes.size() || (total != 0 && total < header)) return decoded::damaged;
    if ((big16(r.bytes, 6) & 0x3fff) != 0) return decoded::other;  // a fragment: more to come, or an offset
    network ip{mapped_ipv4(r.bytes.substr(12, 4)), mapped_ipv4(r.bytes.substr(16, 4)), octet(r.bytes, 9)};
    if (total != 0) r.limit_to(total);
    r.bytes.remove_prefix(header);
    return transport(ip, packet, r, tcp, udp);
}

decoded ipv6(const raw_packet& packet, rest r, tcp_segment& tcp, udp_datagram& udp) {
    if (r.bytes.size() < 40) return decoded::damaged;
    network ip;
    std::memcpy(ip.from.bytes.data(), r.bytes.data() + 8, 16);
    std::memcpy(ip.to.bytes.data(), r.bytes.data() + 24, 16);
    ip.protocol = octet(r.bytes, 6);
    const std::uint16_t length = big16(r.bytes, 4);  // 0: jumbo, everything behind the header
    r.bytes.remove_prefix(40);
    if (length != 0) r.limit_to(length);
    constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, authentication = 51, destination = 60, mobility = 135,
                           host_identity = 139, shim6 = 140;
    for (;;) {
        std::size_t size = 0;
        switch (ip.protocol) {
            case hop_by_hop:
            case routing:
            case destination:
            case mobility:
            case host_identity:
            case shim6:
                if (r.bytes.size() < 8) return decoded::damaged;
                size = 8u + octet(r.bytes, 1) * 8u;
                break;
            case authentication:
                if (r.bytes.size() < 8) return decoded::damaged;
                size = 8u + octet(r.bytes, 1) * 4u;
                break;
            case fragment:
                if (r.bytes.size() < 8) return decoded::damaged;
                if ((big16(r.bytes, 2) & 0xfff9) != 0) return decoded::other;
                size = 8;  // "atomic" fragment (RFC 6946): the whole packet
                break;
            default:
                return transport(ip, packet, r, tcp, udp);
        }
        if (size > r.bytes.size()) return decoded::damaged;
        ip.protocol = octet(r.bytes, 0);
        r.bytes.remove_prefix(size);
    }
}

decoded by_version(const raw_packet& packet, const rest& r, tcp_segment& tcp, udp_datagram& udp) {
    if (r.bytes.empty()) return decoded::damaged;
    switch (octet(r.bytes, 0) >> 4) {
        case 4:
            return ipv4(packet, r, tcp, udp);
        case 6:
            return ipv6(packet, r, tcp, udp);
        default:
            return decoded::other;
    }
}

/// How long a link layer's header is, and where in it the type of what follows stands (RFC 7042); IP by itself: no type.
struct link_layer {
    std::size_t header = 0;
    std::optional<std::size_t> type_at;
    bool known = true;
};
link_layer layer_of(link_type link) {
    switch (link) {
        case link_type::ethernet:
            return {14, 12};
        case link_type::linux_sll:
            return {16, 14};
        case link_type::linux_sll2:
            return {20, 0};
        case link_type::null:
        case link_type::loop:
            // The address family's number depends on the system that captured; the version in the IP header does not.
            return {4, {}};
        case link_type::raw_12:
        case link_type::raw_14:
        case link_type::raw:
        case link_type::ipv4:
        case link_type::ipv6:
            return {0, {}};
    }
    return {0, {}, false};
}

/// Takes the link layer's header off. Nothing where it is cut short; `other` is set where no IP follows.
std::optional<rest> behind_link(const raw_packet& packet, bool& other) {
    constexpr std::uint16_t type_ipv4 = 0x0800, type_ipv6 = 0x86dd;
    const std::string_view bytes = packet.data;
    auto [header, type_at, known] = layer_of(packet.link);
    if (bytes.size() < header) return {};
    other = !known;
    if (type_at) {
        std::uint16_t type = big16(bytes, *type_at);
        while (type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200) {  // VLAN tags, one in the other
            header += 4;
            if (bytes.size() < header) return {};
            type = big16(bytes, header - 2);
        }
        other = type != type_ipv4 && type != type_ipv6;
    }
    rest r;
    r.bytes = bytes.substr(header);
    r.missing = packet.original_length > bytes.size() ? packet.original_length - bytes.size() : 0;
    return r;
}

}  // namespace

decoded decode(const raw_packet& packet, tcp_segment& tcp, udp_datagram& udp) {
    bool other = false;
    const auto r = behind_link(packet, other);
    if (!r) return decoded::damaged;
    if (other) return decoded::other;
    return by_version(packet, *r, tcp, udp);
}

std::string address::text() const {
    static constexpr std::uint8_t mapped[ipv4_at] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char text[INET6_ADDRSTRLEN] = "";
    if (std::memcmp(bytes.data(), mapped, sizeof mapped) == 0)
        inet_ntop(AF_INET, bytes.data() + ipv4_at, text, sizeof text);
    else
        inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

std::string endpoint::text() const {
    std::string host = address.text();
    if (host.find(':') != std::string::npos) host = '[' + host + ']';
    return host + ':' + std::to_string(port);
}

bool endpoint::parse(std::string_view text, endpoint& into) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [stopped, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failed != std::errc() || stopped != digits.data() + digits.size()) return false;
    std::string host(text.substr(0, colon));
    endpoint read;
    read.port = port;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (inet_pton(AF_INET6, host.c_str(), read.address.bytes.data()) != 1) return false;
    } else {
        char four[4];
        if (inet_pton(AF_INET, host.c_str(), four) != 1) return false;
        read.address = mapped_ipv4({four, sizeof four});
    }
    into = read;
    return true;
}

}  // namespace badorigin::capture
