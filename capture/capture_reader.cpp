// One pass over the file through a buffer of 1 MiB: read() into a small buffer that stays in the cache is faster than mapping the file, and
// memory does not grow with the capture. Packets are views into that buffer. Both formats are told apart by their first four bytes.
#include "capture/capture_reader.h"

#include <cerrno>
#include <cstring>
#include <limits>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace badorigin::capture {
namespace {

constexpr std::size_t buffer_size = 1u << 20;
constexpr std::uint32_t largest_block = 64u << 20;

constexpr std::uint32_t magic_microseconds = 0xa1b2c3d4, magic_nanoseconds = 0xa1b23c4d;
constexpr std::uint32_t block_section = 0x0a0d0d0a, block_interface = 1, block_old_packet = 2, block_simple = 3, block_enhanced = 6;
constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;

std::uint32_t swapped(std::uint32_t v) {
    return __builtin_bswap32(v);
}

/// seconds × 10⁹ + nanoseconds in modular arithmetic: a damaged file may hold anything.
nanoseconds time_of(std::uint64_t seconds, std::uint64_t fraction_ns) {
    return nanoseconds(static_cast<std::int64_t>(seconds * 1'000'000'000u + fraction_ns));
}

struct interface {
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

}  // namespace

struct capture_reader::state {
    int file = -1;
    std::vector<char> buffer;
    const char* begin = nullptr;  // what is read and not yet consumed
    const char* end = nullptr;
    std::uint64_t offset = 0;  // of `begin` in the file
    bool at_end = false;
    std::string damage;

    bool next_generation = false;  // pcapng
    bool swap = false;
    frame_number frames = 0;
    // pcap
    link_type link = link_type::ethernet;
    bool in_nanoseconds = false;
    // pcapng
    std::vector<interface> interfaces;

    state() = default;
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
        if (file >= 0) ::close(file);
    }

    /// Makes `count` bytes available at `begin`; false when the file has fewer.
    bool need(std::size_t count) {
        if (static_cast<std::size_t>(end - begin) >= count) return true;
        return refill(count);
    }
    bool refill(std::size_t count) {
        if (file < 0 || at_end) return false;
        std::size_t have = static_cast<std::size_t>(end - begin);
        if (count > buffer.size()) {
            std::vector<char> larger(std::max<std::size_t>(count, buffer_size));
            if (have) std::memcpy(larger.data(), begin, have);
            buffer.swap(larger);
        } else if (have) {
            std::memmove(buffer.data(), begin, have);
        }
        begin = buffer.data();
        while (have < count) {
            const ssize_t got = ::read(file, buffer.data() + have, buffer.size() - have);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) damage = fmt::format("reading failed at byte {}: {}", offset + have, std::strerror(errno));
            if (got <= 0) {
                at_end = true;
                break;
            }
            have += static_cast<std::size_t>(got);
        }
        end = begin + have;
        return have >= count;
    }
    void consume(std::size_t count) {
        begin += count;
        offset += count;
    }
    std::uint32_t u32(std::size_t at) const {
        std::uint32_t v;
        std::memcpy(&v, begin + at, sizeof v);
        return swap ? swapped(v) : v;
    }
    std::uint16_t u16(std::size_t at) const {
        std::uint16_t v;
        std::memcpy(&v, begin + at, sizeof v);
        return swap ? __builtin_bswap16(v) : v;
    }
    std::optional<raw_packet> stop(std::string why) {
        if (damage.empty()) damage = std::move(why);
        at_end = true;
        end = begin;
        return {};
    }

    std::string begin_reading();
    std::optional<raw_packet> next_pcap();
    std::optional<raw_packet> next_pcapng();
    bool section();
    bool add_interface(std::size_t length);
    std::optional<raw_packet> packet_in(std::uint32_t type, std::size_t length);
    raw_packet make(const interface& from, nanoseconds time, std::size_t at, std::uint32_t captured, std::uint32_t original) {
        return {
            .frame = {++frames, time}, .link = from.link, .original_length = std::max(captured, original), .data = {begin + at, captured}};
    }
};

/// Recognises the format; a sentence when it is none.
std::string capture_reader::state::begin_reading() {
    if (!need(4)) return "is neither a pcap nor a pcapng capture (shorter than 4 bytes)";
    std::uint32_t magic;
    std::memcpy(&magic, begin, sizeof magic);
    if (magic == block_section) {
        next_generation = true;
        return {};
    }
    for (const bool other_order : {false, true}) {
        const std::uint32_t m = other_order ? swapped(magic) : magic;
        if (m != magic_microseconds && m != magic_nanoseconds) continue;
        swap = other_order;
        in_nanoseconds = m == magic_nanoseconds;
        if (!need(24)) return "is a pcap capture cut off inside its header";
        link = static_cast<link_type>(u32(20) & 0x03ffffffu);
        consume(24);
        return {};
    }
    return "is neither a pcap nor a pcapng capture";
}

std::optional<raw_packet> capture_reader::state::next_pcap() {
    if (!need(16)) {
        if (begin != end) return stop(fmt::format("the file ends inside the header of packet {}, at byte {}", frames + 1, offset));
        return {};
    }
    const std::uint32_t seconds = u32(0), fraction = u32(4), captured = u32(8), original = u32(12);
    if (captured > largest_block)
        return stop(fmt::format("packet {} at byte {} claims {} bytes, which is no sane length", frames + 1, offset, captured));
    if (!need(16u + captured)) return stop(fmt::format("the file ends inside packet {}, which begins at byte {}", frames + 1, offset));
    interface from;
    from.link = link;
    const raw_packet packet = make(from, time_of(seconds, in_nanoseconds ? fraction : fraction * 1000ull), 16, captured, original);
    consume(16u + captured);
    return packet;
}

/// A section header stands at `begin`: takes its byte order; interfaces are numbered anew.
bool capture_reader::state::section() {
    if (!need(12)) return false;
    std::uint32_t order;
    std::memcpy(&order, begin + 8, sizeof order);
    if (order != byte_order_magic && swapped(order) != byte_order_magic) {
        stop(fmt::format("the section header at byte {} has no byte-order magic", offset));
        return false;
    }
    swap = order != byte_order_magic;
    interfaces.clear();
    return true;
}

bool capture_reader::state::add_interface(std::size_t length) {
    if (length < 20) return false;
    interface added;
    added.link = static_cast<link_type>(u16(8));
    added.snap_length = u32(12);
    for (std::size_t at = 16; at + 4 <= length - 4;) {
        const std::uint16_t code = u16(at), size = u16(at + 2);
        if (code == 0 || at + 4 + size > length - 4) break;
        constexpr std::uint16_t if_tsresol = 9, if_tsoffset = 14;
        if (code == if_tsresol && size >= 1) added.resolution = static_cast<std::uint8_t>(begin[at + 4]);
        if (code == if_tsoffset && size >= 8) {
            std::uint64_t v;
            std::memcpy(&v, begin + at + 4, sizeof v);
            added.offset_seconds = static_cast<std::int64_t>(swap ? __builtin_bswap64(v) : v);
        }
        at += 4u + ((size + 3u) & ~3u);
    }
    interfaces.push_back(added);
    return true;
}

/// The packet of the block at `begin`, nothing where its lengths do not fit.
std::optional<raw_packet> capture_reader::state::packet_in(std::uint32_t type, std::size_t length) {
    if (type == block_simple) {
        if (length < 16 || interfaces.empty()) return {};
        const std::uint32_t original = u32(8);
        std::uint32_t captured = std::min<std::uint32_t>(original, static_cast<std::uint32_t>(length - 16));
        if (interfaces[0].snap_length != 0) captured = std::min(captured, interfaces[0].snap_length);
        return make(interfaces[0], nanoseconds{0}, 12, captured, original);
    }
    if (length < 32) return {};
    const std::size_t id = type == block_enhanced ? u32(8) : u16(8);
    const std::uint64_t units = static_cast<std::uint64_t>(u32(12)) << 32 | u32(16);
    const std::uint32_t captured = u32(20), original = u32(24);
    if (id >= interfaces.size() || captured > length - 32) return {};
    return make(interfaces[id], interfaces[id].time(units), 28, captured, original);
}

std::optional<raw_packet> capture_reader::state::next_pcapng() {
    for (;;) {
        if (!need(12)) {
            if (begin != end) return stop(fmt::format("the file ends inside a block header, at byte {}", offset));
            return {};
        }
        std::uint32_t type;
        std::memcpy(&type, begin, sizeof type);
        if (type == block_section) {
            if (!section()) return {};
        } else if (swap) {
            type = swapped(type);
        }
        const std::uint32_t length = u32(4);
        if (length < 12 || length % 4 != 0 || length > largest_block)
            return stop(fmt::format("the block at byte {} claims {} bytes, which is no sane length", offset, length));
        if (!need(length)) return stop(fmt::format("the file ends inside the block that begins at byte {}", offset));
        if (u32(length - 4) != length) return stop(fmt::format("the block at byte {} has two unlike lengths", offset));
        if (type == block_interface && !add_interface(length))
            return stop(fmt::format("the interface description at byte {} is too short", offset));
        if (type == block_enhanced || type == block_simple || type == block_old_packet) {
            const auto packet = packet_in(type, length);
            if (!packet) return stop(fmt::format("the packet block at byte {} does not fit its lengths or names no interface", offset));
            consume(length);
            return packet;
        }
        consume(length);
    }
}

capture_reader::capture_reader(std::unique_ptr<state> s) : state_(std::move(s)) {}
capture_reader::capture_reader(capture_reader&&) noexcept = default;
capture_reader& capture_reader::operator=(capture_reader&&) noexcept = default;
capture_reader::~capture_reader() = default;

std::expected<capture_reader, std::string> capture_reader::open(const std::string& file) {
    auto s = std::make_unique<state>();
    s->file = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (s->file < 0) return std::unexpected(file + ": " + std::strerror(errno));
    s->buffer.resize(buffer_size);
    s->begin = s->end = s->buffer.data();
    if (auto wrong = s->begin_reading(); !wrong.empty())
        return std::unexpected(s->damage.empty() ? file + " " + wrong : file + ": " + s->damage);
    return capture_reader(std::move(s));
}

std::expected<capture_reader, std::string> capture_reader::from_memory(std::string_view bytes) {
    auto s = std::make_unique<state>();
    s->begin = bytes.data();
    s->end = bytes.data() + bytes.size();
    if (auto wrong = s->begin_reading(); !wrong.empty()) return std::unexpected("this " + wrong);
    return capture_reader(std::move(s));
}

std::optional<raw_packet> capture_reader::next() {
    return state_->next_generation ? state_->next_pcapng() : state_->next_pcap();
}
const std::string& capture_reader::damage() const {
    return state_->damage;
}
std::uint64_t capture_reader::bytes_read() const {
    return state_->offset;
}

}  // namespace badorigin::capture
