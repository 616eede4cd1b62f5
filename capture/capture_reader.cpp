// Records of pcap and blocks of pcapng, in one pass. Where one is damaged, the next place is looked for that only packets look like: the
// head of a capture, a block with two like lengths, or a run of sane record headers. What lies between is lost, and counted.
#include "capture/capture_reader.h"

#include <fmt/format.h>

#include "capture/capture_format.h"
#include "capture/read_window.h"

namespace badorigin::capture {
namespace {

constexpr std::uint64_t search_distance = 16u << 20;
constexpr std::size_t records_in_a_run = 3;
constexpr std::size_t search_ahead = records_in_a_run * (record_head + largest_packet) + pcap_head;  // seen from each place that is tried

}  // namespace

struct capture_reader::state {
    enum class found : std::uint8_t { packet, nothing, damage, end };

    read_window window;
    bool next_generation = false;  // pcapng
    bool swap = false;
    bool gave_up = false;
    frame_number frames = 0;
    capture_losses losses;
    // pcap
    interface_description whole_file;
    bool in_nanoseconds = false;
    // pcapng
    std::vector<interface_description> interfaces;

    template <typename From>
    explicit state(From from) : window(std::move(from)) {}

    std::uint32_t u32(std::size_t at) const { return window.u32(at, swap); }
    std::uint16_t u16(std::size_t at) const { return window.u16(at, swap); }

    std::string begin_reading();
    std::string recognise();
    std::optional<raw_packet> next();
    bool head_at(std::size_t at) const;
    bool pcap_magic_at(std::size_t at, bool& other_order, bool& ns) const;
    void take_pcap_head();
    found record(std::optional<raw_packet>& packet);
    bool sane_record(std::size_t at) const;
    bool fraction_in_range(std::size_t at) const;
    bool possible_record(std::size_t at) const;
    bool odd_record_fits();
    found damaged_record();
    bool head_within(std::size_t length);
    found block(std::optional<raw_packet>& packet);
    bool block_cut_by_the_end(std::uint32_t type, std::size_t length) const;
    bool take_section();
    std::optional<raw_packet> packet_in(std::uint32_t type, std::size_t length);
    raw_packet make(const interface_description& from, nanoseconds time, std::size_t at, std::uint32_t captured, std::uint32_t original) {
        return {.frame = {++frames, time},
                .link = from.link,
                .original_length = std::max(captured, original),
                .data = {window.begin() + at, captured}};
    }

