// What is made of a stored response for a client, and which stored responses a request makes invalid.
#include <gtest/gtest.h>

#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/invalidation.h"
#include "proxy-under-test/cache/ranges.h"
#include "tests/unit/cache/heads.h"

namespace badorigin::cache {
namespace {
using namespace std::chrono_literals;

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
    const field dated{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"}, modified{"Last-Modified", "Sun, 06 Nov 1994 08:49:30 GMT"};
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

}  // namespace
}  // namespace badorigin::cache
