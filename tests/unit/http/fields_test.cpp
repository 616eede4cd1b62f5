#include <gtest/gtest.h>

#include "http/message.h"

namespace badorigin::http {
namespace {

TEST(fields, are_found_by_name_in_any_case_and_in_their_order) {
    const fields all{{"Accept", "a", 0}, {"Host", "h", 10}, {"accept", "b", 20}, {"ACCEPT", "", 30}};
    EXPECT_EQ(first(all, "hOST"), "h");
    EXPECT_EQ(first(all, "accept"), "a");
    EXPECT_EQ(values(all, "Accept"), (std::vector<std::string_view>{"a", "b", ""}));
    EXPECT_EQ(first(all, "Accepu"), std::nullopt);
    EXPECT_EQ(first(all, ""), std::nullopt);
    EXPECT_EQ(all.find("accept", 1), 2u);
    EXPECT_EQ(all.find("accept", 4), all.size());
}

/// Length, first, middle and last letter are those of "Server".
TEST(fields, names_that_are_alike_at_a_glance_are_told_apart) {
    const fields all{{"SxxvxR", "no", 0}, {"Server", "yes", 10}};
    EXPECT_EQ(first(all, "server"), "yes");
    EXPECT_EQ(all.find("sxxvxr"), 0u);
}

TEST(fields, a_copy_does_not_rest_on_the_original) {
    fields all{{"A", "1", 0}};
    const fields copy = all;
    all.clear();
    all.push_back({"Long-Name-Of-A-Field", std::string(1000, 'x'), 0});
    EXPECT_EQ(copy.size(), 1u);
    EXPECT_EQ(copy[0], (field{"A", "1", 0}));
    EXPECT_EQ(first(all, "A"), std::nullopt);
}

TEST(fields, a_folded_line_lengthens_the_last_value_alone) {
    fields all{{"A", "1", 0}, {"B", "2", 5}};
    all.append(" more");
    EXPECT_EQ(first(all, "A"), "1");
    EXPECT_EQ(first(all, "B"), "2 more");
    all.push_back({"C", "3", 15});
    EXPECT_EQ(first(all, "B"), "2 more");
    EXPECT_EQ(first(all, "C"), "3");
}

TEST(message, cleared_is_as_a_new_one) {
    message used;
    used.side = direction::response;
    used.method = used.target = used.reason = used.content_start = std::string(100, 'x');
    used.fields.push_back({"A", "1", 0});
    used.trailers.push_back({"B", "2", 0});
    used.anomalies.push_back({anomaly::bare_cr, 1});
    used.status = 200;
    used.declared_length = 7;
    used.complete = used.gap = used.header_complete = true;
    used.clear();
    const message fresh;
    EXPECT_EQ(used.side, fresh.side);
    EXPECT_EQ(used.method + used.target + used.reason + used.content_start, "");
    EXPECT_TRUE(used.fields.empty() && used.trailers.empty() && used.anomalies.empty());
    EXPECT_EQ(used.status, 0);
    EXPECT_FALSE(used.declared_length || used.complete || used.gap || used.header_complete);
}

}  // namespace
}  // namespace badorigin::http
