// Capture files, read packet by packet: pcap (both byte orders, micro- and nanoseconds) and pcapng (several sections and interfaces).
#pragma once

#include <cstdio>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/packet.h"

namespace badorigin::capture {

class capture_reader {
public:
    static std::expected<capture_reader, std::string> open(const std::string& file);
    /// Reads from memory (tests, fuzzing); the bytes must outlive the reader.
    static std::expected<capture_reader, std::string> from_memory(std::string_view bytes);
    capture_reader(capture_reader&&) noexcept;
    capture_reader& operator=(capture_reader&&) noexcept;
    ~capture_reader();

    /// The next packet, valid until the next call; nothing at the end. A damaged or truncated file is read as far as it goes.
    std::optional<raw_packet> next();
    /// What was wrong, when reading ended before the file did: a sentence with the byte offset; empty otherwise.
    const std::string& damage() const;
    std::uint64_t bytes_read() const;

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
