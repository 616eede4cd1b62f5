// Packets as a capture file or a live capture gives them, decoded up to TCP and UDP.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace badorigin::capture {

using std::chrono::nanoseconds;

/// Position of a frame in its capture file, from 1, as Wireshark counts.
using frame_number = std::uint64_t;

struct frame_ref {
    frame_number number = 0;  ///< 0: none
    nanoseconds time{0};      ///< the packet's time stamp since 1970; may run backwards by fractions of a millisecond between CPUs
    friend bool operator==(const frame_ref&, const frame_ref&) = default;
    explicit operator bool() const { return number != 0; }
};

struct address {
    std::array<std::uint8_t, 16> bytes{};  ///< IPv4 mapped into ::ffff:0:0/96
    friend auto operator<=>(const address&, const address&) = default;
    std::string text() const;  ///< "127.0.0.1" or "2001:db8::1"
};
struct endpoint {
    capture::address address;
    std::uint16_t port = 0;
    friend auto operator<=>(const endpoint&, const endpoint&) = default;
    std::string text() const;  ///< "127.0.0.1:80", "[::1]:80"
    /// Reads what text() writes; false where it cannot.
    static bool parse(std::string_view text, endpoint& into);
};

/// Numbers of pcap's LINKTYPE_ registry that are understood. 12 and 14 are what raw IP is called on some systems (DLT_RAW), found in files
/// that were written without a translation.
enum class link_type : std::uint32_t {
    null = 0,
    ethernet = 1,
    raw_12 = 12,
    raw_14 = 14,
    raw = 101,
    loop = 108,
    linux_sll = 113,
    ipv4 = 228,
    ipv6 = 229,
    linux_sll2 = 276
};

struct raw_packet {
    frame_ref frame;
    link_type link = link_type::ethernet;
    std::uint32_t original_length = 0;  ///< on the wire; larger than data.size() when the snap length cut it
    std::string_view data;              ///< valid until the next packet is read
};

struct tcp_segment {
    frame_ref frame;
    endpoint from, to;
    std::uint32_t sequence = 0, acknowledgement = 0;
    std::uint16_t window = 0;
    bool syn = false, ack = false, fin = false, rst = false;
    std::string_view payload;
    std::uint32_t payload_missing = 0;  ///< bytes behind `payload` that the snap length cut off
};
struct udp_datagram {
    frame_ref frame;
    endpoint from, to;
    std::string_view payload;
};

enum class decoded : std::uint8_t { tcp, udp, other, damaged };
/// Ethernet, Linux cooked v1/v2 (all three with VLAN tags), raw IP, BSD loopback; IPv4, IPv6 with extension headers. IP fragments and
/// anything else are `other`; `damaged` where lengths do not fit. Checksums are not looked at (loopback leaves them unset).
decoded decode(const raw_packet& packet, tcp_segment& tcp, udp_datagram& udp);

}  // namespace badorigin::capture
