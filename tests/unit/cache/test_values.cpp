// The parts that know no socket: clock, dates, lifetimes, saint lists, the store, deliveries, strict heads.
#include <set>

#include <gtest/gtest.h>

#include "proxy-under-test/cache/admission.h"
#include "proxy-under-test/cache/backends.h"
#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/message_reader.h"
#include "proxy-under-test/cache/planted_bugs.h"
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
    EXPECT_EQ(http_date(784111777s + 999ms), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(dates, what_nanoseconds_cannot_hold_is_still_before_or_after) {
    EXPECT_GT(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT"), nanoseconds(7000000000s));
    EXPECT_EQ(parse_http_date("Sat, 01 Jan 0001 00:00:00 GMT"), nanoseconds(0s));
    EXPECT_EQ(initial_lifetime(response_with({{"Expires", "Fri, 31 Dec 9999 23:59:59 GMT"}}), 1700000000s).ttl, nanoseconds(2147483648s));
}

TEST(freshness, s_maxage_before_max_age_before_expires_before_the_default) {
    EXPECT_EQ(initial_lifetime(response_with({}), 0s).ttl, 120s);
    EXPECT_EQ(initial_lifetime(response_with({{"Cache-Control", "max-age=30, s-maxage=\"7\""}}), 0s).ttl, 7s);
    EXPECT_EQ(initial_lifetime(response_with({{"Cache-Control", "max-age=30"}, {"Expires", "0"}}), 0s).ttl, 30s);
    const field date{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"};
    EXPECT_EQ(initial_lifetime(response_with({date, {"Expires", "Sun, 06 Nov 1994 08:50:37 GMT"}}), 0s).ttl, 60s);
    EXPECT_EQ(initial_lifetime(response_with({date, {"Expires", "Sun, 06 Nov 1994 08:40:37 GMT"}}), 0s).ttl, 0s);
    EXPECT_EQ(initial_lifetime(response_with({{"Expires", "0"}}), 0s).ttl, 0s);
    EXPECT_EQ(initial_lifetime(response_with({{"Cache-Control", "max-age=no"}}), 0s).ttl, 0s);
}

TEST(freshness, only_some_statuses_are_storable_and_redirects_when_they_say_so) {
    EXPECT_LT(initial_lifetime(response_with({{"Cache-Control", "max-age=30"}}, 500), 0s).ttl, 0s);
    EXPECT_LT(initial_lifetime(response_with({}, 302), 0s).ttl, 0s);
    EXPECT_EQ(initial_lifetime(response_with({{"Cache-Control", "max-age=30"}}, 302), 0s).ttl, 30s);
    EXPECT_EQ(initial_lifetime(response_with({}, 404), 0s).ttl, 120s);
}

TEST(freshness, stale_while_revalidate_initialises_grace) {
    EXPECT_EQ(initial_lifetime(response_with({}), 0s).grace, 10s);
    EXPECT_EQ(initial_lifetime(response_with({{"Cache-Control", "max-age=1, stale-while-revalidate=33"}}), 0s).grace, 33s);
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
    } const cases[] = {{"bytes=2-4", "234", "bytes 2-4/10", 206}, {"bytes=-3", "789", "bytes 7-9/10", 206},
                       {"bytes=8-", "89", "bytes 8-9/10", 206},   {"bytes=10-", "", "bytes */10", 416},
                       {"bytes=4-2", "0123456789", "", 200},      {"bytes=0-1,3-4", "0123456789", "", 200}};
    for (const auto& c : cases) {
        client_exchange x;
        x.original = x.request = request_with({{"Range", c.range}});
        x.response = response_with({});
        const auto out = framed(x, "0123456789", true, true, true);
        EXPECT_EQ(out.content, c.content) << c.range;
        EXPECT_EQ(x.response.status, c.status) << c.range;
        EXPECT_EQ(x.response.fields.value("Content-Range"), c.content_range) << c.range;
    }
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

TEST(strictness, a_chunk_header_that_does_not_end_is_refused) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    EXPECT_EQ(verdict(head + std::string(1000, 'a'), side::response, 100), "incomplete");
    EXPECT_EQ(verdict(head + std::string(70'000, 'a'), side::response, 100), "a chunk header or trailer section of more than 64 KiB");
}

TEST(planted_bugs, every_enumerator_has_one_line_in_the_table_and_an_id_of_its_own) {
    std::set<std::string_view> ids;
    for (const auto& each : planted_bug_table()) {
        EXPECT_TRUE(ids.insert(each.id).second) << each.id;
        EXPECT_EQ(bug_named(each.id), each.which);
    }
    EXPECT_EQ(ids.size(), static_cast<std::size_t>(bug::pad_short_client_body) + 1);
    EXPECT_FALSE(bug_named("no-such-bug"));
}

}  // namespace
}  // namespace badorigin::cache
