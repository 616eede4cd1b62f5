// A 64-bit hash of bytes that come in pieces: the same value however they are split. Four lanes of 8 bytes each, so that the
// multiplications overlap; it tells bodies apart, not attackers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace badorigin::http {

class running_hash {
public:
    void add(std::string_view bytes);
    /// Of everything added so far; more may be added afterwards.
    std::uint64_t value() const;

private:
    static constexpr std::size_t block = 32;
    void take_block(const char* bytes);

    std::array<std::uint64_t, 4> lanes_{0x6c62272e07bb0142u, 0x9ae16a3b2f90404fu, 0xc949d7c7509e6557u, 0xff51afd7ed558ccdu};
    std::array<char, block> rest_{};  ///< the begun block; zero behind what came
    std::uint64_t size_ = 0;
};

/// Of bytes at hand.
std::uint64_t hash(std::string_view bytes);

}  // namespace badorigin::http
