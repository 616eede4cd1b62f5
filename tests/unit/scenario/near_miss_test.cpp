#include <gtest/gtest.h>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {
namespace {

TEST(near_miss, finds_the_nearest_of_those_that_are_near) {
    const std::vector<std::string> words{"status", "statuses", "stale", "body"};
    EXPECT_EQ(near_miss("stauts", words), "status");
    EXPECT_EQ(near_miss("statuse", words), "status");
    EXPECT_EQ(near_miss("STATUS", words), "status");
    EXPECT_EQ(near_miss("bdy", words), "body");
    EXPECT_EQ(near_miss("same-copy-as", {"same_copy_as"}), "same_copy_as");
}

TEST(near_miss, gives_nothing_where_nothing_is_near) {
    EXPECT_EQ(near_miss("weather", {"status", "body"}), "");
    EXPECT_EQ(near_miss("", {"a"}), "");
    EXPECT_EQ(near_miss("x", {"a", "b"}), "");
    EXPECT_EQ(near_miss("a", {}), "");
    EXPECT_EQ(near_miss(std::string(100'000, 'a'), {"a"}), "");
}

}  // namespace
}  // namespace badorigin::scenario
