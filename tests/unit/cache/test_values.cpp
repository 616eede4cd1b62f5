// The parts that know no socket: clock, dates, lifetimes, saint lists, probe windows.
#include <set>

#include <gtest/gtest.h>

#include "proxy-under-test/cache/backends.h"
#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/saint_list.h"
#include "tests/unit/cache/heads.h"

namespace badorigin::cache {
namespace {
using namespace std::chrono_literals;
using clock = badorigin::cache::clock;

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
