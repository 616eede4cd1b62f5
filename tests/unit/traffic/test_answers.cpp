// Which recorded answer an arriving request gets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/traffic/answers.h"
#include "tests/unit/traffic/captured.h"

namespace badorigin::traffic {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing_captured::captured;
using testing_captured::noon;
using testing_captured::said;

peers::request_facts asking(std::string target, std::size_t client = 0, peers::field_lines more = {}) {
    peers::request_facts out;
    out.method = "GET";
    out.target = std::move(target);
    out.fields = {{"Host", "shop.test"}};
    if (client > 0) out.fields.emplace_back("Badorigin-Token", "k3f9-c" + std::to_string(client));
    out.fields.insert(out.fields.end(), more.begin(), more.end());
    return out;
}

/// /page changes: "one" is fetched for the 1st client, kept for the 2nd, and "two" is fetched for the 3rd. The 4th client's fetch fails.
class Answers : public testing::Test {
protected:
    Answers() {
        const auto first = shop.ask("GET", "/page", 0s, 2ms, {200, {}, "one"});
        shop.fetch(first, "/page", 1ms, 2ms, {200, {{"ETag", "\"1\"", 0}}, "one"});
        shop.ask("GET", "/page", 10s, 10s + 1ms, {200, {}, "one"});
        const auto third = shop.ask("GET", "/page", 20s, 20s + 2ms, {200, {}, "two"});
        shop.asked_with = {{"If-None-Match", "\"1\"", 0}};
        shop.fetch(third, "/page", 20s + 1ms, 20s + 2ms, {200, {{"ETag", "\"2\"", 0}}, "two"});
        shop.asked_with = {};
        const auto fourth = shop.ask("POST", "/orders", 30s, 30s + 5ms, {503, {}, "sorry"});
        shop.fetch(fourth, "/orders", 30s + 1ms, 30s + 2ms, {0});
        shop.fetch(fourth, "/orders", 30s + 3ms, 30s + 4ms, {500, {}, "bad"});
    }
    answers& play(pace how = {std::nullopt}) {
        recorded = record(shop.evidence, {});
        all.emplace(recorded, how, storms);
        all->begin(noon + 1h);
        return *all;
    }
    std::string body(const peers::request_facts& asked) { return all->to("app", asked, noon + 1h).body.literal; }

