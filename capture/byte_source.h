// The bytes of a capture file in their order, unpacked where it is gzip or zstd (by its first bytes, whatever its name).
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace badorigin::capture {

/// Several gzip members and zstd frames may stand one after the other. Memory does not grow with the file: gzip needs 32 KiB of what it
/// unpacked, zstd as much as the frame asks for, at most 128 MiB (more is refused as damage).
class byte_source {
public:
    static std::expected<byte_source, std::string> open(const std::string& file);
    /// The bytes must outlive the source.
    static byte_source from_memory(std::string_view bytes);
    byte_source(byte_source&&) noexcept;
    byte_source& operator=(byte_source&&) noexcept;
    ~byte_source();

    /// How many bytes were put at `into`, at most `size` and at least one; 0: none follow, see trouble().
    std::size_t read(char* into, std::size_t size);
    /// Why the bytes ended before the file did (or too early): a sentence with the offset in the file; empty otherwise.
    const std::string& trouble() const;
    /// After trouble: looks for the next member or frame behind the damage, so that read() goes on there. `skipped` becomes the number of
    /// the file's bytes in between. False: there is none.
    bool go_on(std::uint64_t& skipped);

    bool packed() const;
    /// How much of the file (as it is stored) was used so far; its size, 0 where it has none (a pipe).
    std::uint64_t position() const;
    std::uint64_t size() const;

private:
    struct state;
    explicit byte_source(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

}  // namespace badorigin::capture
