// What is read of a capture and not yet consumed. A file is read through a buffer of 1 MiB: a small buffer that stays in the cache is
// faster than mapping the file, and memory does not grow with the capture. Packets are views into that buffer.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "capture/byte_source.h"

namespace badorigin::capture {

class read_window {
public:
    explicit read_window(byte_source source) : source_(std::move(source)) {}
    /// Bytes that lie in memory as they are: nothing is copied.
    explicit read_window(std::string_view memory) : begin_(memory.data()), end_(memory.data() + memory.size()), at_end_(true) {}

    const char* begin() const { return begin_; }
    std::size_t have() const { return static_cast<std::size_t>(end_ - begin_); }
    /// Of begin() in the (unpacked) capture.
    std::uint64_t offset() const { return offset_; }
    /// Nothing more can be had than have().
    bool at_end() const { return at_end_; }
    /// Where the bytes come from; nothing: memory.
    byte_source* source() { return source_ ? &*source_ : nullptr; }
    const byte_source* source() const { return source_ ? &*source_ : nullptr; }

    /// Makes `count` bytes available at begin(); false when fewer follow.
    bool need(std::size_t count) { return have() >= count || refill(count); }
    void consume(std::size_t count) {
        begin_ += count;
        offset_ += count;
    }
    /// The source goes on behind damage: what was left of the bytes before is gone.
    void part_follows() {
        consume(have());
        at_end_ = false;
    }

    std::uint32_t u32(std::size_t at, bool swap) const {
        std::uint32_t v;
        std::memcpy(&v, begin_ + at, sizeof v);
        return swap ? __builtin_bswap32(v) : v;
    }
    std::uint16_t u16(std::size_t at, bool swap) const {
        std::uint16_t v;
        std::memcpy(&v, begin_ + at, sizeof v);
        return swap ? __builtin_bswap16(v) : v;
    }

private:
    static constexpr std::size_t buffer_size = 1u << 20;

    bool refill(std::size_t count) {
        if (at_end_) return false;
        std::size_t have_now = have();
        if (count > buffer_.size()) {
            std::vector<char> larger(std::max<std::size_t>(count, buffer_size));
            if (have_now) std::memcpy(larger.data(), begin_, have_now);
            buffer_.swap(larger);
        } else if (have_now) {
            std::memmove(buffer_.data(), begin_, have_now);
        }
        begin_ = buffer_.data();
        while (have_now < count) {
            const std::size_t got = source_->read(buffer_.data() + have_now, buffer_.size() - have_now);
            if (got == 0) {
                at_end_ = true;
                break;
            }
            have_now += got;
        }
        end_ = begin_ + have_now;
        return have_now >= count;
    }

    std::optional<byte_source> source_;
    std::vector<char> buffer_;
    const char* begin_ = nullptr;
    const char* end_ = nullptr;
    std::uint64_t offset_ = 0;
    bool at_end_ = false;
};

}  // namespace badorigin::capture
