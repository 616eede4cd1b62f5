// Requests and answers: hits, misses, passes, conditions, connections.
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

TEST(requests, a_miss_is_stored_and_a_hit_names_its_fetch_and_its_age) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    EXPECT_EQ(asked.start_line, "GET /x HTTP/1.1");
    EXPECT_EQ(asked.field("X-Forwarded-For"), "127.0.0.1");
    EXPECT_EQ(asked.field("Via"), "1.1 badorigin");
    fetch.send(ok("first"));
    const auto miss = client.read();
    EXPECT_EQ(miss.body, "first");
    EXPECT_EQ(miss.field("Age"), "0");
    EXPECT_EQ(miss.field("X-Varnish").find(' '), std::string::npos);

    cache.advance(12s);
    client = cache.connect();
    client.send(get("/x"));
    const auto hit = client.read();
    EXPECT_EQ(hit.body, "first");
    EXPECT_EQ(hit.field("Age"), "12");
    EXPECT_TRUE(hit.field("X-Varnish").ends_with(" " + asked.field("X-Varnish")));
    EXPECT_TRUE(fetch.silent());
    EXPECT_TRUE(app.unasked());
}

TEST(requests, the_age_a_response_came_with_counts_against_its_lifetime) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.grace = 0s; }");
    wire fetch(-1);
    EXPECT_EQ(ask(cache, app, get("/x"), ok("first", "Cache-Control: max-age=30\r\nAge: 20\r\n"), &fetch).field("Age"), "20");
    cache.advance(11s);
    auto client = cache.connect();
    client.send(get("/x"));
    EXPECT_EQ(fetch.read().start_line, "GET /x HTTP/1.1");
}

TEST(requests, two_at_once_are_one_fetch) {
    origin app;
    cache_process cache(app);
    auto one = cache.connect(), two = cache.connect();
    one.send(get("/x"));
    auto fetch = app.accept();
    fetch.read();
    two.send(get("/x"));
    cache.sync();
    EXPECT_TRUE(app.unasked());
    EXPECT_TRUE(two.silent());
    fetch.send(ok("both"));
    EXPECT_EQ(one.read().body, "both");
    EXPECT_EQ(two.read().body, "both");
}

TEST(requests, who_waited_for_a_failed_fetch_shares_its_failure_and_who_comes_later_asks_again) {
    origin app;
    cache_process cache(app, "sub vcl_deliver { set resp.http.X-Mine = req.url + req.http.X-Who; }");
    auto one = cache.connect(), two = cache.connect(), three = cache.connect();
    one.send(get("/x", "X-Who: 1\r\n"));
    auto first = app.accept();
    first.read();
    two.send(get("/x", "X-Who: 2\r\n"));
    three.send(get("/x", "X-Who: 3\r\n"));
    cache.sync();
    first.close();
    EXPECT_EQ(one.read().status(), 503);
    const auto shared = two.read();
    EXPECT_EQ(shared.status(), 503);
    EXPECT_EQ(shared.field("X-Mine"), "/x2");
    EXPECT_EQ(three.read().status(), 503);
    EXPECT_TRUE(app.unasked());
    two.send(get("/x"));
    auto second = app.accept();
    second.read();
    second.send(ok("second"));
    EXPECT_EQ(two.read().body, "second");
}

TEST(requests, who_waited_for_what_cannot_be_shared_fetches_at_once) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.ttl = 0s; set beresp.grace = 0s; return (deliver); }");
    auto one = cache.connect(), two = cache.connect(), three = cache.connect();
    one.send(get("/x"));
    auto first = app.accept();
    first.read();
    two.send(get("/x"));
    three.send(get("/x"));
    cache.sync();
    first.send(ok("one"));
    EXPECT_EQ(one.read().body, "one");
    auto second = app.accept();
    second.read();
    first.read();
    second.send(ok("own"));
    first.send(ok("own"));
    EXPECT_EQ(two.read().body, "own");
    EXPECT_EQ(three.read().body, "own");
}

TEST(requests, nobody_waits_for_anothers_fetch_for_ever) {
    origin app;
    cache_process cache(app, "sub vcl_backend_fetch { set bereq.first_byte_timeout = 1h; }");
    auto one = cache.connect(), two = cache.connect();
    one.send(get("/x"));
    auto fetch = app.accept();
    fetch.read();
    two.send(get("/x"));
    cache.advance(121s);
    EXPECT_EQ(two.read().status(), 503);
    fetch.send(ok("late"));
    EXPECT_EQ(one.read().body, "late");
}

