#include "capture/capture_format.h"

#include "capture/read_window.h"

namespace badorigin::capture {

interface_description read_interface(std::string_view block, bool swap) {
    const read_window window(block);
    interface_description added;
    added.link = static_cast<link_type>(window.u16(8, swap));
    added.snap_length = window.u32(12, swap);
    const std::size_t end = block.size() - 4;  // the length stands once more behind the options
    for (std::size_t at = 16; at + 4 <= end;) {
        const std::uint16_t code = window.u16(at, swap), size = window.u16(at + 2, swap);
        if (code == 0 || at + 4 + size > end) break;
        constexpr std::uint16_t if_tsresol = 9, if_tsoffset = 14;
        if (code == if_tsresol && size >= 1) added.resolution = static_cast<std::uint8_t>(block[at + 4]);
        if (code == if_tsoffset && size >= 8) {
            std::uint64_t v;
            std::memcpy(&v, block.data() + at + 4, sizeof v);
            added.offset_seconds = static_cast<std::int64_t>(swap ? __builtin_bswap64(v) : v);
        }
        at += 4u + ((size + 3u) & ~3u);
    }
    return added;
}

}  // namespace badorigin::capture
