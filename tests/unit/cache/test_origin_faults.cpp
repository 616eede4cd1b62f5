// What broken origins send: a failed fetch, at once, with nothing of it used.
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

class broken_answer : public ::testing::TestWithParam<std::pair<const char*, bool>> {};

TEST_P(broken_answer, is_a_503_at_once_and_the_next_request_is_served) {
    const auto [bytes, closes] = GetParam();
    for (const auto& ask : {get("/x"), post("/x", "body")}) {
        origin app;
        cache_process cache(app, "sub vcl_backend_response { set beresp.do_stream = false; }");
        auto [client, fetch, asked] = begin(cache, app, ask);
        fetch.send(bytes);
        if (closes) fetch.close();
        EXPECT_EQ(client.read().status(), 503);
        if (!closes) { EXPECT_TRUE(fetch.at_end()); }
        client.send(get("/y"));
        auto next = app.accept();
        EXPECT_EQ(next.read().start_line, "GET /y HTTP/1.1");
        next.send(ok("fine"));
        EXPECT_EQ(client.read().body, "fine");
        EXPECT_TRUE(cache.alive());
    }
}

INSTANTIATE_TEST_SUITE_P(faults, broken_answer,
                         ::testing::Values(std::pair{"<html>no header</html>", false},
                                           std::pair{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", true},
                                           std::pair{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false},
                                           std::pair{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXY\r\n", false},
                                           std::pair{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", true},
                                           std::pair{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false},
                                           std::pair{"HTTP/1.1 200 OK\r\nContent-Length: 2\rX: y\r\n\r\nab", false},
                                           std::pair{"HTTP/1.1 304 Not Modified\r\n\r\n", false}, std::pair{"HTTP/1.1 200 OK\r\nX", true},
                                           std::pair{"", true}, std::pair{"HTTP/1.1 101 Switching Protocols\r\n\r\n", false},
                                           std::pair{"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nab", false}));

TEST(origin_faults, a_connection_with_bytes_behind_the_message_is_not_used_again) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.send(ok("good") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    EXPECT_EQ(client.read().body, "good");
    EXPECT_TRUE(fetch.at_end());
    client.send(get("/y"));
    auto next = app.accept();
    next.read();
    next.send(ok("fine"));
    EXPECT_EQ(client.read().body, "fine");
}

TEST(origin_faults, an_idle_connection_that_its_origin_closes_is_dropped) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.send(ok("one"));
    client.read();
    fetch.half_close();
    EXPECT_TRUE(fetch.at_end());
    client.send(get("/y"));
    app.accept().read();
}

TEST(origin_faults, a_response_until_close_is_whole_at_the_close) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.send("HTTP/1.0 200 OK\r\n\r\nall of it");
    cache.sync();
    fetch.close();
    EXPECT_EQ(client.read().body, "all of it");
}

TEST(origin_faults, no_hop_by_hop_field_goes_on_in_either_direction) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x", "Connection: X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n"));
    EXPECT_EQ(asked.count("X-Hop") + asked.count("TE") + asked.count("Connection"), 0U);
    fetch.send(ok("x", "Connection: keep-alive, X-Back\r\nX-Back: 1\r\nKeep-Alive: timeout=5\r\n"));
    const auto answer = client.read();
    EXPECT_EQ(answer.count("X-Back") + answer.count("Keep-Alive") + answer.count("Connection"), 0U);
}

TEST(origin_faults, a_304_for_another_entity_tag_is_a_failed_fetch) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.grace = 0s; set beresp.keep = 1h; }");
    wire fetch(-1);
    EXPECT_EQ(ask(cache, app, get("/x"), ok("one", "Cache-Control: max-age=10\r\nETag: \"a\"\r\n"), &fetch).body, "one");
    cache.advance(20s);
    auto client = cache.connect();
    client.send(get("/x"));
    EXPECT_EQ(fetch.read().field("If-None-Match"), "\"a\"");
    fetch.send("HTTP/1.1 304 Not Modified\r\nETag: \"b\"\r\n\r\n");
    EXPECT_EQ(client.read().status(), 503);
}

TEST(origin_faults, a_304_refreshes_age_and_fields) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.grace = 0s; set beresp.keep = 1h; }");
    wire fetch(-1);
    EXPECT_EQ(ask(cache, app, get("/x"), ok("one", "Cache-Control: max-age=10\r\nETag: \"a\"\r\nX-Count: 1\r\n"), &fetch).body, "one");
    cache.advance(20s);
    auto client = cache.connect();
    client.send(get("/x"));
    fetch.read();
    fetch.send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nX-Count: 2\r\nCache-Control: max-age=40\r\n\r\n");
    const auto fresh = client.read();
    EXPECT_EQ(fresh.body, "one");
    EXPECT_EQ(fresh.field("Age"), "0");
    EXPECT_EQ(fresh.field("X-Count"), "2");
    cache.advance(39s);
    client = cache.connect();
    client.send(get("/x"));
    EXPECT_EQ(client.read().field("Age"), "39");
    EXPECT_TRUE(fetch.silent());
}

}  // namespace
}  // namespace badorigin::cache::testing