TEST(requests, what_must_not_be_stored_is_fetched_by_each_waiter_at_once) {
    origin app;
    cache_process cache(app);
    auto one = cache.connect(), two = cache.connect(), three = cache.connect();
    one.send(get("/x"));
    auto first = app.accept();
    first.read();
    two.send(get("/x"));
    three.send(get("/x"));
    cache.sync();
    first.send(ok("one", "Cache-Control: private\r\n"));
    EXPECT_EQ(one.read().body, "one");
    auto second = app.accept();
    first.read();
    second.read();
    second.send(ok("two", "Cache-Control: private\r\n"));
    first.send(ok("two", "Cache-Control: private\r\n"));
    EXPECT_EQ(two.read().body, "two");
    EXPECT_EQ(three.read().body, "two");
}

TEST(requests, a_condition_that_holds_is_answered_with_304_from_the_store) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.send(ok("first", "Cache-Control: max-age=30\r\nETag: \"a\"\r\n"));
    EXPECT_EQ(client.read().status(), 200);
    client.send(get("/x", "If-None-Match: \"a\"\r\n"));
    EXPECT_EQ(client.read().status(), 304);
    client.send(get("/x", "If-None-Match: \"b\"\r\n"));
    EXPECT_EQ(client.read().status(), 200);
    client.send(get("/x", "Range: bytes=1-2\r\n"));
    const auto part = client.read();
    EXPECT_EQ(part.status(), 206);
    EXPECT_EQ(part.body, "ir");
}

TEST(requests, pipelined_requests_are_answered_in_order) {
    origin app;
    cache_process cache(app, "sub vcl_recv { if (req.url ~ \"^/s\") { return (synth(200, \"Made\")); } }");
    auto client = cache.connect();
    client.send(get("/s1") + get("/x") + get("/s2"));
    EXPECT_EQ(client.read().start_line, "HTTP/1.1 200 Made");
    auto fetch = app.accept();
    fetch.read();
    EXPECT_TRUE(client.silent());
    fetch.send(ok("x"));
    EXPECT_EQ(client.read().body, "x");
    EXPECT_EQ(client.read().start_line, "HTTP/1.1 200 Made");
}

TEST(requests, head_is_answered_from_the_fetch_of_a_get) {
    origin app;
    cache_process cache(app);
    auto client = cache.connect();
    client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    auto fetch = app.accept();
    EXPECT_EQ(fetch.read().start_line, "GET /x HTTP/1.1");
    fetch.send(ok("12345"));
    EXPECT_EQ(client.read(true).field("Content-Length"), "5");
    cache.sync();
    EXPECT_TRUE(client.silent());
}

TEST(requests, a_client_of_http_1_0_gets_a_length_and_the_end) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, "GET /x HTTP/1.0\r\n\r\n");
    fetch.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    const auto answer = client.read();
    EXPECT_EQ(answer.body, "abc");
    EXPECT_EQ(answer.field("Connection"), "close");
    EXPECT_EQ(answer.count("Transfer-Encoding"), 0U);
    EXPECT_TRUE(client.at_end());
}

TEST(requests, what_is_malformed_is_refused_and_the_connection_closed) {
    origin app;
    cache_process cache(app);
    for (const auto bad : {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\rHost: a\r\n\r\n", "GET /\r\n",
                           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
        auto client = cache.connect();
        client.send(bad);
        EXPECT_EQ(client.read().status(), 400) << bad;
        EXPECT_TRUE(client.at_end()) << bad;
    }
    EXPECT_TRUE(app.unasked());
}

TEST(requests, what_is_too_long_is_refused_by_the_status_that_says_what) {
    origin app;
    cache_process cache(app);
    const std::string much(64 * 1024, 'a');
    for (const auto& [request, status] : {std::pair(get("/" + much), 414), std::pair(get("/", "X-Long: " + much + "\r\n"), 431)}) {
        auto client = cache.connect();
        client.send(request);
        EXPECT_EQ(client.read().status(), status);
        EXPECT_TRUE(client.at_end());
    }
    EXPECT_TRUE(app.unasked());
}

TEST(requests, variants_do_not_mix) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x", "Accept-Language: en\r\n"));
    fetch.send(ok("english", "Cache-Control: max-age=30\r\nVary: Accept-Language\r\n"));
    EXPECT_EQ(client.read().body, "english");
    client.send(get("/x", "Accept-Language: de\r\n"));
    fetch.read();
    fetch.send(ok("deutsch", "Cache-Control: max-age=30\r\nVary: Accept-Language\r\n"));
    EXPECT_EQ(client.read().body, "deutsch");
    client.send(get("/x", "Accept-Language: en\r\n"));
    EXPECT_EQ(client.read().body, "english");
}

