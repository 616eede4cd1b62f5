// The ring that readers of the log share: bytes counted exactly, what is lost counted exactly, whole records always.
#include <gtest/gtest.h>

#include "proxy-under-test/cache/record_ring.h"

namespace badorigin::cache {
namespace {

std::string line(int number, std::size_t size = 10) {
    auto out = std::to_string(number);
    return out + std::string(size - out.size() - 1, '.') + '\n';
}

TEST(record_ring, holds_as_many_bytes_as_it_was_given_and_not_one_more) {
    record_ring ring(100);
    record_ring::place from_start = ring.end();
    for (int i = 0; i < 10; ++i) ring.put(line(i));
    EXPECT_EQ(ring.used(), 100U);
    EXPECT_EQ(ring.take(from_start, 1000).lost, 0U);
    from_start = {};
    ring.put(line(10));
    EXPECT_EQ(ring.used(), 100U);
    const auto taken = ring.take(from_start, 1000);
    EXPECT_EQ(taken.lost, 1U);
    EXPECT_EQ(taken.lines.substr(0, 10), line(1));
}

TEST(record_ring, overwrites_whole_records_as_many_as_a_long_one_needs) {
    record_ring ring(100);
    record_ring::place at = ring.end();
    for (int i = 0; i < 10; ++i) ring.put(line(i));
    ring.put(line(10, 25));  // three of ten bytes make room
    const auto taken = ring.take(at, 1000);
    EXPECT_EQ(taken.lost, 3U);
    EXPECT_EQ(ring.used(), 95U);
    EXPECT_TRUE(taken.lines.starts_with(line(3)));
    EXPECT_TRUE(taken.lines.ends_with(line(10, 25)));
}

TEST(record_ring, gives_each_reader_every_record_once_and_in_order_whatever_its_pieces) {
    for (const std::size_t size : {37UL, 64UL, 100UL}) {
        for (const std::size_t most : {1UL, 7UL, 20UL, 1000UL}) {
            record_ring ring(size);
            record_ring::place at = ring.end();
            std::string put, got;
            for (int i = 0; i < 200; ++i) {
                const auto next = line(i, 5 + static_cast<std::size_t>(i * 7 % 20));
                ring.put(next);
                put += next;
                for (auto taken = ring.take(at, most); !taken.lines.empty(); taken = ring.take(at, most)) {
                    EXPECT_EQ(taken.lost, 0U);
                    EXPECT_EQ(taken.lines.back(), '\n');
                    got += taken.lines;
                }
            }
            EXPECT_EQ(got, put) << size << ", by " << most;
        }
    }
}

TEST(record_ring, counts_for_a_slow_reader_exactly_what_it_misses) {
    record_ring ring(64);
    record_ring::place slow = ring.end(), quick = ring.end();
    std::uint64_t lost = 0, seen = 0;
    for (int i = 0; i < 1000; ++i) {
        ring.put(line(i, 5 + static_cast<std::size_t>(i * 11 % 17)));
        EXPECT_EQ(ring.take(quick, 1000).lost, 0U) << "another's slowness is not its own";
        if (i % 29 != 28 && i != 999) continue;
        const auto taken = ring.take(slow, 1000);
        lost += taken.lost;
        for (const char c : taken.lines) seen += c == '\n';
    }
    EXPECT_GT(lost, 0U);
    EXPECT_EQ(lost + seen, 1000U);
}

TEST(record_ring, gives_a_record_that_is_longer_than_the_piece_alone_and_whole) {
    record_ring ring(100);
    record_ring::place at = ring.end();
    ring.put(line(1, 50));
    ring.put(line(2, 10));
    EXPECT_EQ(ring.take(at, 20).lines, line(1, 50));
    EXPECT_EQ(ring.take(at, 20).lines, line(2, 10));
    EXPECT_EQ(ring.take(at, 20).lines, "");
}

}  // namespace
}  // namespace badorigin::cache
