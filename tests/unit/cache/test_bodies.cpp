// Request bodies on their way to the origin: streamed, kept, resent, never invented.
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

/// A pooled connection to the origin, so that the next fetch reuses it.
wire pooled(origin& app, wire& client) {
    client.send(get("/warm-up"));
    auto fetch = app.accept();
    fetch.read();
    fetch.send(ok("warm", "Cache-Control: no-store\r\n"));
    client.read();
    return fetch;
}

TEST(bodies, a_passed_body_arrives_whole_and_is_streamed) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, head] = begin(cache, app, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234", true);
    EXPECT_EQ(head.field("Content-Length"), "10");
    EXPECT_EQ(fetch.read_exactly(5), "01234");
    client.send("56789");
    EXPECT_EQ(fetch.read_exactly(5), "56789");
    fetch.send(ok("done"));
    EXPECT_EQ(client.read().body, "done");
}

TEST(bodies, a_chunked_body_stays_chunked) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] =
        begin(cache, app,
              "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: 1\r\n\r\n");
    EXPECT_EQ(asked.field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(asked.count("Content-Length"), 0U);
    EXPECT_EQ(asked.body, "abcdefg");
    fetch.send(ok("done"));
    EXPECT_EQ(client.read().body, "done");
}

TEST(bodies, a_policy_cannot_take_the_framing_away) {
    origin app;
    cache_process cache(app, "sub vcl_recv { unset req.http.Content-Length; unset req.http.Transfer-Encoding; }");
    auto client = cache.connect();
    client.send(post("/x", "GET /smuggled HTTP/1.1"));
    auto fetch = app.accept();
    EXPECT_EQ(fetch.read().body, "GET /smuggled HTTP/1.1");
}

TEST(bodies, a_large_body_goes_through_unchanged) {
    origin app;
    cache_process cache(app);
    auto client = cache.connect();
    std::string body;
    for (int i = 0; i < 20000; ++i) body += std::to_string(i);
    client.send(post("/x", body));
    auto fetch = app.accept();
    EXPECT_EQ(fetch.read().body, body);
}

TEST(bodies, expect_100_continue_is_answered_when_the_body_is_wanted) {
    origin app;
    cache_process cache(app);
    auto client = cache.connect();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(client.read().status(), 100);
    client.send("abc");
    auto fetch = app.accept();
    const auto asked = fetch.read();
    EXPECT_EQ(asked.body, "abc");
    EXPECT_EQ(asked.count("Expect"), 0U);
}

TEST(bodies, a_get_is_sent_again_when_a_reused_connection_ends) {
    origin app;
    cache_process cache(app);
    auto client = cache.connect();
    auto reused = pooled(app, client);
    client.send(get("/x"));
    const auto first = reused.read();
    reused.close();
    auto fresh = app.accept();
    const auto second = fresh.read();
    EXPECT_EQ(first.field("X-Varnish"), second.field("X-Varnish")) << "two attempts of one fetch";
    fresh.send(ok("done"));
    EXPECT_EQ(client.read().body, "done");
}

TEST(bodies, a_get_is_not_sent_again_when_a_fresh_connection_ends) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.close();
    const auto answer = client.read();
    EXPECT_EQ(answer.status(), 503);
    EXPECT_EQ(answer.field("Retry-After"), "5");
    EXPECT_TRUE(app.unasked());
    client.send(get("/y"));
    app.accept().read();  // the client's connection lives on
}

TEST(bodies, a_post_is_never_sent_again_by_itself) {
    for (const auto policy : {"", keeps}) {
        origin app;
        cache_process cache(app, policy);
        auto client = cache.connect();
        auto reused = pooled(app, client);
        client.send(post("/x", "hello"));
        EXPECT_EQ(reused.read().body, "hello");
        reused.close();
        EXPECT_EQ(client.read().status(), 503);
        EXPECT_TRUE(app.unasked());
    }
}

TEST(bodies, a_retry_carries_the_kept_body_and_a_new_id) {
    origin app;
    cache_process cache(app, std::string(keeps) + retries);
    auto [client, first, one] = begin(cache, app, post("/x", "hello"));
    first.close();
    auto second = app.accept();
    const auto two = second.read();
    EXPECT_EQ(two.body, "hello");
    EXPECT_NE(one.field("X-Varnish"), two.field("X-Varnish"));
    second.send(ok("done"));
    EXPECT_EQ(client.read().body, "done");
}

TEST(bodies, a_retry_without_the_body_is_not_made) {
    origin app;
    cache_process cache(app, retries);
    auto [client, first, asked] = begin(cache, app, post("/x", "hello"));
    first.close();
    EXPECT_EQ(client.read().status(), 503);
    EXPECT_TRUE(app.unasked());
}

TEST(bodies, a_body_longer_than_may_be_kept_is_said_to_be) {
    origin app;
    cache_process cache(app, keeps);
    auto client = cache.connect();
    client.send(post("/x", std::string(11 * 1024, 'x')));
    EXPECT_EQ(client.read().status(), 413);
    EXPECT_TRUE(app.unasked());
}

TEST(bodies, a_client_that_goes_away_in_its_body_gets_nothing_and_the_origin_sees_the_end) {
    origin app;
    cache_process cache(app, retries);
    auto [client, fetch, asked] = begin(cache, app, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123", true);
    EXPECT_EQ(fetch.read_exactly(4), "0123");
    client.half_close();
    EXPECT_TRUE(fetch.at_end());
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(app.unasked());
}

TEST(bodies, an_early_answer_ends_the_sending_and_both_connections) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123", true);
    fetch.read_exactly(4);
    fetch.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno\n");
    const auto answer = client.read();
    EXPECT_EQ(answer.status(), 413);
    EXPECT_EQ(answer.field("Connection"), "close");
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(fetch.at_end());
}

TEST(bodies, interim_responses_are_read_over_while_the_body_is_sent) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc", true);
    fetch.read_exactly(3);
    fetch.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    cache.sync();
    client.send("def");
    EXPECT_EQ(fetch.read_exactly(3), "def");
    fetch.send(ok("done"));
    EXPECT_EQ(client.read().status(), 103);
    EXPECT_EQ(client.read().body, "done");
}

TEST(bodies, no_100_continue_follows_the_final_answer) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }");
    auto client = cache.connect();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\nabc");
    EXPECT_EQ(client.read().status(), 200);
    client.send("def" + get("/y"));
    EXPECT_EQ(client.read().status(), 200);
}

TEST(bodies, the_body_of_a_request_that_needs_none_is_skipped) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }");
    auto client = cache.connect();
    client.send(post("/x", "GET /smuggled HTTP/1.1") + get("/y"));
    EXPECT_EQ(client.read().status(), 200);
    EXPECT_EQ(client.read().status(), 200);
    cache.sync();
    EXPECT_TRUE(client.silent());
}

}  // namespace
}  // namespace badorigin::cache::testing
