// What there may be so many of: connections of a backend (a full one fails the fetch at once, as in Varnish 7.1) and of clients.
#include <filesystem>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

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

using namespace std::chrono_literals;

/// Answers by itself, but /slow, which it asks the origin for.
constexpr auto mostly_alone = "sub vcl_recv { if (req.url != \"/slow\") { return (synth(200)); } return (pass); }";

class most_connections : public ::testing::Test {
protected:
    /// A connection that was served and waits for its next request.
    wire kept() {
        auto out = cache.connect();
        EXPECT_TRUE(is_served(out));
        return out;
    }
    bool is_served(wire& client) {
        client.send(get("/x"));
        return client.read().status() == 200;
    }
    /// A connection whose request the origin has not answered; its fetch.
    std::pair<wire, wire> working() {
        auto client = cache.connect();
        client.send(get("/slow"));
        auto fetch = app.accept();
        fetch.read();
        return {std::move(client), std::move(fetch)};
    }
    /// Descriptors for so many more.
    void leave_descriptors(rlim_t more) {
        cache.sync();
        rlim_t free = 0;
        const auto is_open = [&](rlim_t which) { return std::filesystem::exists(fmt::format("/proc/{}/fdinfo/{}", cache.pid(), which)); };
        for (rlim_t left = more + 1; left > 0; ++free) left -= is_open(free) ? 0 : 1;
        rlimit allowed{};
        ASSERT_EQ(::prlimit(cache.pid(), RLIMIT_NOFILE, nullptr, &allowed), 0);
        allowed.rlim_cur = free - 1;
        ASSERT_EQ(::prlimit(cache.pid(), RLIMIT_NOFILE, &allowed, nullptr), 0);
    }
    origin app;
    cache_process cache{app, mostly_alone, {}, {"--most-connections", "2"}};
};

TEST_F(most_connections, one_more_makes_the_kept_connection_go_that_has_waited_longest) {
    auto first = kept(), second = kept();
    EXPECT_TRUE(is_served(first)) << "now the second has waited longer";
    auto third = kept();
    EXPECT_TRUE(second.at_end());
    EXPECT_TRUE(is_served(first));
    EXPECT_TRUE(is_served(third));
    EXPECT_EQ(cache.ask({{"do", "status"}})["clients"], (nlohmann::json{{"open", 2}, {"most", 2}, {"gave_way", 1}}));
}

TEST_F(most_connections, where_all_work_a_newcomer_waits_for_one_to_end) {
    auto [one, fetch] = working();
    auto [other, other_fetch] = working();
    auto newcomer = cache.connect();
    newcomer.send(get("/x"));
    cache.sync();
    EXPECT_TRUE(newcomer.silent());
    fetch.send(ok("slow"));
    EXPECT_EQ(one.read().body, "slow");
    EXPECT_TRUE(one.at_end()) << "it would have been kept";
    EXPECT_EQ(newcomer.read().status(), 200);
    EXPECT_TRUE(other.silent());
}

TEST_F(most_connections, who_is_served_while_others_wait_is_told_that_the_connection_closes) {
    auto [one, fetch] = working();
    auto [other, other_fetch] = working();
    auto newcomer = cache.connect();
    newcomer.send(get("/x"));
    one.send(get("/x"));  // pipelined: there before the newcomer could be let in
    cache.sync();
    fetch.send(ok("slow"));
    EXPECT_EQ(one.read().count("Connection"), 0U) << "it began before";
    EXPECT_EQ(one.read().field("Connection"), "close");
    EXPECT_TRUE(one.at_end());
    one.close();
    EXPECT_EQ(newcomer.read().status(), 200);
}

TEST_F(most_connections, who_says_nothing_has_its_place_until_its_time_is_over) {
    auto silent = cache.connect(), slow = cache.connect();
    slow.send("GET /x HTTP/1.1\r\n");
    auto newcomer = cache.connect();
    newcomer.send(get("/x"));
    cache.advance(4s);
    EXPECT_TRUE(newcomer.silent());
    cache.advance(2s);
    EXPECT_TRUE(silent.at_end());
    EXPECT_EQ(newcomer.read().status(), 200);
    slow.send("Host: a\r\n\r\n");
    EXPECT_EQ(slow.read().status(), 200);
}

TEST_F(most_connections, a_place_is_free_again_however_its_connection_ended) {
    for (int i = 0; i < 5; ++i) {
        auto reset = kept(), closed = kept(), refused = cache.connect();
        refused.send("rubbish\r\n\r\n");
        EXPECT_EQ(refused.read().status(), 400);
        closed.close();
        reset.reset();
    }
    cache.sync();
    EXPECT_EQ(cache.ask({{"do", "status"}})["clients"]["open"], 0);
}

TEST_F(most_connections, without_a_descriptor_a_kept_connection_goes_for_the_newcomer) {
    auto first = kept();
    leave_descriptors(0);
    auto newcomer = kept();
    EXPECT_TRUE(first.at_end());
}

TEST_F(most_connections, without_a_descriptor_and_without_a_kept_connection_the_newcomer_waits_and_costs_nothing) {
    auto [one, fetch] = working();
    leave_descriptors(0);
    auto newcomer = cache.connect();
    newcomer.send(get("/x"));
    const auto before = cache.sync()["activity"];
    EXPECT_EQ(cache.sync()["activity"], before);
    EXPECT_TRUE(newcomer.silent());
    cache.advance(1s);
    EXPECT_TRUE(newcomer.silent()) << "ten times in vain";
    leave_descriptors(1);
    cache.advance(200ms);
    EXPECT_EQ(newcomer.read().status(), 200);
    fetch.send(ok("slow"));
    EXPECT_EQ(one.read().body, "slow");
}

}  // namespace
}  // namespace badorigin::cache::testing
