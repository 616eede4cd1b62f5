#include "capture/frame_maker.h"

#include <algorithm>
#include <cstring>

namespace badorigin::capture {
namespace {

constexpr std::uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint8_t protocol_tcp = 6, protocol_udp = 17;

bool is_ipv4(const address& a) {
    return std::equal(std::begin(mapped), std::end(mapped), a.bytes.begin());
}

void put8(std::string& into, unsigned v) {
    into += static_cast<char>(v & 0xff);
}
void put16(std::string& into, unsigned v) {
    put8(into, v >> 8);
    put8(into, v);
}
void put32(std::string& into, std::uint32_t v) {
    put16(into, v >> 16);
    put16(into, v & 0xffff);
}
void put_at(std::string& into, std::size_t at, unsigned v) {
    into[at] = static_cast<char>(v >> 8 & 0xff);
    into[at + 1] = static_cast<char>(v & 0xff);
}
void put_address(std::string& into, const address& a, bool four) {
    const auto* bytes = reinterpret_cast<const char*>(a.bytes.data());
    into.append(four ? bytes + 12 : bytes, four ? 4 : 16);
}

std::uint32_t sum(std::string_view bytes, std::uint32_t so_far) {
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        const auto high = static_cast<std::uint8_t>(bytes[i]);
        const auto low = i + 1 < bytes.size() ? static_cast<std::uint8_t>(bytes[i + 1]) : std::uint8_t{0};
        so_far += static_cast<std::uint32_t>(high << 8 | low);
        so_far = (so_far & 0xffff) + (so_far >> 16);
    }
    return so_far;
}
unsigned checksum(std::uint32_t total) {
    return ~total & 0xffffu;
}

std::string wrap(const endpoint& from, const endpoint& to, std::uint8_t protocol, std::string transport, std::size_t checksum_at) {
    const bool four = is_ipv4(from.address) && is_ipv4(to.address);
    std::string pseudo;
    put_address(pseudo, from.address, four);
    put_address(pseudo, to.address, four);
    put32(pseudo, static_cast<std::uint32_t>(transport.size()));
    put32(pseudo, protocol);
    const unsigned covered = checksum(sum(transport, sum(pseudo, 0)));
    put_at(transport, checksum_at, protocol == protocol_udp && covered == 0 ? 0xffffu : covered);

    std::string frame(12, '\0');  // loopback's addresses
    put16(frame, four ? 0x0800 : 0x86dd);
    if (four) {
        std::string head;
        put16(head, 0x4500);
        put16(head, static_cast<unsigned>(20 + transport.size()));
        put32(head, 0x00004000);  // no identification, don't fragment
        put8(head, 64);
        put8(head, protocol);
        put16(head, 0);
        put_address(head, from.address, true);
        put_address(head, to.address, true);
        put_at(head, 10, checksum(sum(head, 0)));
        frame += head;
    } else {
        put32(frame, 0x60000000);
        put16(frame, static_cast<unsigned>(transport.size()));
        put8(frame, protocol);
        put8(frame, 64);
        put_address(frame, from.address, false);
        put_address(frame, to.address, false);
    }
    return frame + transport;
}

}  // namespace

std::string make_frame(const tcp_segment& s) {
    std::string t;
    put16(t, s.from.port);
    put16(t, s.to.port);
    put32(t, s.sequence);
    put32(t, s.acknowledgement);
    put8(t, 5 << 4);
    put8(t, (s.fin ? 1u : 0u) | (s.syn ? 2u : 0u) | (s.rst ? 4u : 0u) | (s.payload.empty() ? 0u : 8u) | (s.ack ? 0x10u : 0u));
    put16(t, s.window);
    put32(t, 0);
    t += s.payload;
    return wrap(s.from, s.to, protocol_tcp, std::move(t), 16);
}

std::string make_frame(const udp_datagram& d) {
    std::string u;
    put16(u, d.from.port);
    put16(u, d.to.port);
    put16(u, static_cast<unsigned>(8 + d.payload.size()));
    put16(u, 0);
    u += d.payload;
    return wrap(d.from, d.to, protocol_udp, std::move(u), 6);
}

}  // namespace badorigin::capture
