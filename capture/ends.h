// Keys of hash tables: texts, and the two ends of a connection, the same for both directions.
#pragma once

#include <cstring>
#include <string_view>

#include "capture/packet.h"

namespace badorigin::capture {

struct pair_of_ends {
    endpoint low, high;
    pair_of_ends(const endpoint& a, const endpoint& b) : low(a < b ? a : b), high(a < b ? b : a) {}
    friend bool operator==(const pair_of_ends&, const pair_of_ends&) = default;
};

inline std::uint64_t mix(std::uint64_t into, std::uint64_t more) {
    return (into ^ more) * 0x9e3779b97f4a7c15u + (into >> 29);
}

/// Of short texts: names, targets, values.
inline std::uint64_t hash_of(std::string_view text) {
    std::uint64_t h = text.size(), v = 0;
    for (; text.size() > sizeof v; text.remove_prefix(sizeof v)) {
        std::memcpy(&v, text.data(), sizeof v);
        h = mix(h, v);
    }
    v = 0;
    if (!text.empty()) std::memcpy(&v, text.data(), text.size());
    h = mix(h, v);
    return h ^ h >> 32;
}

inline std::uint64_t mix(std::uint64_t into, const endpoint& e) {
    for (int half : {0, 8}) {
        std::uint64_t v;
        std::memcpy(&v, e.address.bytes.data() + half, sizeof v);
        into = mix(into, v);
    }
    return into;
}

struct hash_of_ends {
    std::size_t operator()(const pair_of_ends& p) const {
        const std::uint64_t h = mix(mix(static_cast<std::uint64_t>(p.low.port) << 16 | p.high.port, p.low), p.high);
        return static_cast<std::size_t>(h ^ h >> 32);
    }
};

}  // namespace badorigin::capture
