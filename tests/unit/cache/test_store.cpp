// The store: what is found, who waits, what makes room, what a ban strikes.
#include <gtest/gtest.h>

#include "proxy-under-test/cache/store.h"
#include "tests/unit/cache/heads.h"

namespace badorigin::cache {
namespace {
using namespace std::chrono_literals;
using clock = badorigin::cache::clock;

class store_test : public ::testing::Test {
protected:
    object_ptr put(nanoseconds at, nanoseconds ttl, nanoseconds grace = 0s, nanoseconds keep = 0s, std::initializer_list<field> fields = {},
                   const request_head& by = request_head{}) {
        auto made = std::make_shared<stored_object>();
        made->key = "k";
        made->head = response_with(fields);
        made->origin_time = made->received = at;
        made->ttl = ttl;
        made->grace = grace;
        made->keep = keep;
        objects.insert(made, by);
        return made;
    }
    lookup_result find(nanoseconds now, const request_head& by = request_head{}, std::optional<nanoseconds> most_grace = std::nullopt) {
        return objects.look_up({.key = "k", .request = by, .now = now, .most_grace = most_grace, .most_ttl = std::nullopt});
    }
    ban_list bans;
    store objects{bans};
    using what = lookup_result::what;
};

TEST_F(store_test, fresh_then_stale_within_grace_then_gone) {
    put(100s, 30s, 10s);
    EXPECT_EQ(find(129s).is, what::hit);
    auto stale = find(130s);
    EXPECT_EQ(stale.is, what::stale);
    EXPECT_TRUE(stale.lead);
    EXPECT_FALSE(find(139s).lead) << "one refresh at a time";
    stale.lead.end();
    const auto gone = find(140s);
    EXPECT_EQ(gone.is, what::miss);
    EXPECT_EQ(objects.objects(140s), 0U);
}

TEST_F(store_test, a_request_may_want_less_grace_but_not_more) {
    put(0s, 30s, 20s);
    EXPECT_EQ(find(45s, {}, 10s).is, what::miss);
    EXPECT_EQ(find(45s, {}, 1h).is, what::stale);
    EXPECT_EQ(find(50s, {}, 1h).is, what::miss);
}

TEST_F(store_test, within_keep_the_object_is_there_to_be_validated) {
    put(0s, 30s, 0s, 60s, {{"ETag", "\"a\""}});
    const auto found = find(31s);
    EXPECT_EQ(found.is, what::miss);
    EXPECT_TRUE(found.object);
}

TEST_F(store_test, who_comes_while_another_fetches_waits_and_is_woken_by_its_end) {
    auto first = find(0s);
    EXPECT_TRUE(first.lead);
    EXPECT_EQ(find(0s).is, what::busy);
    std::vector<int> woken;
    const auto one = std::make_shared<waiter>(waiter{[&] { woken.push_back(1); }, {}});
    const auto two = std::make_shared<waiter>(waiter{[&] { woken.push_back(2); }, {}});
    objects.wait("k", one);
    objects.wait("k", two);
    put(0s, 10s);
    EXPECT_TRUE(woken.empty());
    first.lead.end({fetch_end::what::stored, nullptr});
    EXPECT_EQ(woken, (std::vector{1, 2}));
    EXPECT_EQ(two->ended->is, fetch_end::what::stored);
    EXPECT_EQ(find(0s).is, what::hit);
}

TEST_F(store_test, who_has_given_up_waiting_is_not_woken) {
    auto first = find(0s);
    objects.wait("k", std::make_shared<waiter>(waiter{[] { FAIL(); }, {}}));
    first.lead.end();
    EXPECT_EQ(find(0s).is, what::miss);
}

TEST_F(store_test, a_lead_that_is_let_go_of_ends_its_fetch) {
    { const auto first = find(0s); }
    EXPECT_TRUE(find(0s).lead);
}

TEST_F(store_test, the_least_recently_used_makes_room_and_every_byte_is_accounted_for) {
    const auto named = [&](const std::string& key) {
        auto made = std::make_shared<stored_object>();
        made->key = key;
        made->ttl = 10s;
        made->content.assign(1000, 'a');
        return made;
    };
    auto& area = objects.areas.find("default")->second;
    area.limit = 3 * bytes_of(*named("a"));
    for (const auto key : {"a", "b", "c"}) objects.insert(named(key), request_head{});
    EXPECT_EQ(area.used, area.limit);
    const request_head any;
    EXPECT_EQ(objects.look_up({.key = "a", .request = any, .most_grace = {}, .most_ttl = {}}).is, what::hit);
    objects.insert(named("d"), any);
    EXPECT_EQ(objects.look_up({.key = "b", .request = any, .most_grace = {}, .most_ttl = {}}).is, what::miss) << "the least recently used";
    EXPECT_EQ(objects.look_up({.key = "a", .request = any, .most_grace = {}, .most_ttl = {}}).is, what::hit);
    EXPECT_EQ(area.evicted, 1U);
    auto large = named("e");
    large->content.assign(10'000, 'a');
    EXPECT_FALSE(objects.insert(large, any)) << "nothing goes for what does not fit at all";
    EXPECT_EQ(area.objects.size(), 3U);
    for (const auto key : {"a", "c", "d"}) EXPECT_EQ(objects.purge(key), 1U);
    EXPECT_EQ(area.used, 0U);
}

TEST_F(store_test, bans_that_every_object_has_passed_are_forgotten) {
    put(0s, 30s);
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(bans.add("req.url == /other"));
        find(1s);
    }
    EXPECT_LT(bans.held(), 9U);
    EXPECT_EQ(bans.count(), 20U);
}

TEST_F(store_test, the_lurker_removes_what_a_ban_names_without_a_request) {
    put(0s, 30s, 0s, 0s, {{"X", "1"}});
    const request_head any;
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(bans.add("obj.http.X == 1"));
    EXPECT_EQ(objects.look_up({.key = "another", .request = any, .now = 1s, .most_grace = {}, .most_ttl = {}}).is, what::miss);
    EXPECT_EQ(objects.objects(1s), 0U);
    EXPECT_EQ(bans.held(), 0U);
}

TEST_F(store_test, variants_are_chosen_by_what_vary_names) {
    const auto english = request_with({{"Accept-Language", "en"}}), german = request_with({{"Accept-Language", "de"}});
    const auto stored = put(0s, 30s, 0s, 0s, {{"Vary", "accept-language"}}, english);
    EXPECT_EQ(find(1s, english).object, stored);
    EXPECT_EQ(find(1s, german).is, what::miss);
}

TEST_F(store_test, a_ban_strikes_what_was_stored_before_it) {
    auto wanted = request_with({});
    wanted.target = "/x1";
    put(0s, 30s);
    ASSERT_TRUE(bans.add("req.url ~ \"^/x\""));
    EXPECT_EQ(find(1s, wanted).is, what::miss);
    put(1s, 30s);
    EXPECT_EQ(find(2s, wanted).is, what::hit);
}

TEST_F(store_test, a_marker_sends_each_its_own_way) {
    put(0s, 120s)->is = stored_object::role::hit_for_miss;
    for (int i = 0; i < 2; ++i) {
        const auto found = find(1s);
        EXPECT_EQ(found.is, what::hit_for_miss);
        EXPECT_FALSE(found.lead);
    }
}

}  // namespace
}  // namespace badorigin::cache
