// What variables, modules and directors of a policy bring about in the cache.
#include <set>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

/// A policy that answers by itself, with what these statements set in resp.http.
std::string answers(const std::string& before, const std::string& statements) {
    return before + "sub vcl_recv { return (synth(200)); } sub vcl_synth { " + statements + " return (deliver); }";
}

TEST(policy, hash_ignore_vary_takes_any_variant) {
    origin app;
    cache_process cache(app, "sub vcl_recv { if (req.http.X-Any) { set req.hash_ignore_vary = true; } }");
    ask(cache, app, get("/x", "Accept: a\r\n"), ok("for a", "Cache-Control: max-age=30\r\nVary: Accept\r\n"));
    EXPECT_EQ(ask(cache, get("/x", "Accept: b\r\nX-Any: yes\r\n")).body, "for a");
    EXPECT_EQ(ask(cache, app, get("/x", "Accept: b\r\n"), ok("for b", "Cache-Control: max-age=30\r\nVary: Accept\r\n")).body, "for b");
}

TEST(policy, a_soft_purge_leaves_a_stale_copy_and_a_hard_one_nothing) {
    origin app;
    cache_process cache(app, R"(import purge;
sub vcl_recv { if (req.method == "SOFT" || req.method == "HARD") { return (hash); } }
sub vcl_hit {
    if (req.method == "SOFT") { return (synth(200, "" + purge.soft())); }
    if (req.method == "HARD") { return (synth(200, "" + purge.hard())); }
}
sub vcl_miss { if (req.method == "HARD") { return (synth(404)); } }
sub vcl_backend_response { set beresp.ttl = 30s; set beresp.grace = 30s; })");
    const std::string soft = "SOFT /x HTTP/1.1\r\nHost: a\r\n\r\n", hard = "HARD /x HTTP/1.1\r\nHost: a\r\n\r\n";
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("one"), &fetch);
    EXPECT_EQ(ask(cache, soft).start_line, "HTTP/1.1 200 1");
    EXPECT_EQ(ask(cache, get("/x")).body, "one") << "within its grace";
    fetch.read();
    fetch.send(ok("two"));
    cache.sync();
    EXPECT_EQ(ask(cache, get("/x")).body, "two");
    EXPECT_EQ(ask(cache, hard).start_line, "HTTP/1.1 200 1");
    EXPECT_EQ(ask(cache, hard).status(), 404);
}

TEST(policy, a_policy_says_how_long_a_client_may_be_idle) {
    origin app;
    cache_process cache(app, answers("", "set sess.timeout_idle = 2s; set resp.http.T = sess.timeout_idle;"));
    auto client = cache.connect();
    client.send(get("/"));
    EXPECT_EQ(client.read().field("T"), "2.000");
    cache.advance(1s);
    EXPECT_TRUE(client.silent());
    cache.advance(1s);
    EXPECT_TRUE(client.at_end());
}

TEST(policy, can_gzip_is_what_the_client_says) {
    origin app;
    cache_process cache(app, answers("", "set resp.http.G = req.can_gzip;"));
    for (const auto& [accepted, wanted] : std::vector<std::pair<std::string, std::string>>{
             {"gzip", "true"}, {"br, x-gzip;q=0.5", "true"}, {"gzip;q=0", "false"}, {"gzip;q=0.0", "false"}, {"br", "false"}}) {
        EXPECT_EQ(ask(cache, get("/", "Accept-Encoding: " + accepted + "\r\n")).field("G"), wanted) << accepted;
    }
    EXPECT_EQ(ask(cache, get("/")).field("G"), "false");
}

TEST(policy, cookies_are_kept_through_the_subroutines_of_a_request_and_not_beyond) {
    origin app;
    cache_process cache(app, R"(import cookie;
sub vcl_recv { if (req.http.Cookie) { cookie.parse(req.http.Cookie); } return (synth(200)); }
sub vcl_synth { set resp.http.C = cookie.get("a"); return (deliver); })");
    auto client = cache.connect();
    client.send(get("/", "Cookie: a=1\r\n"));
    EXPECT_EQ(client.read().field("C"), "1");
    client.send(get("/"));
    EXPECT_EQ(client.read().field("C"), "");
}

