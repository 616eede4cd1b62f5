// Dates and lifetimes moved so that freshness means the same, and the words of --speed and --fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake-backends/wire_text.h"
#include "harness/traffic/pace.h"
#include "harness/traffic/storms.h"
#include "tests/unit/traffic/captured.h"

namespace badorigin::traffic {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing_captured::noon;

http::message response(http::fields fields) {
    http::message m;
    m.side = http::direction::response;
    m.status = 200;
    m.fields = std::move(fields);
    return m;
}

std::string field(const peers::field_lines& lines, std::string_view name) {
    const auto* value = peers::field_value(lines, name);
    return value ? *value : "absent";
}

/// Recorded at noon, replayed an hour later.
peers::field_lines an_hour_later(http::fields fields, pace how = {}) {
    return date_shift{how, noon, noon + 1h}.response(response(std::move(fields)), noon + 10s, noon + 1h + how.wait(10s));
}

TEST(Dates, move_with_the_moment_and_keep_their_distances) {
    const auto out = an_hour_later({{"Date", "Sun, 22 Nov 2026 12:00:10 GMT", 0},
                                    {"Expires", "Sun, 22 Nov 2026 12:01:10 GMT", 0},
                                    {"Last-Modified", "Sat, 21 Nov 2026 12:00:00 GMT", 0}});
    EXPECT_EQ(field(out, "Date"), "Sun, 22 Nov 2026 13:00:10 GMT");
    EXPECT_EQ(field(out, "Expires"), "Sun, 22 Nov 2026 13:01:10 GMT");
    EXPECT_EQ(field(out, "Last-Modified"), "Sat, 21 Nov 2026 13:00:00 GMT");
}

TEST(Dates, of_a_response_that_was_old_already_stay_as_old) {
    const auto out = an_hour_later({{"Date", "Sun, 22 Nov 2026 11:59:40 GMT", 0}, {"Age", "30", 0}, {"Expires", "0", 0}});
    EXPECT_EQ(field(out, "Date"), "Sun, 22 Nov 2026 12:59:40 GMT");
    EXPECT_EQ(field(out, "Age"), "30");
    EXPECT_EQ(field(out, "Expires"), "0");
}

TEST(Dates, ten_times_as_fast_are_a_tenth_as_far_apart) {
    const auto out = an_hour_later({{"Date", "Sun, 22 Nov 2026 12:00:10 GMT", 0},
                                    {"Expires", "Sun, 22 Nov 2026 12:01:10 GMT", 0},
                                    {"Age", "40", 0},
                                    {"Cache-Control", "public, max-age=600, s-maxage=2, stale-if-error=\"60\"", 0}},
                                   {10});
    EXPECT_EQ(field(out, "Date"), "Sun, 22 Nov 2026 13:00:01 GMT");
    EXPECT_EQ(field(out, "Expires"), "Sun, 22 Nov 2026 13:00:07 GMT");
    EXPECT_EQ(field(out, "Age"), "4");
    EXPECT_EQ(field(out, "Cache-Control"), "public, max-age=60, s-maxage=1, stale-if-error=\"60\"");  // never 0, and no number stays
}

TEST(Dates, as_fast_as_possible_leave_lifetimes_as_they_were) {
    const auto out = an_hour_later({{"Cache-Control", "max-age=600", 0}, {"Age", "40", 0}}, {std::nullopt});
    EXPECT_EQ(field(out, "Cache-Control"), "max-age=600");
    EXPECT_EQ(field(out, "Age"), "40");
}

TEST(Dates, of_validators_match_those_of_the_responses_they_came_from) {
    const date_shift shift{{}, noon, noon + 1h};
    http::message asked;
    asked.fields = {{"If-Modified-Since", "Sat, 21 Nov 2026 12:00:00 GMT", 0}, {"If-None-Match", "\"a\"", 0}};
    const auto out = shift.request(asked);
    EXPECT_EQ(field(out, "If-Modified-Since"), shift.validator("Sat, 21 Nov 2026 12:00:00 GMT"));
    EXPECT_EQ(field(out, "If-Modified-Since"),
              field(an_hour_later({{"Last-Modified", "Sat, 21 Nov 2026 12:00:00 GMT", 0}}), "Last-Modified"));
    EXPECT_EQ(field(out, "If-None-Match"), "\"a\"");
    EXPECT_EQ(shift.validator("yesterday"), "yesterday");
}

TEST(Fields, of_the_harness_and_of_framing_are_not_replayed_and_all_others_are) {
    const auto out = an_hour_later({{"Server", "shop", 0}, {"Content-Length", "4", 0}, {"Badorigin-Serial", "x", 0}, {"X-Own", "1", 0}});
    EXPECT_EQ(out, (peers::field_lines{{"Server", "shop"}, {"X-Own", "1"}}));
}

TEST(Pace, is_a_number_or_max) {
    EXPECT_EQ(parse_pace("1"), pace{1});
    EXPECT_EQ(parse_pace("0.5"), pace{0.5});
    EXPECT_EQ(parse_pace("max"), pace{std::nullopt});
    for (const auto* wrong : {"", "0", "-1", "fast", "1x", "nan", "inf", "1e9"}) EXPECT_FALSE(parse_pace(wrong)) << wrong;
    EXPECT_EQ(pace{10}.wait(5s), 500ms);
    EXPECT_EQ(pace{std::nullopt}.wait(5s), 0s);
}

TEST(Storm, strikes_in_its_window_and_at_its_target_alone) {
    const auto storm = parse_storm("status_storm=500 on /api/* from 20s for 10s");
    ASSERT_TRUE(storm) << storm.error();
    EXPECT_EQ(storm->status, 500);
    EXPECT_FALSE(storm->strikes("/api/x", 20s - 1ns));
    EXPECT_TRUE(storm->strikes("/api/x", 20s));
    EXPECT_TRUE(storm->strikes("/api/x", 30s - 1ns));
    EXPECT_FALSE(storm->strikes("/api/x", 30s));
    EXPECT_FALSE(storm->strikes("/ap", 25s));
    EXPECT_TRUE(parse_storm("status-storm from 0s for 1m")->strikes("/anything", 59s));
}

TEST(Storm, of_a_fault_keeps_the_recorded_answer_and_its_silence_ends_with_it) {
    const auto storm = parse_storm("stall-before-response from 1s for 2s");
    ASSERT_TRUE(storm) << storm.error();
    peers::reply recorded;
    recorded.status = 404;
    const auto out = struck(recorded, *storm, 1500ms);
    EXPECT_EQ(out.status, 404);
    EXPECT_EQ(out.fault->id, "stall-before-response");
    EXPECT_EQ(out.fault->lasts, 1500ms);
    EXPECT_EQ(struck(recorded, *parse_storm("status_storm from 1s for 2s"), 1s).status, 503);
}

TEST(Storm, that_cannot_be_read_is_one_sentence_that_helps) {
    const auto why = [](std::string_view text) {
        const auto read = parse_storm(text);
        return read ? std::string() : read.error();
    };
    EXPECT_THAT(why("status_strom from 1s for 1s"), HasSubstr("did you mean status-storm?"));
    EXPECT_THAT(why("reset-before-respons from 1s for 1s"), HasSubstr("did you mean reset-before-response?"));
    EXPECT_THAT(why("status_storm=99 from 1s for 1s"), HasSubstr("no status from 200 to 599"));
    EXPECT_THAT(why("status_storm from soon for 1s"), HasSubstr("'soon' is no duration"));
    for (const auto* wrong : {"", "status_storm", "status_storm from 1s", "status_storm from 1s for", "status_storm at 1s for 2s",
                              "status_storm from 1s for 0s"})
        EXPECT_THAT(why(wrong), HasSubstr("from TIME for TIME")) << wrong;
}

}  // namespace
}  // namespace badorigin::traffic
