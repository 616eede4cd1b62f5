// Several proxies: legs, names and transactions relative to each.
#include "capture/tiers.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/capture/conversation.h"

namespace badorigin::capture::testing {
namespace {

using namespace std::chrono_literals;

const std::string front = "127.0.0.1:8081", back_for_front = "127.0.0.2:8082", app_for_back = "127.0.0.3:9001";

manifest two_tiers() {
    manifest about;
    about.roles = {{front, "proxy:front"}, {"127.0.0.1:8082", "proxy:back"}, {back_for_front, "proxy:back"}, {app_for_back, "origin:app"}};
    about.askers = {{"127.0.0.2", "front"}, {"127.0.0.3", "back"}};
    return about;
}

std::string token(const std::string& which) {
    return std::string(token_field) + ": " + which + "\r\n";
}
std::string serial(const std::string& which) {
    return std::string(serial_field) + ": " + which + "\r\n";
}

/// In order of time.
evidence read_all(std::vector<conversation> all, manifest about) {
    std::vector<segment> segments;
    for (auto& one : all) segments.insert(segments.end(), one.segments.begin(), one.segments.end());
    std::ranges::stable_sort(segments, {}, [](const segment& s) { return s.header.frame.time; });
    const auto seen = read(segments, about.roles);
    evidence out;
    out.manifest = std::move(about);
    out.connections.assign(seen.connections.begin(), seen.connections.end());
    out.exchanges.assign(seen.exchanges.begin(), seen.exchanges.end());
    std::ranges::sort(out.exchanges, {}, [](const auto& e) { return e->request->first.number; });
    part_tiers(out);
    return out;
}

conversation asks(const std::string& from, const std::string& to, nanoseconds at, const std::string& request) {
    conversation c(from, to);
    c.pause(at).open().request(request);
    return c;
}

/// A miss in both tiers; then what the front asks again by the same token, which the back has.
evidence a_miss_and_a_second_try() {
    auto client = asks("127.0.0.1:50000", front, 0s, get("/x", token("t")));
    auto middle = asks("127.0.0.1:50001", back_for_front, 1s, get("/x", token("t")));
    auto origin = asks("127.0.0.1:50002", app_for_back, 2s, get("/x", token("t")));
    origin.pause(1s).response(ok("x", serial("s")));
    middle.pause(3s).response(ok("x", serial("s")));
    auto again = asks("127.0.0.1:50003", back_for_front, 5s, get("/x", token("t")));
    again.pause(1s).response(ok("x", serial("s")));
    client.pause(7s).response(ok("x", serial("s")));
    return read_all({client, middle, origin, again}, two_tiers());
}

TEST(tiers, what_one_proxy_asks_another_is_on_the_origin_leg_of_the_one_and_the_client_leg_of_the_other) {
    const auto all = a_miss_and_a_second_try();
    ASSERT_EQ(all.tiers.size(), 2u);
    const auto &first = all.tiers[0], &second = all.tiers[1];
    EXPECT_EQ(first.of_proxy, "front");
    EXPECT_EQ(second.of_proxy, "back");
    ASSERT_EQ(first.exchanges.size(), 3u);
    EXPECT_EQ(first.exchanges[0]->leg(), leg::client);
    EXPECT_EQ(first.exchanges[1]->leg(), leg::origin);
    EXPECT_EQ(first.exchanges[1]->on->server_name, "origin:back");
    EXPECT_EQ(first.exchanges[1]->on->asker, "front");
    ASSERT_EQ(second.exchanges.size(), 3u);
    EXPECT_EQ(second.exchanges[0]->leg(), leg::client);
    EXPECT_EQ(second.exchanges[0]->id, first.exchanges[1]->id);
    EXPECT_EQ(second.exchanges[1]->leg(), leg::origin);
    EXPECT_EQ(second.exchanges[1]->on->server_name, "origin:app");
    EXPECT_EQ(all.exchanges.size(), 6u);
    EXPECT_EQ(all.transactions.size(), 3u);
}

TEST(tiers, a_fetch_of_the_back_belongs_to_the_request_of_the_front_that_came_before_it) {
    const auto all = a_miss_and_a_second_try();
    const auto& transactions = all.tiers[1].transactions;
    ASSERT_EQ(transactions.size(), 2u);
    EXPECT_EQ(transactions[0].fetches.size(), 1u);
    EXPECT_EQ(transactions[1].fetches.size(), 0u);
    EXPECT_EQ(transactions[1].delivered_from, transactions[0].delivered_from);
}

TEST(tiers, a_client_got_what_the_back_gave_last_of_what_has_that_serial) {
    const auto all = a_miss_and_a_second_try();
    const auto& transactions = all.tiers[0].transactions;
    ASSERT_EQ(transactions.size(), 1u);
    ASSERT_TRUE(transactions[0].delivered_from);
    EXPECT_EQ(transactions[0].delivered_from->on->client, ends("127.0.0.1:50003"));
}

TEST(tiers, a_proxy_sees_its_own_vitals_and_crash_alone) {
    evidence all;
    all.manifest = two_tiers();
    all.manifest.proxy_crash = "signal 6 (Aborted)";
    all.manifest.crashed = "back";
    for (const char* proxy : {"front", "back"}) {
        all.vitals.emplace_back();
        all.vitals.back().proxy = proxy;
    }
    part_tiers(all);
    ASSERT_EQ(all.tiers.size(), 2u);
    for (const auto& tier : all.tiers) {
        ASSERT_EQ(tier.vitals.size(), 1u);
        EXPECT_EQ(tier.vitals.front().proxy, tier.of_proxy);
        EXPECT_EQ(tier.manifest.proxy_crash.empty(), tier.of_proxy == "front");
    }
}

TEST(tiers, of_one_proxy_there_are_none) {
    evidence all;
    all.manifest.roles = {{front, "proxy"}};
    part_tiers(all);
    EXPECT_TRUE(all.tiers.empty());
}

}  // namespace
}  // namespace badorigin::capture::testing