    found damaged(std::string what);
    found ended(std::string where);
    void lose(std::size_t count) {
        losses.bytes += count;
        window.consume(count);
    }
    bool next_part();
    bool search();
    bool packets_at(std::size_t at) const;
    bool run_at(std::size_t at) const;
    bool block_at(std::size_t at) const;
};

std::optional<raw_packet> capture_reader::state::next() {
    std::optional<raw_packet> packet;
    while (!gave_up) {
        switch (next_generation ? block(packet) : record(packet)) {
            case found::packet:
                return packet;
            case found::nothing:
                break;
            case found::damage:
                if (!search()) gave_up = true;
                break;
            case found::end:
                if (!next_part() || !search()) gave_up = true;
        }
    }
    return {};
}

/// The magic of pcap at `at`; four bytes have to be there.
bool capture_reader::state::pcap_magic_at(std::size_t at, bool& other_order, bool& ns) const {
    for (const bool order : {false, true}) {
        const std::uint32_t m = window.u32(at, order);
        if (m != magic_microseconds && m != magic_nanoseconds) continue;
        other_order = order;
        ns = m == magic_nanoseconds;
        return true;
    }
    return false;
}

/// Does another capture begin here?
bool capture_reader::state::head_at(std::size_t at) const {
    bool order = false, ns = false;
    if (window.have() < at + smallest_block || !begins_capture(window.u32(at, false))) return false;
    if (window.u32(at, false) == block_section) {
        const std::uint32_t magic = window.u32(at + 8, false);
        return magic == byte_order_magic || magic == __builtin_bswap32(byte_order_magic);
    }
    return window.have() >= at + pcap_head && pcap_magic_at(at, order, ns) && window.u16(at + 4, order) == 2;
}

/// 24 bytes with a magic stand at the window's begin.
void capture_reader::state::take_pcap_head() {
    pcap_magic_at(0, swap, in_nanoseconds);
    next_generation = false;
    whole_file.link = static_cast<link_type>(u32(20) & 0x03ffffffu);
    const std::uint32_t snap_length = u32(16);
    whole_file.snap_length = snap_length > largest_packet && snap_length <= largest_block ? snap_length : largest_packet;
    window.consume(pcap_head);
}

/// The rest of a sentence when it is no capture. Behind damaged gzip or zstd data one may follow.
std::string capture_reader::state::begin_reading() {
    for (;;) {
        const std::string wrong = recognise(), trouble = window.source() ? window.source()->trouble() : "";
        if (wrong.empty() || trouble.empty()) return wrong.empty() ? wrong : " " + wrong;
        ended(wrong);
        if (!next_part()) return ": " + trouble;
    }
}

std::string capture_reader::state::recognise() {
    if (!window.need(4)) return "is neither a pcap nor a pcapng capture (shorter than 4 bytes)";
    bool order = false, ns = false;
    if (window.u32(0, false) == block_section) {
        next_generation = true;
        return {};
    }
    if (!pcap_magic_at(0, order, ns)) return "is neither a pcap nor a pcapng capture";
    if (!window.need(pcap_head)) return "is a pcap capture cut off inside its header";
    take_pcap_head();
    return {};
}

bool capture_reader::state::fraction_in_range(std::size_t at) const {
    return u32(at + 4) < (in_nanoseconds ? 1'000'000'000u : 1'000'000u);
}

/// Lengths and time of a record's header are such as capturing programs write.
bool capture_reader::state::sane_record(std::size_t at) const {
    const std::uint32_t captured = u32(at + 8), original = u32(at + 12);
    return possible_record(at) && (captured == original || captured == whole_file.snap_length) && fraction_in_range(at);
}

/// It may be one nevertheless: cut shorter than the head says, longer than on the wire, a whole second of microseconds. (Zeros throughout
/// are what a crash leaves in a file.)
bool capture_reader::state::possible_record(std::size_t at) const {
    const std::uint32_t captured = u32(at + 8), original = u32(at + 12);
    return captured != 0 && captured <= whole_file.snap_length && original <= largest_block;
}

/// An odd header is believed where its length leads to another one, or to the end.
bool capture_reader::state::odd_record_fits() {
    if (!possible_record(0)) return false;
    const std::size_t length = record_head + u32(8);
    if (!window.need(length)) return false;
    if (!window.need(length + pcap_head) && window.have() < length + record_head) return window.have() == length;
    return possible_record(length) || head_at(length);
}

capture_reader::state::found capture_reader::state::damaged_record() {
    const std::uint32_t captured = u32(8);
    if (captured > whole_file.snap_length)
        return damaged(fmt::format("packet {} claims {} bytes, which is no sane length", frames + 1, captured));
    if (possible_record(0) && window.at_end() && window.have() < record_head + captured)
        return damaged(fmt::format("the file ends inside packet {}", frames + 1));
    return damaged(fmt::format("the header of packet {} is none", frames + 1));
}

/// Behind a capture that was cut short another one may have been put: its head lies inside the last record.
bool capture_reader::state::head_within(std::size_t length) {
    window.need(length + pcap_head);
    for (std::size_t at = record_head; at < length; ++at)
        if (head_at(at)) return !head_at(length);
    return false;
}

capture_reader::state::found capture_reader::state::record(std::optional<raw_packet>& packet) {
    if (!window.need(record_head)) return ended(fmt::format("the file ends inside the header of packet {}", frames + 1));
    if (!sane_record(0)) [[unlikely]] {
        window.need(pcap_head);
        if (head_at(0)) {
            next_generation = window.u32(0, false) == block_section;
            if (!next_generation) take_pcap_head();
            return found::nothing;
        }
        if (!odd_record_fits()) return damaged_record();
    }
    const std::uint32_t seconds = u32(0), fraction = u32(4), captured = u32(8), original = u32(12);
    const std::size_t length = record_head + captured;
    if (window.need(length + record_head)) {
        if (!sane_record(length) && !possible_record(length) && head_within(length)) [[unlikely]]
            return damaged(fmt::format("another capture begins inside packet {}", frames + 1));
    } else if (window.have() < length) {
        return ended(fmt::format("the file ends inside packet {}", frames + 1));
    }
    packet = make(whole_file, time_of(seconds, in_nanoseconds ? fraction : fraction * 1000ull), record_head, captured, original);
    window.consume(length);
    return found::packet;
}

/// A section header stands at the window's begin: takes its byte order; interfaces are numbered anew.
bool capture_reader::state::take_section() {
    const std::uint32_t order = window.u32(8, false);
    if (order != byte_order_magic && __builtin_bswap32(order) != byte_order_magic) return false;
    swap = order != byte_order_magic;
    interfaces.clear();
    return true;
}

/// The packet of the block at the window's begin, nothing where its lengths do not fit.
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

/// Is it the file's end that makes this block incomplete? Where a packet's length does not fit the block's, the latter is wrong.
bool capture_reader::state::block_cut_by_the_end(std::uint32_t type, std::size_t length) const {
    if (type != block_section && !known_block(type)) return false;
    if (type != block_enhanced || window.have() < 28) return length <= largest_packet;
    const std::size_t needed = 32u + ((static_cast<std::size_t>(u32(20)) + 3u) & ~std::size_t{3});
    return needed <= length && length - needed <= 65536;  // options
}

capture_reader::state::found capture_reader::state::block(std::optional<raw_packet>& packet) {
    if (!window.need(smallest_block)) return ended("the file ends inside a block header");
    std::uint32_t type = window.u32(0, false);
    bool order = false, ns = false;
    if (type == block_section) {
        if (!take_section()) return damaged("the section header has no byte-order magic");
    } else if (type = u32(0); !known_block(type) && pcap_magic_at(0, order, ns)) {
        if (!window.need(pcap_head)) return ended("the file ends inside the header of a pcap capture");
        take_pcap_head();
        return found::nothing;
    }
    const std::uint32_t length = u32(4);
    if (length < smallest_block || length % 4 != 0 || length > largest_block)
        return damaged(fmt::format("the block claims {} bytes, which is no sane length", length));
    if (!window.need(length)) {
        if (block_cut_by_the_end(type, length)) return ended("the file ends inside the block");
        return damaged(fmt::format("the block claims {} bytes, more than follow", length));
    }
    if (u32(length - 4) != length) return damaged("the block has two unlike lengths");
    const bool of_packet = type == block_enhanced || type == block_simple || type == block_old_packet;
    if (of_packet) packet = packet_in(type, length);
    if ((of_packet && !packet) || (type == block_interface && length < 20)) {
        damaged(of_packet ? "the packet block does not fit its lengths or names no interface" : "the interface description is too short");
        lose(length - 1);
        return found::nothing;
    }
    if (type == block_interface) interfaces.push_back(read_interface({window.begin(), length}, swap));
    window.consume(length);
    return of_packet ? found::packet : found::nothing;
}

/// What stands at the window's begin cannot be read; its first byte is passed over, so that reading ends.
capture_reader::state::found capture_reader::state::damaged(std::string what) {
    if (losses.places++ == 0) {
        losses.first_offset = window.offset();
        losses.first = fmt::format("{}, at byte {}", what, window.offset());
    }
    lose(1);
    return found::damage;
}

/// Fewer bytes follow than are needed; that is the good end where none follow and the source has nothing to say.
capture_reader::state::found capture_reader::state::ended(std::string where) {
    const bool trouble = window.source() && !window.source()->trouble().empty();
    if (window.have() == 0 && !trouble) return found::end;
    if (losses.places++ == 0) {
        losses.first_offset = window.offset();
        losses.first = trouble ? window.source()->trouble() : fmt::format("{}, at byte {}", where, window.offset());
    }
    lose(window.have());
    return found::end;
}

/// Behind damaged gzip or zstd data the next member or frame may follow.
bool capture_reader::state::next_part() {
    std::uint64_t skipped = 0;
    const bool more = window.source() && window.source()->go_on(skipped);
    losses.bytes += skipped;
    if (more) window.part_follows();
    return more;
}

bool capture_reader::state::run_at(std::size_t at) const {
    constexpr std::uint32_t longest_pause = 24 * 3600;
    std::uint32_t before = 0;
    for (std::size_t sane = 0; sane < records_in_a_run; ++sane) {
        if (at == window.have()) return sane > 0;
        if (at + record_head > window.have()) return sane > 1;
        const std::uint32_t seconds = u32(at), captured = u32(at + 8);
        if (captured > u32(at + 12) || captured > largest_packet || !possible_record(at) || !fraction_in_range(at))
            return sane > 0 && head_at(at);
        if (sane > 0 && std::max(seconds, before) - std::min(seconds, before) > longest_pause) return false;
        before = seconds;
        at += record_head + captured;
        if (at > window.have()) return sane > 0;
    }
    return true;
}

bool capture_reader::state::block_at(std::size_t at) const {
    if (window.have() < at + smallest_block || !known_block(u32(at))) return false;
    const std::uint32_t length = u32(at + 4);
    return length >= smallest_block && length % 4 == 0 && length <= window.have() - at && u32(at + length - 4) == length;
}

bool capture_reader::state::packets_at(std::size_t at) const {
    return head_at(at) || (next_generation ? block_at(at) : run_at(at));
}

/// Passes over what is damaged; false: nothing readable within reach, what follows is lost too. At the file's end the window is empty.
bool capture_reader::state::search() {
    for (const std::uint64_t from = window.offset(); window.offset() - from < search_distance;) {
        window.need(search_ahead);
        if (window.have() == 0) return true;
        const std::size_t stop = std::min<std::size_t>(window.at_end() ? window.have() : window.have() - search_ahead + 1, search_distance);
        for (std::size_t at = 0; at < stop; ++at) {
            if (!packets_at(at)) continue;
            lose(at);
            return true;
        }
        lose(stop);
    }
    losses.first += fmt::format(" (and nothing readable within {} MiB of byte {}: the rest is left out)", search_distance >> 20,
                                window.offset() - search_distance);
    lose(window.have());
    if (const byte_source* file = window.source(); file && !file->packed() && file->size() > window.offset())
        losses.bytes += file->size() - window.offset();
    return false;
}

capture_reader::capture_reader(std::unique_ptr<state> s) : state_(std::move(s)) {}
capture_reader::capture_reader(capture_reader&&) noexcept = default;
capture_reader& capture_reader::operator=(capture_reader&&) noexcept = default;
capture_reader::~capture_reader() = default;

std::expected<capture_reader, std::string> capture_reader::open(const std::string& file) {
    auto source = byte_source::open(file);
    if (!source) return std::unexpected(source.error());
    auto s = std::make_unique<state>(std::move(*source));
    if (auto wrong = s->begin_reading(); !wrong.empty()) return std::unexpected(file + wrong);
    return capture_reader(std::move(s));
}

std::expected<capture_reader, std::string> capture_reader::from_memory(std::string_view bytes) {
    auto source = byte_source::from_memory(bytes);
    auto s = source.packed() ? std::make_unique<state>(std::move(source)) : std::make_unique<state>(bytes);
    if (auto wrong = s->begin_reading(); !wrong.empty()) return std::unexpected("this" + wrong);
    return capture_reader(std::move(s));
}

std::optional<raw_packet> capture_reader::next() {
    return state_->next();
}
const capture_losses& capture_reader::losses() const {
    return state_->losses;
}
std::string capture_reader::damage() const {
    const capture_losses& l = state_->losses;
    if (l.places == 0) return {};
    return fmt::format("{}{}; {} bytes are lost", l.first, l.places > 1 ? fmt::format(", and {} more places", l.places - 1) : std::string(),
                       l.bytes);
}
std::uint64_t capture_reader::bytes_read() const {
    const byte_source* source = state_->window.source();
    return source && source->packed() ? source->position() : state_->window.offset();
}
std::uint64_t capture_reader::size() const {
    const byte_source* source = state_->window.source();
    return source ? source->size() : state_->window.offset() + state_->window.have();
}

}  // namespace badorigin::capture
