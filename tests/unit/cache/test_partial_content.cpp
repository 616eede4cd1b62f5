// Parts of a representation: put together in any order and overlap, and no byte that is not there.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "proxy-under-test/cache/partial_content.h"

namespace badorigin::cache {
namespace {

TEST(partial_content, gives_what_it_has_and_nothing_else) {
    partial_content parts(10);
    parts.add(2, "234");
    parts.add(7, "78");
    EXPECT_EQ(parts.find({2, 4}), "234");
    EXPECT_EQ(parts.find({8, 8}), "8");
    EXPECT_FALSE(parts.find({1, 3}));
    EXPECT_FALSE(parts.find({4, 5}));
    EXPECT_FALSE(parts.find({4, 7}));
    EXPECT_FALSE(parts.find({9, 9}));
    EXPECT_EQ(parts.missing(), (byte_range{0, 9}));
    parts.add(0, "01");
    EXPECT_EQ(parts.missing(), (byte_range{5, 9}));
    parts.add(9, "9");
    EXPECT_EQ(parts.missing(), (byte_range{5, 6}));
    EXPECT_FALSE(parts.whole());
    parts.add(5, "56");
    EXPECT_TRUE(parts.whole());
    EXPECT_EQ(parts.find({0, 9}), "0123456789");
}

TEST(partial_content, becomes_the_whole_from_any_pieces_in_any_order) {
    const std::string all = "abcdefghijklmnopqrstuvwxyz";
    std::mt19937 random{7};
    for (int round = 0; round < 500; ++round) {
        partial_content parts(all.size());
        std::string seen(all.size(), ' ');
        while (!parts.whole()) {
            const auto first = random() % all.size(), size = 1 + random() % (all.size() - first);
            parts.add(first, std::string_view(all).substr(first, size));
            seen.replace(first, size, all, first, size);
            EXPECT_EQ(parts.held(), static_cast<std::size_t>(std::ranges::count_if(seen, [](char c) { return c != ' '; })));
            for (std::size_t a = 0; a < all.size(); ++a) {
                const auto b = a + random() % (all.size() - a);
                const bool there = seen.substr(a, b - a + 1).find(' ') == std::string::npos;
                const auto found = parts.find({a, b});
                ASSERT_EQ(found.has_value(), there);
                if (found) { ASSERT_EQ(*found, all.substr(a, b - a + 1)); }
            }
        }
    }
}

TEST(content_range, is_read_only_where_it_names_the_place_and_the_length) {
    const auto good = parse_content_range("bytes 2-4/10");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->range, (byte_range{2, 4}));
    EXPECT_EQ(good->length, 10U);
    for (const auto* wrong : {"", "bytes", "bytes 4-2/10", "bytes 2-10/10", "bytes 2-4/*", "bytes */10", "bytes 2-4", "bytes -4/10",
                              "bytes 2-4/10 ", "seconds 2-4/10", "bytes 2-4/99999999999999999999", "bytes +2-4/10"}) {
        EXPECT_FALSE(parse_content_range(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace badorigin::cache
