#include "http/freshness.h"

#include <gtest/gtest.h>

using namespace badorigin::http;
using namespace std::chrono_literals;

namespace {

const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr seconds date_seconds{784111777};

message response_with(fields all, int status = 200) {
    message made;
    made.side = direction::response;
    made.status = status;
    made.fields = std::move(all);
    return made;
}

message request_with(std::string method, fields all = {}, std::string target = "/a") {
    message made;
    made.method = std::move(method);
    made.target = std::move(target);
    made.fields = std::move(all);
    return made;
}

TEST(date, three_forms_are_read) {
    EXPECT_EQ(parse_date(date), date_seconds);
    EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT"), date_seconds);
    EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994"), date_seconds);
    EXPECT_EQ(parse_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0s);
    EXPECT_EQ(parse_date("Thu, 29 Feb 2024 23:59:60 GMT"), 1709251200s);
    EXPECT_EQ(parse_date("Friday, 01-Jan-27 00:00:00 GMT"), 1798761600s);
}

TEST(date, anything_else_is_nothing) {
    for (auto text : {"", "0", "-1", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
                      "sun, 06 nov 1994 08:49:37 gmt", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
                      "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "784111777",
                      "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT"})
        EXPECT_EQ(parse_date(text), std::nullopt) << text;
}

TEST(date, is_written_as_it_is_read) {
    EXPECT_EQ(format_date(date_seconds), date);
    EXPECT_EQ(format_date(0s), "Thu, 01 Jan 1970 00:00:00 GMT");
    for (seconds when = -100'000'000s; when < 4'000'000'000s; when += 12'345'678s) EXPECT_EQ(parse_date(format_date(when)), when);
}

TEST(cache_control, all_lines_count_and_the_first_of_repeated_directives) {
    auto read = parse_cache_control(
        {{"Cache-Control", "max-age=5, Public", 0}, {"cache-control", "MAX-AGE=\"7\", s-maxage=\"8\",, must-revalidate", 0}});
    EXPECT_EQ(read.max_age, 5s);
    EXPECT_EQ(read.s_maxage, 8s);
    EXPECT_TRUE(read.is_public && read.must_revalidate);
    EXPECT_FALSE(read.malformed || read.no_store || read.no_cache || read.is_private);
}

TEST(cache_control, every_directive_is_read) {
    auto read =
        parse_cache_control({{"Cache-Control",
                              "no-store, no-cache, private, proxy-revalidate, must-understand, immutable, only-if-cached, no-transform, "
                              "stale-while-revalidate=1, stale-if-error=2, max-stale=3, min-fresh=4",
                              0}});
    EXPECT_TRUE(read.no_store && read.no_cache && read.is_private && read.proxy_revalidate && read.must_understand && read.immutable &&
                read.only_if_cached && read.no_transform);
    EXPECT_EQ(read.stale_while_revalidate, 1s);
    EXPECT_EQ(read.stale_if_error, 2s);
    EXPECT_EQ(read.max_stale, 3s);
    EXPECT_EQ(read.min_fresh, 4s);
    EXPECT_FALSE(read.max_stale_any);
    EXPECT_TRUE(parse_cache_control({{"Cache-Control", "max-stale", 0}}).max_stale_any);
}

TEST(cdn_cache_control, is_a_dictionary_or_nothing) {
    const auto read = [](std::string_view text) { return parse_cdn_cache_control({{"CDN-Cache-Control", std::string(text), 0}}); };
    EXPECT_EQ(read("max-age=60, a=\"x, y\", b=?1, c=tok/en:1, d")->max_age, 60s);
    EXPECT_TRUE(read("private")->is_private);
    for (auto none : {"", " ", "max-age=60,, &", "max-age=", "MAX-AGE=60", "max-age=6x", "=1", "a=\"x"}) EXPECT_FALSE(read(none)) << none;
    EXPECT_FALSE(parse_cdn_cache_control({{"Cache-Control", "max-age=60", 0}}));
}

TEST(cache_control, overflow_is_2_to_the_31_and_malformed_is_0) {
    EXPECT_EQ(parse_cache_control({{"Cache-Control", "max-age=99999999999999999999999", 0}}).max_age, 2147483648s);
    EXPECT_EQ(parse_cache_control({{"Cache-Control", "max-age=2147483649", 0}}).max_age, 2147483648s);
    for (auto text : {"max-age=-1", "max-age=1.5", "max-age=", "max-age", "max-age=a", "max-age= 1", "max-age='1'"}) {
        auto read = parse_cache_control({{"Cache-Control", text, 0}});
        EXPECT_EQ(read.max_age, 0s) << text;
        EXPECT_TRUE(read.malformed) << text;
    }
}

TEST(cache_control, commas_and_directives_inside_quotes_are_text) {
    auto read = parse_cache_control({{"Cache-Control", "x=\"a, no-store, \\\" max-age=1\", max-age=2", 0}});
    EXPECT_FALSE(read.no_store);
    EXPECT_EQ(read.max_age, 2s);
}

TEST(cache_control, field_names_restrict_private_and_no_cache_to_those_fields) {
    auto read = parse_cache_control({{"Cache-Control", "private=\"Set-Cookie\", no-cache=\"A, B\"", 0}});
    EXPECT_FALSE(read.is_private || read.no_cache);
}

TEST(age, first_value_counts) {
    EXPECT_EQ(age_field({{"Age", "7", 0}, {"Age", "9", 0}}), 7s);
    EXPECT_EQ(age_field({{"Age", "7, 9", 0}}), 7s);
    EXPECT_EQ(age_field({{"Age", "4294967296", 0}}), 2147483648s);
    EXPECT_EQ(age_field({{"Age", "-1", 0}}), std::nullopt);
    EXPECT_EQ(age_field({{"Age", "1.0", 0}}), std::nullopt);
    EXPECT_EQ(age_field({}), std::nullopt);
}

TEST(freshness, sources_in_their_order) {
    using enum lifetime::source;
    const field dated{"Date", date, 0};
    const std::string in_a_minute = format_date(date_seconds + 60s), before = format_date(date_seconds - 1000s);
    const field expires_in_a_minute{"Expires", in_a_minute, 0};
    const field modified{"Last-Modified", before, 0};
    struct {
        fields all;
        seconds value;
        lifetime::source from;
        int status = 200;
    } cases[]{
        {{dated, expires_in_a_minute, modified, {"Cache-Control", "max-age=5, s-maxage=0", 0}}, 0s, s_maxage},
        {{dated, expires_in_a_minute, modified, {"Cache-Control", "max-age=5", 0}}, 5s, max_age},
        {{dated, expires_in_a_minute, modified, {"Cache-Control", "max-age=x", 0}}, 0s, max_age},
        {{dated, expires_in_a_minute, modified}, 60s, expires},
        {{dated, {"Expires", "0", 0}, modified}, 0s, expires},
        {{{"Expires", "-1", 0}, modified}, 0s, expires},
        {{dated, {"Expires", format_date(date_seconds - 60s), 0}}, 0s, expires},
        {{expires_in_a_minute}, 0s, none},
        {{dated, modified}, 100s, heuristic},
        {{dated, modified}, 100s, heuristic, 404},
        {{dated, modified}, 0s, none, 302},
        {{dated, modified, {"Cache-Control", "public", 0}}, 100s, heuristic, 302},
        {{modified}, 0s, none},
        {{dated, {"Last-Modified", format_date(date_seconds + 1s), 0}}, 0s, none},
        {{dated}, 0s, none},
        {{}, 0s, none},
    };
    for (const auto& given : cases) {
        lifetime found = freshness_lifetime(response_with(given.all, given.status));
        EXPECT_EQ(found.value, given.value) << (&given - cases);
        EXPECT_EQ(found.from, given.from) << (&given - cases);
    }
}

TEST(storable, by_method_status_and_directives) {
    const field fresh{"Cache-Control", "max-age=5", 0};
    const field authorized{"Authorization", "Basic x", 0};
    auto control = [](std::string text) { return fields{{"Cache-Control", text, 0}}; };
    struct {
        message request, response;
        bool expected;
    } cases[]{
        {request_with("GET"), response_with({}), true},
        {request_with("HEAD"), response_with({}), true},
        {request_with("GET"), response_with({}, 302), false},
        {request_with("GET"), response_with({fresh}, 302), true},
        {request_with("GET"), response_with({{"Expires", "0", 0}}, 500), true},
        {request_with("GET"), response_with(control("public"), 500), true},
        {request_with("GET"), response_with({}, 500), false},
        {request_with("GET"), response_with({fresh}, 103), false},
        {request_with("GET"), response_with({fresh}, 304), false},
        {request_with("GET"), response_with({fresh}, 0), false},
        {request_with("GET"), response_with(control("no-store, max-age=5")), false},
        {request_with("GET"), response_with(control("private, max-age=5")), false},
        {request_with("GET"), response_with(control("private=\"Set-Cookie\", max-age=5")), true},
        {request_with("GET"), response_with(control("no-cache")), true},
        {request_with("GET", control("no-store")), response_with({fresh}), false},
        {request_with("GET"), response_with(control("must-understand, no-store")), true},
        {request_with("GET"), response_with(control("must-understand, no-store, max-age=5"), 299), false},
        {request_with("GET"), response_with(control("must-understand, max-age=5"), 299), false},
        {request_with("GET", {authorized}), response_with({fresh}), false},
        {request_with("GET", {authorized}), response_with(control("public")), true},
        {request_with("GET", {authorized}), response_with(control("s-maxage=1")), true},
        {request_with("GET", {authorized}), response_with(control("must-revalidate")), true},
        {request_with("PUT"), response_with({fresh}), false},
        {request_with("DELETE"), response_with({fresh}), false},
        {request_with("POST"), response_with({fresh}), false},
        {request_with("POST"), response_with({fresh, {"Content-Location", "/a", 0}}), true},
        {request_with("POST"), response_with({fresh, {"Content-Location", "/b", 0}}), false},
        {request_with("POST"), response_with({{"Content-Location", "/a", 0}}), false},
        {request_with("POST", {{"Host", "h", 0}}), response_with({fresh, {"Content-Location", "http://H/a#x", 0}}), true},
        {request_with("POST", {{"Host", "h", 0}}), response_with({fresh, {"Content-Location", "http://i/a", 0}}), false},
        {request_with("POST", {}, "http://h/x/a?q"), response_with({fresh, {"Content-Location", "a?q", 0}}), true},
        {request_with("POST", {}, "http://h/x/a?q"), response_with({fresh, {"Content-Location", "?q", 0}}), true},
        {request_with("POST", {}, "http://h"), response_with({fresh, {"Content-Location", "//h/", 0}}), true},
    };
    for (const auto& given : cases) EXPECT_EQ(storable(given.request, given.response), given.expected) << (&given - cases);
}

TEST(current_age, lies_between_the_request_and_the_header) {
    auto [least, most] = current_age(response_with({{"Age", "10", 0}}), 1s, 3s, 8s);
    EXPECT_EQ(least, 15s);
    EXPECT_EQ(most, 17s);
}

TEST(current_age, may_be_taken_from_an_old_date) {
    nanoseconds received = date_seconds + 100s;
    auto [least, most] = current_age(response_with({{"Date", date, 0}}), received - 1s, received, received + 5s);
    EXPECT_EQ(least, 5s);
    EXPECT_EQ(most, 105s);
}

TEST(current_age, dates_beyond_reason_do_no_harm) {
    for (auto text : {"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"}) {
        nanoseconds received = date_seconds;
        auto [least, most] = current_age(response_with({{"Date", text, 0}, {"Age", "99999999999", 0}}), received, received, received);
        EXPECT_EQ(least, 2147483648s) << text;
        EXPECT_GE(most, least) << text;
    }
}

TEST(current_age, is_never_negative) {
    auto [least, most] = current_age(response_with({}), 5s, 4s, 3s);
    EXPECT_EQ(least, 0s);
    EXPECT_EQ(most, 0s);
}

}  // namespace
