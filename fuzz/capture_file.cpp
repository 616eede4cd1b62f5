// Capture files of any content: the reader stays inside the file, ends, and says where it stopped.
#include <cstdlib>

#include "capture/capture_reader.h"

using namespace badorigin::capture;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    auto reader = capture_reader::from_memory(file);
    if (!reader) return 0;
    frame_number last = 0;
    while (const auto packet = reader->next()) {
        if (packet->frame.number != ++last) std::abort();
        if (!packet->data.empty() && (packet->data.data() < file.data() || packet->data.data() + packet->data.size() > file.data() + size))
            std::abort();
        tcp_segment tcp;
        udp_datagram udp;
        decode(*packet, tcp, udp);
    }
    if (reader->bytes_read() > size || (reader->bytes_read() != size && reader->damage().empty())) std::abort();
    if (reader->next()) std::abort();
    return 0;
}
