// Capture files, read packet by packet: pcap (both byte orders, micro- and nanoseconds) and pcapng (several sections and interfaces), one
// after the other in a file too (`cat`), plain or packed with gzip or zstd.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/packet.h"

namespace badorigin::capture {

/// What of a capture could not be read.
struct capture_losses {
    std::uint64_t places = 0;        ///< where reading broke off, whether it went on behind or not; 0: nothing is lost
    std::uint64_t bytes = 0;         ///< that no packet came of: passed over, or cut off from their packet at the end
    std::uint64_t first_offset = 0;  ///< of the first place; in what was unpacked, where the file is packed
    std::string first;               ///< what is wrong there
};

class capture_reader {
public:
    static std::expected<capture_reader, std::string> open(const std::string& file);
    /// Reads from memory (tests, fuzzing); the bytes must outlive the reader.
    static std::expected<capture_reader, std::string> from_memory(std::string_view bytes);
    capture_reader(capture_reader&&) noexcept;
    capture_reader& operator=(capture_reader&&) noexcept;
    ~capture_reader();

    /// The next packet, valid until the next call; nothing at the end. Where a file is damaged, reading goes on at the next place within
    /// 16 MiB that looks like packets; frames are numbered on without a gap.
    std::optional<raw_packet> next();
    const capture_losses& losses() const;
    /// The losses in words, without a full stop; empty: none.
    std::string damage() const;
    /// How much of the file (as it is stored) was read so far, and its size (0: it has none, e.g. a pipe): for a progress bar.
    std::uint64_t bytes_read() const;
    std::uint64_t size() const;

private:
    struct state;
    explicit capture_reader(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

/// Writes pcapng with nanosecond time stamps. Every error is kept and told by error(); nothing throws (a full disk is a finding of the
/// caller).
class pcapng_writer {
public:
    static std::expected<pcapng_writer, std::string> create(const std::string& file, link_type link, std::uint32_t snap_length = 262144);
    pcapng_writer(pcapng_writer&&) noexcept;
    pcapng_writer& operator=(pcapng_writer&&) noexcept;
    ~pcapng_writer();
    void write(const raw_packet& packet);
    void flush();
    /// First error ("packets.pcapng: No space left on device"); empty: none.
    const std::string& error() const;
    frame_number written() const;

private:
    struct state;
    explicit pcapng_writer(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

}  // namespace badorigin::capture
