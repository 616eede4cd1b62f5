#include "http/running_hash.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace badorigin::http {
namespace {

constexpr std::uint64_t odd = 0x9e3779b97f4a7c15u, other_odd = 0xc2b2ae3d27d4eb4fu;

/// For each word a bijection of the lane, and for each lane one of the word: bytes that differ in one word never meet again. Behind the
/// second multiplication any one bit has spread, so that no few bits of the next word undo it.
std::uint64_t stir(std::uint64_t lane, const char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return std::rotl(lane + word * other_odd, 31) * odd;
}

}  // namespace

void running_hash::take_block(const char* bytes) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_[i] = stir(lanes_[i], bytes + 8 * i);
}

void running_hash::add(std::string_view bytes) {
    const std::size_t begun = size_ % block;
    size_ += bytes.size();
    if (begun > 0) {
        const std::size_t more = std::min(block - begun, bytes.size());
        std::copy_n(bytes.data(), more, rest_.data() + begun);
        bytes.remove_prefix(more);
        if (begun + more < block) return;
        take_block(rest_.data());
        rest_.fill(0);
    }
    for (; bytes.size() >= block; bytes.remove_prefix(block)) take_block(bytes.data());
    std::ranges::copy(bytes, rest_.begin());
}

std::uint64_t running_hash::value() const {
    running_hash last = *this;
    if (size_ % block > 0) last.take_block(rest_.data());
    std::uint64_t h = size_ * odd;
    for (const std::uint64_t lane : last.lanes_) {
        h = (h ^ lane) * odd;
        h ^= h >> 32;
    }
    return h;
}

std::uint64_t hash(std::string_view bytes) {
    running_hash all;
    all.add(bytes);
    return all.value();
}

}  // namespace badorigin::http