    captured shop;
    recording recorded;
    std::vector<storm> storms;
    std::optional<answers> all;
};

TEST_F(Answers, are_those_that_the_same_client_caused_then_in_whatever_order_they_are_asked_for) {
    play();
    EXPECT_EQ(body(asking("/page", 3)), "two");
    EXPECT_EQ(body(asking("/page", 1)), "one");
    EXPECT_EQ(all->counts().by_client, 2u);
}

TEST_F(Answers, for_a_client_that_was_served_from_the_store_are_what_the_origin_would_have_said_then) {
    play();
    EXPECT_EQ(body(asking("/page", 2)), "one");
    EXPECT_EQ(all->counts().by_likeness, 1u);
}

TEST_F(Answers, to_further_attempts_are_the_next_ones_and_then_the_last_again) {
    play();
    auto asked = asking("/orders", 4);
    asked.method = "POST";
    EXPECT_EQ(all->to("app", asked, noon).fault.value_or(peers::fault{}).id, "stall-before-response");
    EXPECT_EQ(all->to("app", asked, noon).status, 500);
    EXPECT_EQ(all->to("app", asked, noon).status, 500);
}

TEST_F(Answers, without_a_token_are_those_of_the_moment_that_the_replay_has_come_to) {
    play({10});
    EXPECT_EQ(all->to("app", asking("/page"), noon + 1h + 100ms).body.literal, "one");
    EXPECT_EQ(all->to("app", asking("/page"), noon + 1h + 2100ms).body.literal, "two");
}

TEST_F(Answers, that_were_never_recorded_are_a_clear_status_and_told) {
    play();
    const auto reply = all->to("app", asking("/other", 1), noon);
    EXPECT_EQ(reply.status, no_answer_recorded);
    EXPECT_EQ(all->counts().unknown, 1u);
    EXPECT_THAT(all->counts().unknown_requests, ElementsAre("GET /other"));
    EXPECT_EQ(body(asking("http://shop.test/page", 1)), "one");  // absolute form
    auto head = asking("/page", 1);
    head.method = "HEAD";
    EXPECT_EQ(all->to("app", head, noon).status, 200);
}

TEST_F(Answers, of_304_go_to_the_same_validators_only) {
    shop.asked_with = {{"If-None-Match", "\"a\"", 0}};
    const auto asked = shop.ask("GET", "/a", 40s, 40s + 3ms, {304});
    shop.fetch(asked, "/a", 40s + 1ms, 40s + 2ms, {304, {{"ETag", "\"a\"", 0}}});
    shop.asked_with = {};
    const auto later = shop.ask("GET", "/a", 50s, 50s + 3ms, {200, {}, "whole"});
    shop.fetch(later, "/a", 50s + 1ms, 50s + 2ms, {200, {{"ETag", "\"a\"", 0}}, "whole"});
    play();
    EXPECT_EQ(all->to("app", asking("/a", 5, {{"If-None-Match", "\"a\""}}), noon).status, 304);
    EXPECT_EQ(body(asking("/a", 5)), "whole");
    EXPECT_EQ(body(asking("/a", 5, {{"If-None-Match", "\"b\""}})), "whole");
}

TEST_F(Answers, are_of_the_variant_that_was_asked_for) {
    for (const std::string language : {"de", "en"}) {
        shop.asked_with = {{"Accept-Language", language, 0}};
        const auto asked = shop.ask("GET", "/words", 40s, 40s + 3ms, {200, {}, language});
        shop.fetch(asked, "/words", 40s + 1ms, 40s + 2ms, {200, {{"Vary", "Accept-Language", 0}}, language});
    }
    play();
    EXPECT_EQ(body(asking("/words", 1, {{"Accept-Language", "de"}})), "de");
    EXPECT_EQ(body(asking("/words", 1, {{"Accept-Language", "en"}})), "en");
    EXPECT_EQ(all->counts().other_variant, 0u);
    body(asking("/words", 1, {{"Accept-Language", "fr"}}));
    EXPECT_EQ(all->counts().other_variant, 1u);
}

TEST_F(Answers, are_those_of_the_origin_that_is_asked) {
    const auto asked = shop.ask("GET", "/both", 40s, 40s + 3ms, {200, {}, "first"});
    shop.fetch(asked, "/both", 40s + 1ms, 40s + 2ms, {200, {}, "first"});
    shop.fetch(asked, "/both", 41s + 1ms, 41s + 2ms, {200, {}, "second"});
    play();
    recorded.answers.back().origin = "spare";
    EXPECT_EQ(all->to("app", asking("/both", 1), noon).body.literal, "first");
    EXPECT_EQ(all->to("spare", asking("/both", 1), noon).body.literal, "second");
}

TEST_F(Answers, in_a_storm_are_the_storms_by_the_moment_of_who_asked) {
    storms.push_back(*parse_storm("status_storm on /page from 15s for 10s"));
    play();
    EXPECT_EQ(all->to("app", asking("/page", 1), noon).status, 200);
    EXPECT_EQ(all->to("app", asking("/page", 3), noon).status, 503);
    EXPECT_EQ(all->counts().struck, 1u);
}

TEST_F(Answers, wait_as_long_as_they_did_or_a_part_of_it) {
    play({1});
    EXPECT_EQ(all->to("app", asking("/page", 1), noon).delay, 1ms);
    play({10});
    EXPECT_EQ(all->to("app", asking("/page", 1), noon).delay, 100us);
    play({std::nullopt});
    EXPECT_EQ(all->to("app", asking("/page", 1), noon).delay, 0ns);
}

TEST_F(Answers, hold_a_body_once_however_often_it_was_sent) {
    for (int i = 0; i < 3; ++i) {
        const auto asked = shop.ask("GET", "/same", 40s, 40s + 3ms, {200, {}, "same"});
        shop.fetch(asked, "/same", 40s + 1ms, 40s + 2ms, {200, {}, "same"});
    }
    play();
    EXPECT_EQ(recorded.answers.back().body.get(), recorded.answers[recorded.answers.size() - 2].body.get());
}

TEST(Recording, of_one_leg_takes_what_clients_got_for_what_origins_answer) {
    captured shop;
    shop.ask("GET", "/page", 0s, 2ms, {200, {}, "one"});
    const auto recorded = record(shop.evidence, {});
    EXPECT_TRUE(recorded.one_leg);
    ASSERT_EQ(recorded.answers.size(), 1u);
    EXPECT_EQ(recorded.answers.front().asker, 0u);
    EXPECT_EQ(recorded.asks.front().of, nullptr);
}

TEST(Recording, counts_what_cannot_be_replayed_by_its_reason) {
    captured shop;
    shop.ask("CONNECT", "x:443", 0s, 2ms, {200});
    shop.ask("GET", "/page", 1s, 1s + 2ms, {200, {}, "one"});
    const auto recorded = record(shop.evidence, {});
    EXPECT_EQ(recorded.exchanges, 2u);
    EXPECT_EQ(recorded.asks.size(), 1u);
    EXPECT_EQ(recorded.left_out, (std::map<std::string, std::size_t>{{"it asks for a tunnel", 1}}));
}

}  // namespace
}  // namespace badorigin::traffic
