#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/scenario/durations.h"

namespace badorigin::scenario {
namespace {

using namespace std::chrono_literals;

TEST(durations, read_with_their_units) {
    EXPECT_EQ(parse_duration("30s"), 30s);
    EXPECT_EQ(parse_duration("1m30s"), 90s);
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("200ms"), 200ms);
    EXPECT_EQ(parse_duration("2h"), 2h);
    EXPECT_EQ(parse_duration("1d2h3m4s5ms6us7ns"), 26h + 3min + 4s + 5ms + 6us + 7ns);
    EXPECT_EQ(parse_duration("1.5h"), 90min);
    EXPECT_EQ(parse_duration("0"), 0s);
    EXPECT_EQ(parse_duration("36500d"), 876000h);
}

TEST(durations, that_are_none_are_refused) {
    for (const auto* text : {"", " ", "30", "s", "30 s", "-1s", "+1s", "1.s", ".5s", "1s1m", "1s2s", "1,5s", "1.5ns", "0.0000001s",
                             "36501d", "99999999999999999999s", "1x", "1S", "1e3s"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(durations, are_written_as_they_are_read) {
    for (const nanoseconds value :
         {nanoseconds{0}, nanoseconds{1}, nanoseconds{1001}, nanoseconds{200ms}, nanoseconds{1500ms}, nanoseconds{1s} + 1us,
          nanoseconds{90s}, nanoseconds{36h}, nanoseconds{1s} + 50ms, nanoseconds{1s} + 999'999'999ns, longest_duration}) {
        EXPECT_EQ(parse_duration(format_duration(value)), value) << format_duration(value);
    }
    EXPECT_EQ(format_duration(90s), "90s");
    EXPECT_EQ(format_duration(1500ms), "1.5s");
    EXPECT_EQ(format_duration(1050ms), "1.05s");
    EXPECT_EQ(format_duration(20ms), "20ms");
    EXPECT_EQ(format_duration(-2s), "-2s");
    EXPECT_EQ(format_duration(1s + 1us), "1s1us");
}

const std::map<std::string, nanoseconds> promises{{"ttl", 30s}, {"slow-start", 1500ms}};

nanoseconds value_of(std::string_view text) {
    const auto value = evaluate(text, promises);
    EXPECT_TRUE(value) << text << ": " << value.error().message;
    return value ? value->offset : nanoseconds{-1};
}

TEST(expressions, add_and_subtract_and_multiply) {
    EXPECT_EQ(value_of("ttl + 4s"), 34s);
    EXPECT_EQ(value_of("ttl+4s"), 34s);
    EXPECT_EQ(value_of(" 2*ttl - slow-start "), 58500ms);
    EXPECT_EQ(value_of("0.5 * ttl"), 15s);
    EXPECT_EQ(value_of("3*2s - 1s"), 5s);
    EXPECT_EQ(value_of("- ttl + 31s"), 1s);
    EXPECT_EQ(value_of("1s - ttl"), -29s);
    EXPECT_EQ(value_of("0"), 0s);
}

TEST(expressions, tell_the_longest_duration_in_figures) {
    EXPECT_EQ(evaluate("ttl + 4s + 2*3s", promises)->longest_literal, 6s);
    EXPECT_EQ(evaluate("ttl", promises)->longest_literal, 0s);
}

TEST(expressions, follow_from_one_step) {
    const auto value = evaluate("ttl + struck - 1s", promises, {"struck", "other"});
    ASSERT_TRUE(value);
    EXPECT_EQ(value->step, "struck");
    EXPECT_EQ(value->offset, 29s);
    for (const auto* text : {"struck + other", "struck + struck", "2*struck", "ttl - struck"})
        EXPECT_FALSE(evaluate(text, promises, {"struck", "other"})) << text;
}

TEST(expressions, that_are_none_say_why) {
    const auto why = [](std::string_view text) { return evaluate(text, promises).error().message; };
    EXPECT_THAT(why(""), testing::HasSubstr("found nothing"));
    EXPECT_THAT(why("ttl +"), testing::HasSubstr("at the end"));
    EXPECT_THAT(why("ttl ttl"), testing::HasSubstr("expected + or -"));
    EXPECT_THAT(why("2 *"), testing::HasSubstr("behind *"));
    EXPECT_THAT(why("(ttl)"), testing::HasSubstr("before '(ttl)'"));
    EXPECT_THAT(why("5"), testing::HasSubstr("no unit"));
    EXPECT_THAT(why("5x"), testing::HasSubstr("is no duration"));
    EXPECT_THAT(why("ttl-1s"), testing::HasSubstr("a minus needs a blank"));
    EXPECT_THAT(why("tl"), testing::HasSubstr("did you mean 'ttl'?"));
    EXPECT_THAT(why("999999999999999999 * ttl"), testing::HasSubstr("hundred years"));
    EXPECT_THAT(why("36500d + 36500d"), testing::HasSubstr("hundred years"));
    EXPECT_THAT(why("0.3333 * 1ns"), testing::HasSubstr("whole number of nanoseconds"));
}

}  // namespace
}  // namespace badorigin::scenario
