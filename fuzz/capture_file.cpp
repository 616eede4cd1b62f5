// Capture files of any content: the reader stays inside the file, ends, and says what it lost. What it sees does not depend on whether the
// file is packed.
#include <cstdlib>
#include <string>
#include <vector>

#include <zlib.h>

#include "capture/capture_reader.h"

using namespace badorigin::capture;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

struct seen {
    std::vector<std::string> packets;
    capture_losses losses;
};

seen read(std::string_view file, bool plain) {
    seen all;
    auto reader = capture_reader::from_memory(file);
    if (!reader) return all;
    while (const auto packet = reader->next()) {
        require(packet->frame.number == all.packets.size() + 1);
        require(packet->original_length >= packet->data.size());
        if (plain && !packet->data.empty())
            require(packet->data.data() >= file.data() && packet->data.data() + packet->data.size() <= file.data() + file.size());
        tcp_segment tcp;
        udp_datagram udp;
        const auto what = static_cast<char>(decode(*packet, tcp, udp));
        all.packets.push_back(what + std::to_string(packet->frame.time.count()) + std::string(packet->data));
    }
    require(!reader->next());
    all.losses = reader->losses();
    require(reader->damage().empty() == (all.losses.places == 0));
    require(reader->bytes_read() <= reader->size());
    if (plain) {
        require(all.losses.bytes <= file.size());
        require(reader->bytes_read() == file.size());  // no input is so long that the search gives up
    }
    return all;
}

std::string gzip(std::string_view content) {
    z_stream s{};
    require(deflateInit2(&s, 0, Z_DEFLATED, MAX_WBITS + 16, 1, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&s, content.size()) + 64, '\0');
    s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    s.avail_in = static_cast<uInt>(content.size());
    s.next_out = reinterpret_cast<Bytef*>(out.data());
    s.avail_out = static_cast<uInt>(out.size());
    require(deflate(&s, Z_FINISH) == Z_STREAM_END);
    out.resize(s.total_out);
    deflateEnd(&s);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    const bool packed = size >= 4 && ((data[0] == 0x1f && data[1] == 0x8b) || (data[1] == 0xb5 && data[2] == 0x2f) || data[1] == 0x2a);
    const seen plain = read(file, !packed);
    if (packed || plain.packets.empty()) return 0;
    const seen again = read(gzip(file), false);
    require(plain.packets == again.packets);
    require(plain.losses.places == again.losses.places && plain.losses.bytes == again.losses.bytes &&
            plain.losses.first_offset == again.losses.first_offset);
    return 0;
}
