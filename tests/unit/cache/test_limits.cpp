// .max_connections of a backend: what a full one does, as in Varnish 7.1: nobody queues, the fetch fails at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {

/// A backend of its own, since the test's comes without a limit.
std::string limited(const origin& app, std::string_view more = {}) {
    return "backend small { .host = \"127.0.0.1\"; .port = \"" + std::to_string(app.port()) + "\"; .max_connections = 1; " +
           std::string(more) + " } sub vcl_recv { set req.backend_hint = small; }";
}

TEST(max_connections, request_for_a_full_backend_fails_at_once_and_is_not_queued) {
    origin app;
    cache_process cache(app, limited(app));
    auto first = cache.connect();
    first.send(get("/slow"));
    auto fetch = app.accept();
    fetch.read();
    EXPECT_EQ(ask(cache, get("/other")).status(), 503);
    EXPECT_TRUE(app.unasked());
    fetch.send(ok("slow"));
    EXPECT_EQ(first.read().body, "slow") << "who has the connection is not disturbed";
}

TEST(max_connections, idle_connection_takes_no_place) {
    origin app;
    cache_process cache(app, limited(app));
    wire kept(-1);
    EXPECT_EQ(ask(cache, app, get("/one"), ok("one"), &kept).body, "one");
    auto client = cache.connect();
    client.send(get("/two"));
    kept.read();
    kept.send(ok("two"));
    EXPECT_EQ(client.read().body, "two");
}

TEST(max_connections, place_is_free_again_after_a_connection_that_broke) {
    origin app;
    cache_process cache(app, limited(app));
    auto client = cache.connect();
    client.send(get("/broken"));
    auto fetch = app.accept();
    fetch.read();
    fetch.reset();
    EXPECT_EQ(client.read().status(), 503);
    EXPECT_EQ(ask(cache, app, get("/next"), ok("next")).body, "next");
}

TEST(max_connections, probe_needs_no_place) {
    origin app;
    cache_process cache(app, limited(app, ".probe = { .url = \"/up\"; .interval = 5s; .initial = 8; .timeout = 60s; }"));
    auto probe = app.accept();  // in flight, and not answered
    auto client = cache.connect();
    client.send(get("/x"));
    auto fetch = app.accept();
    fetch.read();
    fetch.send(ok("one"));
    EXPECT_EQ(client.read().body, "one");
}

TEST(max_connections, full_backend_is_hidden_by_a_stale_response) {
    origin app;
    cache_process cache(app, limited(app) + " sub vcl_backend_response { set beresp.ttl = 10s; set beresp.grace = 60s; }");
    wire kept(-1);
    ask(cache, app, get("/page"), ok("page"), &kept);
    cache.advance(std::chrono::seconds(20));
    auto busy = cache.connect();
    busy.send(get("/slow"));
    kept.read();
    EXPECT_EQ(ask(cache, get("/page")).body, "page");
    cache.sync();
    EXPECT_EQ(ask(cache, get("/page")).body, "page") << "the failed refresh takes nothing away";
    kept.send(ok("slow"));
    EXPECT_EQ(busy.read().body, "slow");
}

}  // namespace
}  // namespace badorigin::cache::testing
