// What only time brings about: grace, saint mode, timeouts, probes.
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

TEST(grace, stale_is_served_at_once_and_refreshed_once_behind_it) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.ttl = 30s; set beresp.grace = 30s; }");
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("one"), &fetch);
    cache.advance(35s);
    for (int i = 0; i < 2; ++i) {
        const auto stale = ask(cache, get("/x"));
        EXPECT_EQ(stale.body, "one");
        EXPECT_EQ(stale.field("Age"), "35");
    }
    fetch.read();
    cache.sync();
    EXPECT_TRUE(fetch.silent());
    EXPECT_TRUE(app.unasked());
    fetch.send(ok("two"));
    cache.sync();
    const auto fresh = ask(cache, get("/x"));
    EXPECT_EQ(fresh.body, "two");
    EXPECT_EQ(fresh.field("Age"), "0");
}

TEST(grace, a_failed_refresh_leaves_the_stale_response_and_the_next_request_tries_again) {
    origin app;
    cache_process cache(
        app, "sub vcl_backend_response { set beresp.ttl = 30s; set beresp.grace = 30s; if (beresp.status >= 500) { return (abandon); } }");
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("one"), &fetch);
    cache.advance(35s);
    EXPECT_EQ(ask(cache, get("/x")).body, "one");
    fetch.read();
    fetch.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    cache.sync();
    EXPECT_EQ(ask(cache, get("/x")).body, "one");
    fetch.read();
    fetch.close();
    cache.advance(24s);
    EXPECT_EQ(ask(cache, get("/x")).body, "one");
    app.accept().read();
    cache.advance(2s);
    auto [client, last, asked] = begin(cache, app, get("/x"));
    EXPECT_TRUE(client.silent()) << "beyond ttl and grace nothing stale is served";
}

// R1.6: 200, stale while the origin fails, then silence towards it for the whole window.
TEST(saint_mode, keeps_away_from_the_origin_for_its_window) {
    origin app;
    cache_process cache(app, R"(
import saintmode;
sub vcl_init { new sm = saintmode.saintmode(app, 10); }
sub vcl_backend_fetch { set bereq.backend = sm.backend(); }
sub vcl_backend_response {
    if (beresp.status >= 500) {
        saintmode.blacklist(90s);
        if (bereq.is_bgfetch) { return (abandon); }
        return (retry);
    }
    set beresp.ttl = 30s;
    set beresp.grace = 30s;
})");
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("one"), &fetch);
    cache.advance(34s);
    EXPECT_EQ(ask(cache, get("/x")).field("Age"), "34");
    fetch.read();
    fetch.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    cache.advance(43s);
    const auto refused = ask(cache, get("/x"));
    EXPECT_EQ(refused.status(), 503);
    EXPECT_EQ(refused.field("Retry-After"), "5");
    EXPECT_TRUE(app.unasked());
    cache.advance(60s);
    auto [client, again, asked] = begin(cache, app, get("/x"));
    again.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(client.read().status(), 503);
}

TEST(saint_mode, with_a_second_origin_the_request_goes_there) {
    origin app, spare;
    cache_process cache(app, "backend spare { .host = \"127.0.0.1\"; .port = \"" + std::to_string(spare.port()) + R"("; }
import saintmode;
import directors;
sub vcl_init {
    new one = saintmode.saintmode(app, 10);
    new two = saintmode.saintmode(spare, 10);
    new both = directors.fallback();
    both.add_backend(one.backend());
    both.add_backend(two.backend());
}
sub vcl_recv { set req.backend_hint = both.backend(); }
sub vcl_backend_response { if (beresp.status >= 500) { saintmode.blacklist(90s); return (retry); } })");
    auto [client, first, asked] = begin(cache, app, get("/x"));
    first.send("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    auto second = spare.accept();
    second.read();
    second.send(ok("from the second"));
    EXPECT_EQ(client.read().body, "from the second");
}

TEST(timeouts, an_origin_that_does_not_answer_is_given_up_after_its_time) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    cache.advance(59s);
    EXPECT_TRUE(client.silent());
    cache.advance(1s);
    EXPECT_EQ(client.read().status(), 503);
    EXPECT_TRUE(fetch.at_end());
}

TEST(timeouts, an_idle_client_is_closed_after_five_seconds_and_a_slow_head_after_ten) {
    origin app;
    cache_process cache(app);
    auto idle = cache.connect(), slow = cache.connect();
    slow.send("GET / HT");
    cache.advance(4s);
    slow.send("TP/1.1\r\n");
    cache.advance(1s);
    EXPECT_TRUE(idle.at_end());
    cache.advance(4s);
    EXPECT_TRUE(slow.silent());
    cache.advance(1s);
    EXPECT_TRUE(slow.at_end());
}

TEST(timeouts, an_idle_origin_connection_is_closed_after_a_minute) {
    origin app;
    cache_process cache(app);
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("one"), &fetch);
    cache.advance(59s);
    EXPECT_TRUE(fetch.silent());
    cache.advance(1s);
    EXPECT_TRUE(fetch.at_end());
}

TEST(probes, decide_over_the_backend_and_fail_at_once_on_an_answer_without_a_header) {
    origin app, probed;
    cache_process cache(app, "backend watched { .host = \"127.0.0.1\"; .port = \"" + std::to_string(probed.port()) + R"(";
    .probe = { .url = "/health"; .interval = 10s; .timeout = 2s; .window = 2; .threshold = 1; .initial = 1; } }
sub vcl_recv { set req.backend_hint = watched; })");
    auto health = [&] { return cache.ask({{"do", "status"}})["backends"][1]["healthy"].get<bool>(); };
    auto probe = probed.accept();
    EXPECT_EQ(probe.read().start_line, "GET /health HTTP/1.1");
    EXPECT_TRUE(health());
    probe.send("<html>what?</html>");
    EXPECT_TRUE(probe.at_end());
    cache.advance(10s);
    probe = probed.accept();
    probe.read();
    probe.close();
    cache.sync();
    EXPECT_FALSE(health());
    EXPECT_EQ(ask(cache, get("/x")).status(), 503);
    EXPECT_TRUE(probed.unasked());
    cache.advance(10s);
    probe = probed.accept();
    probe.read();
    probe.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    probe.close();
    cache.sync();
    EXPECT_TRUE(health());
}

}  // namespace
}  // namespace badorigin::cache::testing
