// Packets of any content through decoding and reassembly into exchanges. The input is a row of records: a byte of flags, a byte of length
// in units of four, the packet. The first flag decides the link layer; odd flags repeat or hold back the packet, as networks do,
// or give exchanges back to be used again.
#include <cstdlib>
#include <string>
#include <vector>

#include "capture/streams.h"

using namespace badorigin::capture;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr link_type links[] = {link_type::ethernet, link_type::raw,       link_type::null,
                                          link_type::loop,     link_type::linux_sll, link_type::linux_sll2};
    std::uint64_t given_out = 0, begun = 0;
    std::vector<std::shared_ptr<exchange>> over;
    stream_table table(
        {{"127.0.0.1:80", "proxy"}}, [&](std::shared_ptr<connection> c) { begun += c->exchanges; },
        [&](std::shared_ptr<exchange> e) {
            ++given_out;
            over.push_back(std::move(e));
        },
        {.out_of_order_bytes = 4096, .http = {.header_bytes = 1024, .keep_content = 64}});
    frame_number number = 0;
    std::string held;
    const auto feed = [&](std::string_view bytes, std::uint8_t flags) {
        raw_packet packet;
        packet.link = links[flags % std::size(links)];
        packet.data = bytes;
        packet.original_length = static_cast<std::uint32_t>(bytes.size()) + (flags & 0x40 ? 16 : 0);
        packet.frame = {++number, std::chrono::milliseconds(number * (flags & 0x20 ? 100 : 1))};
        tcp_segment tcp;
        udp_datagram udp;
        if (decode(packet, tcp, udp) == decoded::tcp) table.feed(tcp);
        for (std::shared_ptr<exchange>& e : over)
            if (e.use_count() == 1 && (flags & 0x10) != 0) table.take_back(std::move(e));  // to be used again
        over.clear();
    };
    while (size >= 2) {
        const std::uint8_t flags = data[0];
        const std::size_t length = std::min<std::size_t>(data[1] * 4u, size - 2);
        const std::string_view bytes(reinterpret_cast<const char*>(data + 2), length);
        data += 2 + length;
        size -= 2 + length;
        if (flags & 0x80) {
            held = bytes;
            continue;
        }
        feed(bytes, flags);
        if (!held.empty()) feed(held, flags);
        held.clear();
    }
    table.finish();
    if (given_out != begun || table.open_streams() != 0) std::abort();  // no exchange is lost or told twice
    return 0;
}
