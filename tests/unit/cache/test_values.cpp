// The parts that know no socket: clock, dates, lifetimes, saint lists, the store, deliveries, strict heads.
#include <set>

#include <gtest/gtest.h>

#include "proxy-under-test/cache/admission.h"
#include "proxy-under-test/cache/backends.h"
#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/invalidation.h"
#include "proxy-under-test/cache/message_reader.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/ranges.h"
#include "proxy-under-test/cache/saint_list.h"
#include "proxy-under-test/cache/store.h"

namespace badorigin::cache {
namespace {
using namespace std::chrono_literals;
using clock = badorigin::cache::clock;

response_head response_with(std::initializer_list<field> fields, int status = 200) {
    response_head out{.status = status, .reason = "OK", .version = 11, .fields = {}};
    for (const auto& [name, value] : fields) out.fields.append(name, value);
    return out;
}
request_head request_with(std::initializer_list<field> fields) {
    request_head out{.method = "GET", .target = "/", .version = 11, .fields = {}};
    for (const auto& [name, value] : fields) out.fields.append(name, value);
    return out;
}

TEST(clock, timers_fire_in_order_of_expiry_with_the_time_standing_at_each) {
    clock time(clock::mode::virtual_time, 100s);
    std::vector<nanoseconds> seen;
    timer late(time, 130s, [&] { seen.push_back(time.now()); });
    timer early(time, 110s, [&] { seen.push_back(time.now()); });
    while (time.fire_next(120s)) {}
    EXPECT_EQ(seen, std::vector<nanoseconds>{110s});
    while (time.fire_next(200s)) {}
    EXPECT_EQ(seen, (std::vector<nanoseconds>{110s, 130s}));
    EXPECT_EQ(time.now(), 130s);
}

TEST(clock, a_timer_ends_with_its_owner) {
    clock time(clock::mode::virtual_time);
    {
        timer gone(time, 1s, [] { FAIL(); });
    }
    EXPECT_FALSE(time.next());
    EXPECT_FALSE(time.fire_next(10s));
}

TEST(clock, a_timer_armed_by_a_timer_is_due_in_the_same_advance) {
    clock time(clock::mode::virtual_time);
    int fired = 0;
    time.arm(1s, [&] { time.arm(2s, [&] { ++fired; }); });
    while (time.fire_next(3s)) {}
    EXPECT_EQ(fired, 1);
}

TEST(dates, all_three_forms_are_read_and_one_is_written) {
    for (const auto text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
        EXPECT_EQ(parse_http_date(text), nanoseconds(784111777s)) << text;
    }
    EXPECT_FALSE(parse_http_date("0"));
    EXPECT_FALSE(parse_http_date("Sun, 06 Nov 1994 08:49:37 CET"));
    for (const auto wrong :
         {"Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 gmt"}) {
        EXPECT_FALSE(parse_http_date(wrong)) << wrong;
    }
    EXPECT_EQ(http_date(784111777s + 999ms), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(dates, what_is_written_is_read_as_what_it_was) {
    for (auto when = nanoseconds(0s); when < nanoseconds(8000000000s); when += nanoseconds(1234567s)) {
        EXPECT_EQ(parse_http_date(http_date(when)), when) << http_date(when);
    }
}

TEST(dates, what_is_no_day_or_time_is_no_date) {
    for (const auto wrong : {"Sux, 06 Nov 1994 08:49:37 GMT", "nMo, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
                             "Sun, 06 anF 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
                             "Wed, 29 Feb 1995 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
                             "Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 06 Nov 19:4 08:49:37 GMT"}) {
        EXPECT_FALSE(parse_http_date(wrong)) << wrong;
    }
    EXPECT_EQ(parse_http_date("Mon, 06 Nov 1994 08:49:37 GMT"), nanoseconds(784111777s));  // the day's name does not count
}

TEST(dates, what_nanoseconds_cannot_hold_is_still_before_or_after) {
    EXPECT_GT(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT"), nanoseconds(7000000000s));
    EXPECT_EQ(parse_http_date("Sat, 01 Jan 0001 00:00:00 GMT"), nanoseconds(0s));
    EXPECT_EQ(rfc_lifetime(response_with({{"Expires", "Fri, 31 Dec 9999 23:59:59 GMT"}}), {}, 1700000000s).ttl, nanoseconds(2147483648s));
}

nanoseconds rfc_ttl(std::initializer_list<field> fields, int status = 200, const request_head& by = {}) {
    return rfc_lifetime(response_with(fields, status), by, 784111777s).ttl;
}
nanoseconds varnish_ttl(std::initializer_list<field> fields, int status = 200) {
    return varnish_lifetime(response_with(fields, status), 0s).ttl;
}
const field dated{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"};

TEST(freshness, s_maxage_before_max_age_before_expires_before_a_guess) {
    EXPECT_EQ(varnish_ttl({}), 120s);
    EXPECT_EQ(rfc_ttl({}), 0s) << "without Last-Modified there is nothing to guess by";
    EXPECT_EQ(rfc_ttl({dated, {"Last-Modified", "Sun, 06 Nov 1994 08:47:57 GMT"}}), 10s);
    EXPECT_EQ(rfc_ttl({dated, {"Last-Modified", "Sun, 06 Nov 1904 08:47:57 GMT"}}), 24h);
    for (const auto ttl :
         {+[](std::initializer_list<field> f) { return rfc_ttl(f); }, +[](std::initializer_list<field> f) { return varnish_ttl(f); }}) {
        EXPECT_EQ(ttl({{"Cache-Control", "max-age=30, s-maxage=\"7\""}}), 7s);
        EXPECT_EQ(ttl({{"Cache-Control", "max-age=30"}, {"Expires", "0"}}), 30s);
        EXPECT_EQ(ttl({dated, {"Expires", "Sun, 06 Nov 1994 08:50:37 GMT"}}), 60s);
        EXPECT_EQ(ttl({dated, {"Expires", "Sun, 06 Nov 1994 08:40:37 GMT"}}), 0s);
        EXPECT_EQ(ttl({{"Expires", "0"}}), 0s);
    }
}

TEST(freshness, what_is_malformed_or_contradictory_is_stale) {
    for (const auto value : {"max-age=no", "max-age=-1", "max-age=1.5", "max-age", "max-age=", "max-age =30", "max-age= 30", "max-age='30'",
                             "max-age=30, max-age=60"}) {
        EXPECT_EQ(rfc_ttl({{"Cache-Control", value}}), 0s) << value;
    }
    EXPECT_EQ(rfc_ttl({{"Cache-Control", "MAX-AGE=30,max-age=\"30\""}}), 30s);
    EXPECT_EQ(rfc_ttl({{"Cache-Control", "max-age=00000000000030"}}), 30s);
    EXPECT_EQ(rfc_ttl({{"Cache-Control", "max-age=99999999999999999999"}}), 2147483648s);
    EXPECT_EQ(rfc_ttl({{"Cache-Control", "x=\"max-age=30\", max-age=5"}}), 5s);
    EXPECT_EQ(rfc_ttl({dated, {"Expires", "Sun, 06 Nov 1994 08:50:37 GMT"}, {"Expires", "Sun, 06 Nov 1994 08:51:37 GMT"}}), 0s);
}

TEST(freshness, what_rfc_9111_forbids_to_store_is_not_stored) {
    for (const auto value : {"no-store", "private", "private=\"X\"", "max-age=30, no-store", "must-understand, no-store, private"}) {
        EXPECT_LT(rfc_ttl({{"Cache-Control", value}}), 0s) << value;
    }
    EXPECT_LT(rfc_ttl({{"Cache-Control", "max-age=30"}, {"Vary", "Accept, *"}}), 0s);
    EXPECT_LT(rfc_ttl({{"Cache-Control", "max-age=30"}}, 206), 0s);
    EXPECT_LT(rfc_ttl({{"Set-Cookie", "a=b"}}), 0s);
    EXPECT_EQ(rfc_ttl({{"Set-Cookie", "a=b"}, {"Cache-Control", "max-age=30"}}), 30s);
    EXPECT_EQ(rfc_ttl({{"Cache-Control", "must-understand, no-store, max-age=30"}}), 30s);
    EXPECT_LT(rfc_ttl({{"Cache-Control", "must-understand, max-age=30"}}, 299), 0s);
    EXPECT_EQ(rfc_ttl({{"Cache-Control", "max-age=30"}}, 299), 30s);
}

TEST(freshness, a_response_to_authorization_is_stored_when_it_says_that_it_may_be) {
    const auto known = request_with({{"Authorization", "Basic eA=="}});
    EXPECT_LT(rfc_ttl({{"Cache-Control", "max-age=30"}}, 200, known), 0s);
    for (const auto value : {"max-age=30, public", "max-age=30, must-revalidate", "s-maxage=30"})
        EXPECT_EQ(rfc_ttl({{"Cache-Control", value}}, 200, known), 30s) << value;
}

TEST(freshness, only_some_statuses_are_storable_and_the_others_when_they_say_so) {
    EXPECT_LT(varnish_ttl({{"Cache-Control", "max-age=30"}}, 500), 0s);
    EXPECT_LT(varnish_ttl({}, 302), 0s);
    EXPECT_EQ(varnish_ttl({{"Cache-Control", "max-age=30"}}, 302), 30s);
    EXPECT_EQ(varnish_ttl({}, 404), 120s);
    EXPECT_EQ(rfc_ttl({{"Cache-Control", "max-age=30"}}, 500), 30s);
    EXPECT_LT(rfc_ttl({{"Last-Modified", "Sun, 06 Nov 1904 08:47:57 GMT"}}, 500), 0s);
    EXPECT_LT(rfc_ttl({{"Last-Modified", "Sun, 06 Nov 1904 08:47:57 GMT"}}, 302), 0s);
    EXPECT_EQ(rfc_ttl({dated, {"Last-Modified", "Sun, 06 Nov 1904 08:47:57 GMT"}}, 404), 24h);
    EXPECT_EQ(rfc_ttl({dated, {"Last-Modified", "Sun, 06 Nov 1904 08:47:57 GMT"}, {"Cache-Control", "public"}}, 302), 24h);
}

TEST(freshness, a_targeted_field_counts_alone_when_it_is_well_formed) {
    EXPECT_EQ(rfc_ttl({{"CDN-Cache-Control", "max-age=7"}, {"Cache-Control", "no-store"}}), 7s);
    EXPECT_LT(rfc_ttl({{"CDN-Cache-Control", "no-store"}, {"Cache-Control", "max-age=30"}}), 0s);
    EXPECT_EQ(rfc_ttl({{"CDN-Cache-Control", "max-age=\n"}, {"Cache-Control", "max-age=30"}}), 30s);
    EXPECT_EQ(rfc_ttl({{"CDN-Cache-Control", ""}, {"Cache-Control", "max-age=30"}}), 30s);
}

TEST(freshness, stale_while_revalidate_is_grace_unless_staleness_is_forbidden) {
    EXPECT_EQ(varnish_lifetime(response_with({}), 0s).grace, 10s);
    EXPECT_EQ(varnish_lifetime(response_with({{"Cache-Control", "max-age=1, stale-while-revalidate=33"}}), 0s).grace, 33s);
    const auto grace = [](std::string value) { return rfc_lifetime(response_with({{"Cache-Control", std::move(value)}}), {}, 0s).grace; };
    EXPECT_EQ(grace("max-age=1"), 0s);
    EXPECT_EQ(grace("max-age=1, stale-while-revalidate=33"), 33s);
    for (const std::string forbids : {"must-revalidate", "proxy-revalidate", "s-maxage=1", "no-cache"})
        EXPECT_EQ(grace("max-age=1, stale-while-revalidate=33, " + forbids), 0s) << forbids;
}

TEST(freshness, age_is_the_largest_of_what_is_said_and_what_dates_show) {
    const nanoseconds noon = 784111777s;
    EXPECT_EQ(initial_age(response_with({dated, {"Age", "5"}}), noon, noon + 2s), 7s) << "the delay counts";
    EXPECT_EQ(initial_age(response_with({dated, {"Age", "5"}}), noon + 60s, noon + 60s), 60s) << "the apparent age";
    EXPECT_EQ(initial_age(response_with({dated}), noon - 60s, noon - 60s), 0s) << "never negative";
    EXPECT_EQ(upstream_age(response_with({{"Age", "7, 9"}})), 7s);
    EXPECT_EQ(upstream_age(response_with({{"Age", "7"}, {"Age", "9"}})), 7s);
    for (const auto wrong : {"-1", "1.5", "x", ""}) EXPECT_EQ(upstream_age(response_with({{"Age", wrong}})), 0s) << wrong;
    EXPECT_EQ(upstream_age(response_with({{"Age", "99999999999999999999"}})), 2147483648s);
}

TEST(saint_list, a_key_is_listed_until_its_time_is_over) {
    saint_list list(10);
    list.blacklist("a", 34s, 90s);
    EXPECT_TRUE(list.sick_for("a", 123s));
    EXPECT_FALSE(list.sick_for("b", 123s));
    EXPECT_FALSE(list.sick_for("a", 124s));
}

TEST(saint_list, at_the_threshold_the_whole_backend_is_sick_and_zero_disables_that) {
    saint_list three(3), never(0);
    for (const auto key : {"a", "b", "c"}) {
        EXPECT_FALSE(three.sick_for("other", 1s));
        three.blacklist(key, 0s, 10s);
        never.blacklist(key, 0s, 10s);
    }
    EXPECT_TRUE(three.sick_for("other", 1s));
    EXPECT_FALSE(three.sick_for("other", 10s));
    EXPECT_FALSE(never.sick_for("other", 1s));
}

TEST(probe_window, healthy_with_enough_good_ones_among_the_last) {
    vcl::probe_definition definition;
    definition.window = 4;
    definition.threshold = 2;
    definition.initial = 1;
    probe_window window(definition);
    EXPECT_FALSE(window.healthy());
    window.add(true);
    EXPECT_TRUE(window.healthy());
    for (int i = 0; i < 3; ++i) window.add(false);
    EXPECT_FALSE(window.healthy());
}

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

TEST(delivery, age_is_what_it_came_with_plus_its_time_here) {
    stored_object object;
    object.head = response_with({{"Age", "5"}});
    object.fetch_id = 3;
    object.origin_time = 95s;
    const auto out = response_of(object, 7, true, 112s + 900ms);
    EXPECT_EQ(out.fields.value("Age"), "17");
    EXPECT_EQ(out.fields.value("X-Varnish"), "7 3");
}

TEST(delivery, conditions) {
    const auto stored = response_with({{"ETag", "\"a\""}, {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}});
    EXPECT_TRUE(not_modified(request_with({{"If-None-Match", "\"b\", W/\"a\""}}), stored));
    EXPECT_FALSE(not_modified(request_with({{"If-None-Match", "\"b\""}, {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}), stored));
    EXPECT_TRUE(not_modified(request_with({{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}), stored));
    EXPECT_FALSE(not_modified(request_with({{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"}}), stored));
    EXPECT_FALSE(not_modified(request_with({}), stored));
}

TEST(delivery, a_single_range_of_a_whole_response) {
    struct {
        std::string range, content, content_range;
        int status;
    } const cases[] = {{"bytes=2-4", "234", "bytes 2-4/10", 206},
                       {"bytes=-3", "789", "bytes 7-9/10", 206},
                       {"bytes=8-", "89", "bytes 8-9/10", 206},
                       {"bytes=10-", "", "bytes */10", 416},
                       {"bytes=4-2", "0123456789", "", 200},
                       {"bytes=0-5,3-9", "0123456789", "", 200},
                       {"Bytes=2-4", "234", "bytes 2-4/10", 206},
                       {"bytes=20-,2-4", "234", "bytes 2-4/10", 206},
                       {"lines=2-4", "0123456789", "", 200},
                       {"bytes=2-99999999999999999999", "23456789", "bytes 2-9/10", 206},
                       {"bytes=99999999999999999999-", "", "bytes */10", 416},
                       {"bytes=-0", "", "bytes */10", 416}};
    for (const auto& c : cases) {
        client_exchange x;
        x.original = x.request = request_with({{"Range", c.range}});
        x.response = response_with({});
        const auto out = framed(x, "0123456789", true, true, true);
        EXPECT_EQ(out.content(), c.content) << c.range;
        EXPECT_EQ(x.response.status, c.status) << c.range;
        EXPECT_EQ(x.response.fields.value("Content-Range"), c.content_range) << c.range;
    }
}

TEST(delivery, several_ranges_are_parts_with_their_places) {
    client_exchange x;
    x.original = x.request = request_with({{"Range", "bytes=0-1, -2"}});
    x.response = response_with({{"Content-Type", "text/plain"}});
    const auto out = framed(x, "0123456789", true, true, true);
    EXPECT_EQ(x.response.status, 206);
    const std::string type(x.response.fields.value("Content-Type"));
    const auto boundary = type.substr(type.find('=') + 1);
    EXPECT_EQ(out.content(), "--" + boundary + "\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--" + boundary +
                                 "\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--" + boundary + "--\r\n");
    EXPECT_EQ(x.response.fields.value("Content-Length"), std::to_string(out.content().size()));
    EXPECT_FALSE(x.response.fields.has("Content-Range"));
}

TEST(ranges, if_range_is_compared_strongly) {
    const field modified{"Last-Modified", "Sun, 06 Nov 1994 08:49:30 GMT"};
    const auto strong = response_with({dated, modified, {"ETag", "\"a\""}});
    const auto applies = [](std::string condition, const response_head& stored) {
        return range_applies(request_with({{"If-Range", std::move(condition)}}), stored);
    };
    EXPECT_TRUE(applies("\"a\"", strong));
    EXPECT_FALSE(applies("\"b\"", strong));
    EXPECT_FALSE(applies("W/\"a\"", response_with({{"ETag", "W/\"a\""}})));
    EXPECT_TRUE(applies(modified.value, strong));
    EXPECT_FALSE(applies("Sun, 06 Nov 1994 08:49:31 GMT", strong));
    EXPECT_FALSE(applies(dated.value, response_with({dated, {"Last-Modified", dated.value}})))
        << "it may have changed twice in that second";
    EXPECT_FALSE(applies("", response_with({})));
}

TEST(invalidation, targets_of_the_same_origin_and_no_others) {
    const auto target = [](std::string_view reference) { return same_origin_target(reference, "/a/b?q", "h"); };
    EXPECT_EQ(target("/x"), "/x");
    EXPECT_EQ(target("x?y#z"), "/a/x?y");
    EXPECT_EQ(target("../x"), "/x");
    EXPECT_EQ(target("./"), "/a/");
    EXPECT_EQ(target("?y"), "/a/b?y");
    EXPECT_EQ(target("http://H:80/x"), "/x");
    EXPECT_EQ(target("//h"), "/");
    EXPECT_EQ(target("/x:y"), "/x:y");
    for (const auto other : {"http://other/x", "//other/x", "https://h/x", "http://h:81/x", "mailto:a", "http:x"})
        EXPECT_FALSE(target(other)) << other;
}

TEST(invalidation, only_a_success_of_an_unsafe_method_invalidates) {
    auto post = request_with({{"Host", "h"}});
    post.method = "POST";
    post.target = "/a";
    const auto created = response_with({{"Location", "/b"}, {"Content-Location", "http://other/c"}}, 201);
    EXPECT_EQ(invalidated_targets(post, created), (std::vector<std::string>{"/a", "/b"}));
    EXPECT_TRUE(invalidated_targets(post, response_with({}, 500)).empty());
    post.method = "GET";
    EXPECT_TRUE(invalidated_targets(post, created).empty());
}

TEST(fields, hop_by_hop_fields_stay_behind) {
    auto head = request_with({{"Connection", "close, X-Mine"}, {"X-Mine", "1"}, {"TE", "trailers"}, {"Keep-Alive", "5"}, {"X-Other", "2"}});
    remove_hop_by_hop(head.fields);
    ASSERT_EQ(std::distance(head.fields.begin(), head.fields.end()), 1);
    EXPECT_EQ(head.fields.value("x-other"), "2");
}

/// What a reader says of a request: the refusal, or "ok".
std::string verdict(std::string_view bytes, side of = side::request, std::size_t step = 0) {
    message_reader reader(of);
    std::string input;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto size = step == 0 ? bytes.size() : std::min(step, bytes.size() - at);
        input += bytes.substr(at, size);
        at += size;
        if (auto put = reader.put(input); !put) return put.error();
    }
    return reader.complete() ? "ok" : "incomplete";
}

TEST(strictness, what_can_be_read_in_two_ways_is_refused_however_it_is_split) {
    const std::pair<std::string, std::string> cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
        {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
        {"GET / HTTP/1.0\r\n\r\n", "ok"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "ok"},
        {"GET / HTTP/1.1\rHost: a\r\n\r\n", "bare CR"},
        {"GET / HTTP/1.1\nHost: a\n\n", "bare LF"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", "a control character"},
        {std::string("GET / HTTP/1.1\r\nHost: a\r\nX: ") + '\0' + "\r\n\r\n", "a control character"},
        {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "obs-fold"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "white space before the colon"},
        {"GET / HTTP/1.1\r\n\r\n", "no Host field"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "several Host fields"},
        {"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
        {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed host in the request target"},
        {"GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed host in the request target"},
        {"GET http://b,c HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed host in the request target"},
        {"GET /\r\n", "no HTTP version in the request line"},
        {"GET / HTTP/2.0\r\n", "an HTTP version that is not 1.x"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "several Content-Length fields"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "Content-Length beside Transfer-Encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "a transfer coding that is not implemented"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding in HTTP/1.0"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "a transfer coding that is not implemented"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "a transfer coding that is not implemented"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", "a transfer coding that is not implemented"},
        {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "a field name that is no token"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX y: x\r\n\r\n", "a field name that is no token"},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "a field line without colon"},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "white space in the request line"},
        {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "white space in the request line"},
        {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "a method that is no token"},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "an HTTP version that is not 1.x"},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", "an HTTP version that is not 1.x"},
        {"GET / HTTP/1.x\r\nHost: a\r\n\r\n", "an HTTP version that is not 1.x"},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "a method that is no token"},
        {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "a method that is no token"},
        {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed request target"},
        {"GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed request target"},
        {"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed request target"},
        {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed request target"},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
        {"GET https://b/ HTTP/1.1\r\nHost: b\r\n\r\n", "a malformed request target"},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "a malformed Host"},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "a malformed Host"},
        {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", "a malformed Host"},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "ok"},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "ok"},
    };
    for (const auto& [bytes, expected] : cases) {
        for (const std::size_t step : {0, 1, 2, 3, 7}) EXPECT_EQ(verdict(bytes, side::request, step), expected) << bytes << " by " << step;
    }
}

TEST(strictness, an_answer_without_a_status_line_is_known_at_its_first_byte) {
    EXPECT_EQ(verdict("<", side::response), "no status line");
    EXPECT_EQ(verdict("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", side::response),
              "several Content-Length fields");
    EXPECT_EQ(verdict("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", side::response), "ok");
    EXPECT_NE(verdict("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na\r\n", side::response), "incomplete");
}

TEST(strictness, chunks_are_what_rfc_9112_says_and_nothing_like_it) {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string good : {"3\r\nabc\r\n0\r\n\r\n", "003\r\nabc\r\n000\r\n\r\n", "3;x=y;z=\"1;2\"\r\nabc\r\n0\r\n\r\n",
                                   "0\r\nX: y\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n"}) {
        for (const std::size_t step : {0, 1, 3}) EXPECT_EQ(verdict(head + good, side::request, step), "ok") << good;
    }
    for (const std::string bad : {"0x3\r\nabc\r\n0\r\n\r\n",
                                  "+3\r\nabc\r\n0\r\n\r\n",
                                  "-3\r\nabc\r\n0\r\n\r\n",
                                  " 3\r\nabc\r\n0\r\n\r\n",
                                  "3 \r\nabc\r\n0\r\n\r\n",
                                  "\r\nabc\r\n0\r\n\r\n",
                                  "3\nabc\n0\n\n\r\n",
                                  "3\r\nabc0\r\n\r\n",
                                  "3\r\nabcd\r\n0\r\n\r\n",
                                  "3\r\nabc\n0\r\n\r\n",
                                  "3\rX\r\nabc\r\n0\r\n\r\n",
                                  "3;a\nb\r\nabc\r\n0\r\n\r\n",
                                  "3;\x01\r\nabc\r\n0\r\n\r\n",
                                  "g\r\nabc\r\n0\r\n\r\n",
                                  "10000000000000003\r\nabc\r\n0\r\n\r\n",
                                  "3,3\r\nabc\r\n0\r\n\r\n",
                                  "3\r\nabc\r\n0\r\nX : y\r\n\r\n",
                                  "3\r\nabc\r\n0\r\n folded\r\n\r\n",
                                  "3\r\nabc\r\n0\r\nX\r\n\r\n",
                                  "0_3\r\nabc\r\n0\r\n\r\n",
                                  "3\r\nabc\r\n0\r\nX: a\rb\r\n\r\n",
                                  "3\r\nabc\r\n0\r\nX: a\nY: b\r\n\r\n"}) {
        for (const std::size_t step : {0, 1, 3}) {
            const auto said = verdict(head + bad, side::request, step);
            EXPECT_TRUE(said != "ok" && said != "incomplete") << bad << " by " << step << ": " << said;
        }
    }
}

TEST(strictness, a_chunk_header_that_does_not_end_is_refused) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    EXPECT_EQ(verdict(head + std::string(1000, 'a'), side::response, 100), "incomplete");
    EXPECT_EQ(verdict(head + std::string(70'000, 'a'), side::response, 100), "a chunk header of more than 64 KiB");
}

TEST(planted_bugs, every_enumerator_has_one_line_in_the_table_and_an_id_of_its_own) {
    std::set<std::string_view> ids;
    for (const auto& each : planted_bug_table()) {
        EXPECT_TRUE(ids.insert(each.id).second) << each.id;
        EXPECT_EQ(bug_named(each.id), each.which);
    }
    EXPECT_EQ(ids.size(), static_cast<std::size_t>(bug::merge_trailers) + 1);
    EXPECT_FALSE(bug_named("no-such-bug"));
}

}  // namespace
}  // namespace badorigin::cache
