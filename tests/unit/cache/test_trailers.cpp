// Trailer sections on their way (RFC 9110 6.5, RFC 9112 7.1.2): to the origin, to the client, and from the store.
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {

const std::string asked = "POST /x HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum, Host\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
const std::string answered =
    "HTTP/1.1 200 OK\r\nCache-Control: max-age=30\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
const std::string ending = "0\r\nX-Sum: 1\r\nHost: evil\r\nAge: 7\r\n\r\n", handed_on = "X-Sum: 1\r\n";

TEST(trailers, of_a_request_reach_the_origin) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, head] = begin(cache, app, asked + ending);
    EXPECT_EQ(head.body, "abc");
    EXPECT_EQ(head.trailers, handed_on);
    EXPECT_EQ(head.count("X-Sum"), 0U);
    EXPECT_EQ(head.field("Trailer"), "X-Sum");
    fetch.send(ok("done"));
    EXPECT_EQ(client.read().body, "done");
}

TEST(trailers, of_a_kept_body_are_sent_again_with_it) {
    origin app;
    cache_process cache(app, std::string(keeps) + retries);
    auto client = cache.connect();
    client.send(asked + ending);
    auto one = app.accept();
    EXPECT_EQ(one.read().trailers, handed_on);
    one.close();
    auto two = app.accept();
    EXPECT_EQ(two.read().trailers, handed_on);
    two.send(ok("done"));
    EXPECT_EQ(client.read().body, "done");
}

TEST(trailers, of_a_request_whose_body_is_dropped_are_not_announced) {
    origin app;
    cache_process cache(app, "sub vcl_backend_fetch { unset bereq.body; }");
    auto [client, fetch, head] = begin(cache, app, asked + ending);
    EXPECT_EQ(head.count("Trailer"), 0U);
    EXPECT_EQ(head.count("Transfer-Encoding"), 0U);
}

TEST(trailers, that_are_malformed_make_a_request_no_whole_one) {
    origin app;
    cache_process cache(app);
    auto client = cache.connect();
    client.send(asked + "0\r\nX-Sum : 1\r\n\r\n");
    auto fetch = app.accept();
    EXPECT_THROW(fetch.read(), std::runtime_error);
}

TEST(trailers, of_a_response_go_with_what_is_streamed_and_what_is_stored) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, head] = begin(cache, app, get("/x"));
    fetch.send(answered);
    auto second = cache.connect();
    second.send(get("/x"));
    cache.sync();
    fetch.send(ending);
    const auto check = [](const message& got) {
        EXPECT_EQ(got.body, "abc");
        EXPECT_EQ(got.trailers, handed_on);
        EXPECT_EQ(got.count("X-Sum"), 0U);
        EXPECT_EQ(got.field("Trailer"), "X-Sum");
        EXPECT_EQ(got.field("Transfer-Encoding"), "chunked");
        EXPECT_EQ(got.count("Content-Length"), 0U);
    };
    check(client.read());
    check(second.read());
    client.send(get("/x"));
    check(client.read());
    EXPECT_TRUE(fetch.silent());
}

TEST(trailers, of_a_response_that_came_at_once_or_without_content_are_delivered_too) {
    for (const std::string policy : {"", "sub vcl_recv { return (pass); }", "sub vcl_backend_response { set beresp.do_stream = false; }"}) {
        origin app;
        cache_process cache(app, policy);
        EXPECT_EQ(ask(cache, app, get("/x"), answered + ending).trailers, handed_on) << policy;
        const auto empty = ask(cache, app, get("/y"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + ending);
        EXPECT_EQ(empty.trailers, handed_on) << policy;
        EXPECT_EQ(empty.body, "");
    }
}

TEST(trailers, stay_behind_where_no_chunks_go_out) {
    origin app;
    cache_process cache(app);
    ask(cache, app, get("/x", ""), answered + ending);
    const auto old = ask(cache, "GET /x HTTP/1.0\r\nHost: a\r\n\r\n");
    EXPECT_EQ(old.field("Content-Length"), "3");
    EXPECT_EQ(old.count("Trailer"), 0U);
    for (const std::string range : {"bytes=0-", "bytes=1-1"}) {
        const auto part = ask(cache, get("/x", "Range: " + range + "\r\n"));
        EXPECT_EQ(part.status(), 206);
        EXPECT_EQ(part.count("Transfer-Encoding") + part.count("Trailer"), 0U) << range;
    }
    auto client = cache.connect();
    client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read(true).count("Trailer"), 0U);
}

TEST(trailers, of_a_content_that_is_made_anew_are_dropped) {
    for (const std::string how : {"do_esi", "do_gzip", "do_gunzip"}) {
        origin app;
        cache_process cache(app, "sub vcl_backend_response { set beresp." + how + " = true; }");
        EXPECT_EQ(ask(cache, app, get("/x"), answered + ending).trailers, "") << how;
        EXPECT_EQ(ask(cache, get("/x")).trailers, "") << how;
    }
}

TEST(trailers, outlive_a_validation) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.ttl = 1s; set beresp.grace = 0s; set beresp.keep = 60s; }");
    wire fetch(-1);
    ask(cache, app, get("/x"), "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + ending, &fetch);
    cache.advance(std::chrono::seconds(2));
    auto client = cache.connect();
    client.send(get("/x"));
    EXPECT_EQ(fetch.read().field("If-None-Match"), "\"a\"");
    fetch.send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n");
    EXPECT_EQ(client.read().trailers, handed_on);
}

TEST(trailers, that_are_malformed_make_a_response_no_whole_one) {
    origin app;
    cache_process cache(app);
    EXPECT_EQ(ask(cache, app, get("/x"), answered + "0\r\nX-Sum : 1\r\n\r\n").status(), 503);
    EXPECT_EQ(ask(cache, app, get("/x"), answered + ending).trailers, handed_on);
}

}  // namespace
}  // namespace badorigin::cache::testing
