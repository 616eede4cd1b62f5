#include "fake-backends/script.h"

#include "fake-backends/wire_text.h"

namespace badorigin::peers {

std::string generated_bytes(std::uint64_t size, std::uint64_t seed) {
    static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    out.reserve(size);
    std::uint64_t state = seed * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull;
    while (out.size() < size) {
        // splitmix64: its output at a place depends on seed and place alone, so shorter bodies are prefixes.
        state += 0x9e3779b97f4a7c15ull;
        std::uint64_t bits = state;
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
        bits ^= bits >> 31;
        for (int i = 0; i < 10 && out.size() < size; ++i, bits >>= 6) out += alphabet[bits & 63];
    }
    return out;
}

bool request_facts::conditional() const {
    return field_value(fields, "If-None-Match") != nullptr || field_value(fields, "If-Modified-Since") != nullptr ||
           field_value(fields, "If-Match") != nullptr || field_value(fields, "If-Unmodified-Since") != nullptr;
}

std::string content::bytes() const {
    switch (kind) {
        case kind::none:
            return {};
        case kind::literal:
            return literal;
        case kind::generated:
            return generated_bytes(size, seed);
    }
    return {};
}

}  // namespace badorigin::peers
