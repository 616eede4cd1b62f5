#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bad_inputs.h"
#include "harness/scenario/yaml.h"

namespace badorigin::scenario {
namespace {

std::vector<problem> problems_of(const std::string& text) {
    const auto read = read_yaml(text, "bad.yaml", "bad", time_mode::virtual_time, {"no-retry", "age-honest"});
    return read ? std::vector<problem>{} : read.error();
}

void expect_blamed(const bad_input& bad, const std::string& text) {
    SCOPED_TRACE(text);
    const auto problems = problems_of(text);
    ASSERT_FALSE(problems.empty()) << bad.name;
    const auto& first = problems.front();
    EXPECT_EQ(first.at.line, bad.line) << bad.name << ": " << first.text();
    EXPECT_EQ(first.at.column, bad.column) << bad.name << ": " << first.text();
    EXPECT_THAT(first.message, testing::HasSubstr(std::string{bad.message})) << bad.name;
    EXPECT_EQ(problems.size(), 1u) << bad.name << ": one mistake is one problem; the second is " << problems.back().text();
}

TEST(bad_input, each_wrong_file_is_blamed_at_its_place) {
    for (const auto& bad : bad_files) expect_blamed(bad, std::string{bad.text});
}

TEST(bad_input, each_wrong_reply_is_blamed_at_its_place) {
    for (const auto& bad : bad_replies) {
        expect_blamed(
            bad, "claim: c\norigins: {app: {GET /r: {" + std::string{bad.text} + "}}}\npromises: {ttl: 30s}\nsteps: [{client: GET /}]\n");
    }
}

TEST(bad_input, each_wrong_step_or_expectation_is_blamed_at_its_place) {
    for (const auto& bad : bad_steps) expect_blamed(bad, std::string{head} + std::string{bad.text});
}

TEST(bad_input, all_problems_of_a_file_come_at_once_and_in_its_order) {
    const auto problems = problems_of(
        "steps:\n  - {client: GET /, expct: {}}\n  - {at: nowhere, client: GET x}\norigins: {app: {GET /: {stauts: 1}}}\nclock: "
        "sundial\nclaim: [1]\n");
    std::vector<std::pair<int, int>> places;
    for (const auto& one : problems) places.emplace_back(one.at.line, one.at.column);
    EXPECT_THAT(places, testing::ElementsAre(std::pair{2, 21}, std::pair{3, 10}, std::pair{3, 27}, std::pair{4, 25}, std::pair{5, 8},
                                             std::pair{6, 8}));
}

TEST(bad_input, text_names_file_line_and_column) {
    EXPECT_EQ(problems_of("claim: c\n").front().text(), "bad.yaml:1:1: a scenario: 'steps' is missing");
}

TEST(bad_input, deep_nesting_is_refused_where_it_becomes_too_deep) {
    EXPECT_THAT(problems_of(std::string(100'000, '[')).front().text(),
                testing::ContainsRegex("bad.yaml:1:[0-9]+: nested deeper than 50 levels"));
    std::string block;
    for (int i = 0; i < 60; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    EXPECT_THAT(problems_of(block).front().message, testing::HasSubstr("nested deeper"));
}

TEST(bad_input, fifty_levels_are_not_too_deep) {
    EXPECT_THAT(problems_of("claim: " + std::string(49, '[') + std::string(49, ']') + "\nsteps: [{client: GET /}]\n").front().message,
                testing::HasSubstr("claim: expected text, found a list"));
}

TEST(bad_input, aliases_that_stand_for_too_much_are_refused) {
    std::string bomb = "claim: c\nvalues:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        const auto before = "*a" + std::to_string(i - 1);
        bomb += "  a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 10; ++k) bomb += (k == 0 ? "" : ", ") + before;
        bomb += "]\n";
    }
    EXPECT_THAT(problems_of(bomb).front().message, testing::HasSubstr("more than 16 MiB"));
}

TEST(bad_input, aliases_in_measure_are_followed) {
    const auto read = read_yaml("claim: c\norigins: {app: {GET /a: &ok {body: same}, GET /b: *ok}}\nsteps: [{client: GET /}]\n", "f", "f",
                                time_mode::virtual_time);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->origins.at(0).routes.at(0).replies, read->origins.at(0).routes.at(1).replies);
}

TEST(bad_input, a_file_of_more_than_a_mebibyte_is_refused) {
    EXPECT_THAT(problems_of("claim: " + std::string(1 << 20, 'x')).front().message, testing::HasSubstr("larger than 1 MiB"));
}

}  // namespace
}  // namespace badorigin::scenario
