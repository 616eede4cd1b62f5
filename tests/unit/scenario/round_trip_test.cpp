#include <filesystem>

#include <gtest/gtest.h>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {
namespace {

using namespace std::chrono_literals;

const std::string folder = std::string{BADORIGIN_TEST_FOLDER} + "/good";

std::string all(const std::vector<problem>& problems) {
    std::string out;
    for (const auto& one : problems) out += one.text() + "\n";
    return out;
}

void expect_round_trip(const scenario& value) {
    const auto written = write_yaml(value);
    const auto again = read_yaml(written, value.file, value.id, value.mode);
    ASSERT_TRUE(again) << all(again.error()) << written;
    EXPECT_EQ(*again, value) << written;
    EXPECT_EQ(write_yaml(*again), written);
}

TEST(round_trip, holds_for_every_good_file_on_both_clocks) {
    const auto names = find_scenarios(folder);
    ASSERT_GE(names.size(), 4u);
    for (const auto& name : names) {
        for (const auto mode : {time_mode::virtual_time, time_mode::real_time}) {
            const auto value = read_file(name, folder, mode);
            ASSERT_TRUE(value) << all(value.error());
            SCOPED_TRACE(name);
            expect_round_trip(*value);
        }
    }
}

scenario made_by_a_program() {
    scenario out;
    out.id = out.file = "made";
    out.claim = "made by a program";
    out.policy = "default";
    step one;
    one.name = "step-1";
    one.clients.emplace_back();
    one.clients.front().name = "step-1";
    out.steps.push_back(one);
    return out;
}

TEST(round_trip, keeps_every_byte_of_bodies_and_raw_text) {
    std::string every_byte;
    for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
    const std::string texts[] = {"",         " ",    "\n",           "a: b",         "no",           "~",    "# x",   "\xef\xbb\xbf x",
                                 "\xc3\xa9", "\xc3", "\xed\xa0\x80", "\xef\xbf\xbf", "\xe2\x80\xa8", "\x7f", "'\"\\", std::string(1, '\0'),
                                 every_byte};
    for (const auto& text : texts) {
        auto value = made_by_a_program();
        value.claim = "x" + text;
        value.placeholders["key"] = text;
        auto& client = value.steps.front().clients.front();
        client.request.body.kind = peers::content::kind::literal;
        client.request.body.literal = text;
        client.expect.body = text;
        peers::reply raw;
        raw.raw = text;
        value.origins.push_back({"app", {{"*", "/*", {raw}}}, peers::listening::accept});
        expect_round_trip(value);
    }
}

TEST(round_trip, keeps_durations_to_the_nanosecond) {
    auto value = made_by_a_program();
    for (const nanoseconds each : {nanoseconds{1}, nanoseconds{999'999'999}, nanoseconds{1'000'000'001}, nanoseconds{24h * 36500}}) {
        value.steps.front().at = instant{"", each};
        value.steps.front().clients.front().request.deadline = each;
        value.promises["slow"] = each;
        expect_round_trip(value);
    }
}

TEST(round_trip, keeps_whether_it_can_be_real_when_the_durations_would_say_otherwise) {
    auto value = made_by_a_program();
    for (const bool can : {true, false}) {
        for (const auto promise : {1s, 3600s}) {
            value.can_be_real = can;
            value.promises["ttl"] = promise;
            expect_round_trip(value);
        }
    }
}

TEST(round_trip, of_a_changed_member_is_not_equal) {
    const auto value = read_file(folder + "/every_key.yaml", folder, time_mode::virtual_time);
    ASSERT_TRUE(value);
    auto changed = *value;
    changed.steps.at(1).clients.front().request.sending.piece = 11;
    EXPECT_NE(*read_yaml(write_yaml(changed), value->file, value->id, value->mode), *value);
}

}  // namespace
}  // namespace badorigin::scenario
