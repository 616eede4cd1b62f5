// The numbers of the two capture formats (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "capture/packet.h"

namespace badorigin::capture {

inline constexpr std::uint32_t largest_block = 64u << 20;
/// What tcpdump and Wireshark write and read, where the head of a pcap capture claims no more.
inline constexpr std::uint32_t largest_packet = 262144;

inline constexpr std::uint32_t magic_microseconds = 0xa1b2c3d4, magic_nanoseconds = 0xa1b23c4d;
inline constexpr std::uint32_t block_section = 0x0a0d0d0a, block_interface = 1, block_old_packet = 2, block_simple = 3, block_enhanced = 6;
inline constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
inline constexpr std::size_t pcap_head = 24, record_head = 16, smallest_block = 12;

/// Do these four bytes (in this machine's order) begin a capture? Both byte orders count.
inline bool begins_capture(std::uint32_t first) {
    constexpr auto swapped = [](std::uint32_t v) { return __builtin_bswap32(v); };
    return first == block_section || first == magic_microseconds || first == magic_nanoseconds || first == swapped(magic_microseconds) ||
           first == swapped(magic_nanoseconds);
}

/// Packets, names, statistics, secrets, journal entries, custom blocks.
inline bool known_block(std::uint32_t type) {
    return (type >= 1 && type <= 10) || type == 0xbad || type == 0x40000bad;
}

/// seconds × 10⁹ + nanoseconds in modular arithmetic: a damaged file may hold anything. Within ±73 years of 1970, so that the difference of
/// two is one as well.
inline nanoseconds time_of(std::uint64_t seconds, std::uint64_t fraction_ns) {
    constexpr std::int64_t most = std::int64_t{1} << 61;
    return nanoseconds(std::clamp(static_cast<std::int64_t>(seconds * 1'000'000'000u + fraction_ns), -most, most));
}

struct interface_description {
    link_type link = link_type::ethernet;
    std::uint32_t snap_length = 0;
    std::uint8_t resolution = 6;  ///< if_tsresol: power of ten, or of two with the high bit
    std::int64_t offset_seconds = 0;

    nanoseconds time(std::uint64_t units) const {
        __extension__ using wide = unsigned __int128;
        std::uint64_t ns = 0;
        if (resolution & 0x80) {
            ns = static_cast<std::uint64_t>((wide(units) * 1'000'000'000u) >> (resolution & 0x7f));
        } else {
            ns = units;
            for (int power = resolution; power < 9; ++power) ns *= 10;
            for (int power = resolution; power > 9 && ns != 0; --power) ns /= 10;
        }
        return time_of(static_cast<std::uint64_t>(offset_seconds), ns);
    }
};
/// Of a whole interface description block (20 bytes and more).
interface_description read_interface(std::string_view block, bool swap);

}  // namespace badorigin::capture