TEST(requests, bans_and_purges_make_the_next_request_fetch) {
    origin app;
    cache_process cache(app, "sub vcl_recv { if (req.method == \"PURGE\") { return (purge); } }");
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.send(ok("one"));
    EXPECT_EQ(client.read().body, "one");
    EXPECT_EQ(cache.ask({{"do", "ban"}, {"expression", "req.url ~ \"^/x\""}})["ok"], true);
    client.send(get("/x"));
    fetch.read();
    fetch.send(ok("two"));
    EXPECT_EQ(client.read().body, "two");
    client.send("PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read().status(), 200);
    client.send(get("/x"));
    fetch.read();
    fetch.send(ok("three"));
    EXPECT_EQ(client.read().body, "three");
    EXPECT_EQ(cache.ask({{"do", "ban"}, {"expression", "nonsense"}})["ok"], false);
}

TEST(requests, a_restart_asks_again_by_its_new_url) {
    origin app;
    cache_process cache(app,
                        "sub vcl_deliver { if (resp.status == 404 && req.restarts == 0) { set req.url = \"/other\"; return (restart); } }");
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(fetch.read().start_line, "GET /other HTTP/1.1");
    fetch.send(ok("other"));
    EXPECT_EQ(client.read().body, "other");
}

TEST(requests, a_body_that_is_set_again_takes_the_place_of_the_first) {
    origin app;
    cache_process cache(
        app, "sub vcl_recv { return (synth(200)); } sub vcl_synth { set resp.body = \"a\"; set resp.body += \"b\"; return (deliver); }");
    auto client = cache.connect();
    client.send(get("/x"));
    EXPECT_EQ(client.read().body, "ab");
}

TEST(requests, a_policy_that_restarts_every_answer_ends_with_a_503) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); } sub vcl_synth { return (restart); }");
    auto client = cache.connect();
    client.send(get("/x"));
    EXPECT_EQ(client.read().status(), 503);
}

TEST(requests, a_pipe_is_raw_both_ways_and_ends_half_by_half) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (pipe); }");
    auto [client, piped, asked] = begin(cache, app, post("/x", "12345") + "more");
    EXPECT_EQ(asked.field("Connection"), "close");
    EXPECT_EQ(asked.body, "12345");
    EXPECT_EQ(piped.read_exactly(4), "more");
    piped.send("anything");
    EXPECT_EQ(client.read_exactly(8), "anything");
    client.half_close();
    EXPECT_TRUE(piped.at_end());
    piped.send("still");
    EXPECT_EQ(client.read_exactly(5), "still");
    piped.close();
    EXPECT_TRUE(client.at_end());
}

TEST(requests, a_piped_body_goes_through_though_it_was_to_be_kept) {
    origin app;
    cache_process cache(app, "import std; sub vcl_recv { std.cache_req_body(1KB); return (pipe); }");
    auto client = cache.connect();
    client.send(post("/x", "12345"));
    EXPECT_EQ(app.accept().read().body, "12345");
}

TEST(requests, a_piped_client_that_waits_for_100_continue_gets_it) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (pipe); }");
    auto client = cache.connect();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(client.read().status(), 100);
    client.send("abc");
    EXPECT_EQ(app.accept().read().body, "abc");
}

TEST(requests, configurations_are_loaded_used_and_discarded) {
    origin app;
    cache_process cache(app);
    EXPECT_EQ(cache.ask({{"do", "load"}, {"name", "v2"}, {"file", "/nonexistent.vcl"}})["ok"], false);
    EXPECT_EQ(cache.ask({{"do", "use"}, {"name", "v2"}})["ok"], false);
    EXPECT_EQ(cache.ask({{"do", "discard"}, {"name", "boot"}})["ok"], false);
    EXPECT_EQ(cache.ask({{"do", "jump"}})["ok"], false);
    const auto status = cache.ask({{"do", "status"}});
    EXPECT_EQ(status["backends"][0]["name"], "app");
    EXPECT_EQ(status["objects"], 0);
}

TEST(requests, two_equal_counts_of_activity_mean_that_nothing_happened) {
    origin app;
    cache_process cache(app);
    const auto before = cache.sync()["activity"].get<int>();
    EXPECT_EQ(cache.sync()["activity"], before);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    const auto state = cache.sync();
    EXPECT_GT(state["activity"].get<int>(), before);
    EXPECT_EQ(state["unacked"], 0);
}

}  // namespace
}  // namespace badorigin::cache::testing