constexpr auto three = R"(import directors;
backend b1 { .host = "192.0.2.1"; } backend b2 { .host = "192.0.2.2"; } backend b3 { .host = "192.0.2.3"; .probe = { .initial = 0; .interval = 1d; } }
sub vcl_init { new s = directors.shard(); s.add_backend(b1); s.add_backend(b2); s.add_backend(b3); s.reconfigure(); }
)";

TEST(directors, shard_has_an_order_of_all_backends_for_each_key) {
    origin app;
    cache_process cache(app, answers(three, R"(
    set resp.http.First = s.backend(by = KEY, key = s.key(req.url), healthy = IGNORE);
    set resp.http.Second = s.backend(by = KEY, key = s.key(req.url), alt = 1, healthy = IGNORE);
    set resp.http.Third = s.backend(by = KEY, key = s.key(req.url), alt = 2, healthy = IGNORE);
    set resp.http.Chosen = s.backend(by = KEY, key = s.key(req.url));
    set resp.http.Url = s.backend(by = URL);)"));
    std::map<std::string, int> first;
    for (int i = 0; i < 60; ++i) {
        const auto said = ask(cache, get(fmt::format("/{}", i)));
        const std::vector<std::string> order{said.field("First"), said.field("Second"), said.field("Third")};
        EXPECT_EQ(std::set<std::string>(order.begin(), order.end()).size(), 3U) << i;
        EXPECT_EQ(said.field("Chosen"), order[0] == "b3" ? order[1] : order[0]) << "the sick one's share goes to the next in order";
        EXPECT_NE(said.field("Url"), "b3");
        ++first[order[0]];
    }
    for (const auto* each : {"b1", "b2", "b3"}) EXPECT_GT(first[each], 8) << each;
}

TEST(directors, a_sticky_fallback_stays_where_it_is) {
    for (const bool sticky : {true, false}) {
        origin app, spare;
        cache_process cache(app, fmt::format(R"(import directors;
backend first {{ .host = "127.0.0.1"; .port = "{}"; .probe = {{ .initial = 0; .threshold = 1; .interval = 10s; }} }}
backend second {{ .host = "127.0.0.1"; .port = "{}"; }}
sub vcl_init {{ new d = directors.fallback(sticky = {}); d.add_backend(first); d.add_backend(second); }}
sub vcl_recv {{ set req.backend_hint = d.backend(); return (pass); }})",
                                             app.port(), spare.port(), sticky));
        auto probe = app.accept();
        probe.read();
        probe.close();
        cache.sync();
        wire fetch(-1);
        EXPECT_EQ(ask(cache, spare, get("/"), ok("second"), &fetch).body, "second");
        cache.advance(10s);
        auto good = app.accept();
        good.read();
        good.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        good.close();
        cache.sync();
        auto client = cache.connect();
        client.send(get("/"));
        if (sticky) {
            fetch.read();
            fetch.send(ok("second again"));
            EXPECT_EQ(client.read().body, "second again");
        } else {
            auto back = app.accept();
            back.read();
            back.send(ok("first"));
            EXPECT_EQ(client.read().body, "first");
        }
    }
}

TEST(saint_mode, says_what_is_listed) {
    origin app;
    cache_process cache(app, R"(import saintmode;
sub vcl_init { new sm = saintmode.saintmode(app, 10); }
sub vcl_recv { set req.backend_hint = sm.backend(); if (req.url == "/status") { return (synth(200, sm.blacklist_count() + "")); } }
sub vcl_synth { set resp.body = saintmode.status(); return (deliver); }
sub vcl_backend_response { saintmode.blacklist(10s); })");
    ask(cache, app, get("/x"), ok("one"));
    const auto said = ask(cache, get("/status"));
    EXPECT_EQ(said.start_line, "HTTP/1.1 200 1");
    const auto status = nlohmann::json::parse(said.body);
    EXPECT_EQ(status["saintmode"][0]["name"], "sm");
    EXPECT_EQ(status["saintmode"][0]["backend"], "app");
    EXPECT_EQ(status["saintmode"][0]["count"], "1");
    EXPECT_EQ(status["saintmode"][0]["threshold"], "10");
}

}  // namespace
}  // namespace badorigin::cache::testing
