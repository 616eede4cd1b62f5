#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "capture/capture_reader.h"

namespace badorigin::capture {
namespace {

constexpr std::size_t buffer_size = 1u << 20;

void put32(std::vector<char>& into, std::uint32_t v) {
    char bytes[4];
    std::memcpy(bytes, &v, sizeof v);
    into.insert(into.end(), bytes, bytes + 4);
}
void put16(std::vector<char>& into, std::uint16_t v) {
    char bytes[2];
    std::memcpy(bytes, &v, sizeof v);
    into.insert(into.end(), bytes, bytes + 2);
}

}  // namespace

struct pcapng_writer::state {
    std::string name;
    int file = -1;
    std::vector<char> buffer;
    std::string error;
    frame_number written = 0;

    state() = default;
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
        drain();
        if (file >= 0) ::close(file);
    }

    void drain() {
        std::size_t done = 0;
        while (error.empty() && done < buffer.size()) {
            const ssize_t wrote = ::write(file, buffer.data() + done, buffer.size() - done);
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote < 0) {
                error = name + ": " + std::strerror(errno);
                break;
            }
            done += static_cast<std::size_t>(wrote);
        }
        buffer.clear();
    }
    void head(link_type link, std::uint32_t snap_length) {
        // Section header: type, length, byte-order magic, version 1.0, section length unknown.
        for (const std::uint32_t v : {0x0a0d0d0au, 28u, 0x1a2b3c4du, 1u, 0xffffffffu, 0xffffffffu, 28u}) put32(buffer, v);
        // Interface description with if_tsresol = 9 (nanoseconds).
        put32(buffer, 1);
        put32(buffer, 32);
        put16(buffer, static_cast<std::uint16_t>(link));
        put16(buffer, 0);
        put32(buffer, snap_length);
        put16(buffer, 9);
        put16(buffer, 1);
        put32(buffer, 9);
        put32(buffer, 0);  // end of options
        put32(buffer, 32);
    }
};

pcapng_writer::pcapng_writer(std::unique_ptr<state> s) : state_(std::move(s)) {}
pcapng_writer::pcapng_writer(pcapng_writer&&) noexcept = default;
pcapng_writer& pcapng_writer::operator=(pcapng_writer&&) noexcept = default;
pcapng_writer::~pcapng_writer() = default;

std::expected<pcapng_writer, std::string> pcapng_writer::create(const std::string& file, link_type link, std::uint32_t snap_length) {
    auto s = std::make_unique<state>();
    s->name = file;
    s->file = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (s->file < 0) return std::unexpected(file + ": " + std::strerror(errno));
    s->buffer.reserve(buffer_size + (1u << 17));
    s->head(link, snap_length);
    return pcapng_writer(std::move(s));
}

void pcapng_writer::write(const raw_packet& packet) {
    state& s = *state_;
    if (!s.error.empty()) return;
    const auto captured = static_cast<std::uint32_t>(packet.data.size());
    const std::uint32_t padding = (4 - captured % 4) % 4, length = 32 + captured + padding;
    const auto units = static_cast<std::uint64_t>(packet.frame.time.count());
    const std::uint32_t head[7] = {6,
                                   length,
                                   0,
                                   static_cast<std::uint32_t>(units >> 32),
                                   static_cast<std::uint32_t>(units),
                                   captured,
                                   std::max(captured, packet.original_length)};
    const char* bytes = reinterpret_cast<const char*>(head);
    s.buffer.insert(s.buffer.end(), bytes, bytes + sizeof head);
    s.buffer.insert(s.buffer.end(), packet.data.begin(), packet.data.end());
    s.buffer.insert(s.buffer.end(), padding, '\0');
    put32(s.buffer, length);
    ++s.written;
    if (s.buffer.size() >= buffer_size) s.drain();
}

void pcapng_writer::flush() {
    state_->drain();
}
const std::string& pcapng_writer::error() const {
    return state_->error;
}
frame_number pcapng_writer::written() const {
    return state_->written;
}

}  // namespace badorigin::capture
