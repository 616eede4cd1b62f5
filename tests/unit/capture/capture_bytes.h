// Capture files made by hand, and what the reader sees in them.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_reader.h"

namespace badorigin::capture::testing {

class bytes {
public:
    explicit bytes(bool big) : big_(big) {}
    bytes& u16(std::uint16_t v) { return put(v, 2); }
    bytes& u32(std::uint32_t v) { return put(v, 4); }
    bytes& u64(std::uint64_t v) { return put(v, 8); }
    bytes& text(const std::string& t) {
        out += t;
        while (out.size() % 4 != 0) out += '\0';
        return *this;
    }
    bytes& raw(const std::string& t) {
        out += t;
        return *this;
    }
    bytes& section() { return u32(0x0a0d0d0a).u32(28).u32(0x1a2b3c4d).u16(1).u16(0).u64(~0ull).u32(28); }
    bytes& interface(std::uint16_t link, int resolution, std::uint64_t offset) {
        return u32(1)
            .u32(40)
            .u16(link)
            .u16(0)
            .u32(0)
            .u16(9)
            .u16(1)
            .raw({static_cast<char>(resolution), 0, 0, 0})
            .u16(14)
            .u16(8)
            .u64(offset)
            .u32(40);
    }
    bytes& enhanced(std::uint32_t interface, std::uint64_t units, const std::string& data, std::uint32_t original) {
        const auto padded = static_cast<std::uint32_t>((data.size() + 3) / 4 * 4);
        u32(6).u32(32 + padded).u32(interface).u32(static_cast<std::uint32_t>(units >> 32)).u32(static_cast<std::uint32_t>(units));
        u32(static_cast<std::uint32_t>(data.size())).u32(original).text(data);
        return u32(32 + padded);
    }
    std::string out;

private:
    bytes& put(std::uint64_t v, int size) {
        for (int i = 0; i < size; ++i) out += static_cast<char>(v >> 8 * (big_ ? size - 1 - i : i));
        return *this;
    }
    bool big_;
};

using packet_seen = std::tuple<std::string, nanoseconds, std::uint32_t, link_type>;
inline std::vector<packet_seen> packets(const std::string& file, std::string* damage = nullptr) {
    std::vector<packet_seen> all;
    auto reader = capture_reader::from_memory(file);
    if (!reader) {
        if (damage) *damage = reader.error();
        return all;
    }
    while (const auto p = reader->next()) {
        EXPECT_EQ(p->frame.number, all.size() + 1);
        all.emplace_back(p->data, p->frame.time, p->original_length, p->link);
    }
    if (damage) *damage = reader->damage();
    return all;
}

}  // namespace badorigin::capture::testing
