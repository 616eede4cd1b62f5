#include "capture/packet.h"

#include <map>

#include <gtest/gtest.h>

#include "capture/frame_maker.h"
#include "conversation.h"

namespace badorigin::capture::testing {
namespace {

std::string frame(const std::string& payload, const std::string& from = "127.0.0.1:50000", const std::string& to = "127.0.0.2:80") {
    tcp_segment s;
    s.from = ends(from);
    s.to = ends(to);
    s.sequence = 0xdeadbeef;
    s.acknowledgement = 42;
    s.window = 512;
    s.ack = s.fin = true;
    s.payload = payload;
    return make_frame(s);
}
std::string ip_of(const std::string& frame) {
    return frame.substr(14);
}

struct result {
    decoded what;
    tcp_segment tcp;
    udp_datagram udp;
};
result look(const std::string& data, link_type link = link_type::ethernet, std::uint32_t original = 0) {
    raw_packet p;
    p.frame = {7, nanoseconds(9)};
    p.link = link;
    p.data = data;
    p.original_length = original ? original : static_cast<std::uint32_t>(data.size());
    result r;
    r.what = decode(p, r.tcp, r.udp);
    return r;
}

TEST(packet, tcp_is_decoded_behind_every_link_layer) {
    const std::string ethernet = frame("hello"), ip = ip_of(ethernet);
    const std::pair<link_type, std::string> all[] = {
        {link_type::ethernet, ethernet},
        {link_type::ethernet, ethernet.substr(0, 12) + std::string("\x88\xa8\0\1\x81\0\0\2\x08\0", 10) + ip},
        {link_type::ethernet, ethernet.substr(0, 12) + std::string("\x81\0\0\2\x08\0", 6) + ip},
        {link_type::raw, ip},
        {link_type::raw_12, ip},
        {link_type::raw_14, ip},
        {link_type::ipv4, ip},
        {link_type::null, std::string("\2\0\0\0", 4) + ip},
        {link_type::null, std::string("\0\0\0\2", 4) + ip},
        {link_type::loop, std::string("\0\0\0\2", 4) + ip},
        {link_type::loop, std::string("\2\0\0\0", 4) + ip},
        {link_type::linux_sll, std::string(14, '\0') + std::string("\x08\0", 2) + ip},
        {link_type::linux_sll2, std::string("\x08\0", 2) + std::string(18, '\0') + ip},
        {link_type::linux_sll, std::string(14, '\0') + std::string("\x81\0\0\2\x08\0", 6) + ip},
        {link_type::linux_sll2, std::string("\x81\0", 2) + std::string(18, '\0') + std::string("\0\2\x08\0", 4) + ip},
        {link_type::ethernet, frame("hello") + "padding"},
    };
    for (const auto& [link, data] : all) {
        SCOPED_TRACE(static_cast<int>(link));
        const result r = look(data, link);
        ASSERT_EQ(r.what, decoded::tcp);
        EXPECT_EQ(r.tcp.payload, "hello");
        EXPECT_EQ(r.tcp.payload_missing, 0u);
        EXPECT_EQ(r.tcp.from.text(), "127.0.0.1:50000");
        EXPECT_EQ(r.tcp.to.text(), "127.0.0.2:80");
        EXPECT_EQ(r.tcp.sequence, 0xdeadbeef);
        EXPECT_EQ(r.tcp.acknowledgement, 42u);
        EXPECT_EQ(r.tcp.window, 512);
        EXPECT_TRUE(r.tcp.ack && r.tcp.fin && !r.tcp.syn && !r.tcp.rst);
        EXPECT_EQ(r.tcp.frame.number, 7u);
    }
}

TEST(packet, ipv6_is_decoded_through_its_extension_headers) {
    const std::string plain = frame("six", "[::1]:50000", "[2001:db8::2]:80");
    EXPECT_EQ(look(plain).what, decoded::tcp);
    EXPECT_EQ(look(plain).tcp.to.text(), "[2001:db8::2]:80");
    EXPECT_EQ(look(ip_of(plain), link_type::ipv6).what, decoded::tcp);
    EXPECT_EQ(look(std::string("\x1e\0\0\0", 4) + ip_of(plain), link_type::null).what, decoded::tcp);
    // Each kind of header alone, then all of them in a row; an authentication header counts its length in other units.
    const std::map<int, std::string> headers = {{0, std::string(8, '\0')},   {43, std::string("\0\1", 2) + std::string(14, '\0')},
                                                {44, std::string(8, '\0')},  {51, std::string("\0\4", 2) + std::string(22, '\0')},
                                                {60, std::string(8, '\0')},  {135, std::string(8, '\0')},
                                                {139, std::string(8, '\0')}, {140, std::string(8, '\0')}};
    std::string row;
    char next = 6;
    const auto with = [&](const std::string& chain, char first) {
        std::string extended = plain;
        extended[14 + 6] = first;
        extended[14 + 5] = static_cast<char>(extended[14 + 5] + static_cast<char>(chain.size()));
        return extended.insert(14 + 40, chain);
    };
    for (const auto& [number, header] : headers) {
        SCOPED_TRACE(number);
        std::string alone = header;
        alone[0] = 6;
        const std::string extended = with(alone, static_cast<char>(number));
        ASSERT_EQ(look(extended).what, decoded::tcp);
        EXPECT_EQ(look(extended).tcp.payload, "six");
        for (std::size_t cut = 14 + 40; cut < 14 + 40 + header.size(); ++cut)
            EXPECT_EQ(look(extended.substr(0, cut), link_type::ethernet, 200).what, decoded::damaged) << cut;
        row.insert(0, header);
        row[0] = next;
        next = static_cast<char>(number);
    }
    ASSERT_EQ(look(with(row, next)).what, decoded::tcp);
    EXPECT_EQ(look(with(row, next)).tcp.payload, "six");
}

TEST(packet, what_is_no_ip_is_left_alone) {
    const std::string arp = frame("x").replace(12, 2, "\x08\x06");
    EXPECT_EQ(look(arp).what, decoded::other);
    EXPECT_EQ(look(frame("x"), static_cast<link_type>(105)).what, decoded::other);  // 802.11
    EXPECT_EQ(look(std::string("\x81\0", 2), link_type::linux_sll2).what, decoded::damaged);
    EXPECT_EQ(look(frame("x").substr(0, 12) + std::string("\x81\0\0\2\x81\0", 6)).what, decoded::damaged);
}

TEST(packet, fragments_are_left_alone) {
    std::string more = frame("x");
    more[14 + 6] = 0x20;
    EXPECT_EQ(look(more).what, decoded::other);
    more[14 + 6] = 0;
    more[14 + 7] = 5;
    EXPECT_EQ(look(more).what, decoded::other);
}

TEST(packet, what_the_snap_length_cut_off_is_counted) {
    const std::string whole = frame(std::string(100, 'x'));
    const std::string cut = whole.substr(0, whole.size() - 30);
    const result r = look(cut, link_type::ethernet, static_cast<std::uint32_t>(whole.size()));
    ASSERT_EQ(r.what, decoded::tcp);
    EXPECT_EQ(r.tcp.payload.size(), 70u);
    EXPECT_EQ(r.tcp.payload_missing, 30u);
    std::string offloaded = whole;  // total length 0: the network card was to fill it in
    offloaded[14 + 2] = offloaded[14 + 3] = 0;
    EXPECT_EQ(look(offloaded).tcp.payload.size(), 100u);
}

TEST(packet, every_cut_inside_the_headers_is_damaged_and_never_read_beyond) {
    const std::string whole = frame("");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string cut = whole.substr(0, size);
        EXPECT_EQ(look(cut).what, decoded::damaged) << size;
    }
    std::string long_header = whole;
    long_header[14 + 20 + 12] = static_cast<char>(0xf0);
    EXPECT_EQ(look(long_header).what, decoded::damaged);
}

TEST(packet, udp_is_decoded) {
    udp_datagram d;
    d.from = ends("127.0.0.1:5");
    d.to = ends("127.0.0.1:9");
    d.payload = "mark";
    static const std::string data = make_frame(d);
    const result r = look(data);
    ASSERT_EQ(r.what, decoded::udp);
    EXPECT_EQ(r.udp.payload, "mark");
    EXPECT_EQ(r.udp.to.port, 9);
}

TEST(packet, endpoints_are_read_as_they_are_written) {
    for (const char* text : {"127.0.0.1:80", "[::1]:65535", "[2001:db8::1]:0", "255.255.255.255:1"}) EXPECT_EQ(ends(text).text(), text);
    endpoint e;
    for (const char* text :
         {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:8x", "1.2.3:80", "::1:80", "[1.2.3.4]:80", "localhost:80"})
        EXPECT_FALSE(endpoint::parse(text, e)) << text;
}

}  // namespace
}  // namespace badorigin::capture::testing
