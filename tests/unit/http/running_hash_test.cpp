#include "http/running_hash.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

using namespace badorigin::http;

namespace {

std::string some_bytes(std::size_t size) {
    std::string all;
    for (std::size_t i = 0; i < size; ++i) all += static_cast<char>(1 + i * 37 + i / 11);
    return all;
}

TEST(running_hash, the_value_does_not_depend_on_the_pieces) {
    const std::string all = some_bytes(131);
    for (std::size_t first = 0; first <= all.size(); ++first)
        for (std::size_t second = first; second <= all.size(); second += 3) {
            running_hash pieces;
            pieces.add(std::string_view{all}.substr(0, first));
            pieces.add(std::string_view{all}.substr(first, second - first));
            pieces.add(std::string_view{all}.substr(second));
            ASSERT_EQ(pieces.value(), hash(all)) << "cut at " << first << " and " << second;
        }
    running_hash bytes;
    for (char c : all) bytes.add({&c, 1});
    EXPECT_EQ(bytes.value(), hash(all));
}

TEST(running_hash, asking_for_the_value_changes_nothing) {
    running_hash one;
    one.add("abc");
    const auto early = one.value();
    EXPECT_EQ(one.value(), early);
    one.add("def");
    EXPECT_EQ(one.value(), hash("abcdef"));
}

TEST(running_hash, every_length_byte_and_place_counts) {
    const std::string all = some_bytes(100);
    std::set<std::uint64_t> seen;
    std::size_t made = 0;
    for (std::size_t size = 0; size <= all.size(); ++size, ++made) seen.insert(hash(std::string_view{all}.substr(0, size)));
    for (std::size_t at = 0; at < all.size(); ++at)
        for (int bit = 0; bit < 8; ++bit, ++made) {
            std::string other = all;
            other[at] = static_cast<char>(other[at] ^ (1 << bit));
            seen.insert(hash(other));
        }
    for (std::size_t size = 1; size <= 70; ++size, ++made) seen.insert(hash(std::string(size, '\0')));
    for (std::size_t at = 8; at < 96; at += 8, ++made) seen.insert(hash(all.substr(at) + all.substr(0, at)));
    EXPECT_EQ(seen.size(), made);
}

}  // namespace
