// Responses that are delivered while they come.
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

class streaming : public ::testing::Test {
protected:
    /// One asks for /x; the origin sends this much of the answer.
    wire begin(const std::string& answer, const std::string& request = get("/x")) {
        auto client = cache.connect();
        client.send(request);
        fetch = app.accept();
        fetch.read();
        fetch.send(answer);
        return client;
    }
    origin app;
    cache_process cache{app};
    wire fetch{-1};
};

const std::string sized = "HTTP/1.1 200 OK\r\nCache-Control: max-age=30\r\nContent-Length: 6\r\n\r\nabc";
const std::string chunked = "HTTP/1.1 200 OK\r\nCache-Control: max-age=30\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";

TEST_F(streaming, a_client_gets_what_has_come_and_who_asks_meanwhile_goes_along) {
    auto one = begin(sized);
    EXPECT_EQ(one.read(true).field("Content-Length"), "6");
    EXPECT_EQ(one.read_exactly(3), "abc");
    auto two = cache.connect();
    two.send(get("/x"));
    EXPECT_EQ(two.read(true).status(), 200);
    EXPECT_EQ(two.read_exactly(3), "abc");
    fetch.send("def");
    EXPECT_EQ(one.read_exactly(3), "def");
    EXPECT_EQ(two.read_exactly(3), "def");
    EXPECT_TRUE(app.unasked());
    EXPECT_EQ(ask(cache, get("/x")).body, "abcdef");
    EXPECT_TRUE(fetch.silent());
}

TEST_F(streaming, who_waited_for_the_head_goes_along_too) {
    auto one = begin("");
    auto two = cache.connect();
    two.send(get("/x"));
    cache.sync();
    fetch.send(sized);
    EXPECT_EQ(two.read(true).status(), 200);
    EXPECT_EQ(two.read_exactly(3), "abc");
    fetch.send("def");
    EXPECT_EQ(one.read().body, "abcdef");
    EXPECT_EQ(two.read_exactly(3), "def");
}

TEST_F(streaming, without_a_length_it_is_chunked) {
    auto one = begin(chunked);
    cache.sync();
    fetch.send("3\r\ndef\r\n0\r\n\r\n");
    const auto answer = one.read();
    EXPECT_EQ(answer.field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(answer.count("Content-Length"), 0U);
    EXPECT_EQ(answer.body, "abcdef");
}

// R2.11
TEST_F(streaming, a_client_of_http_1_0_waits_for_the_length) {
    auto one = begin(chunked, "GET /x HTTP/1.0\r\nHost: a\r\n\r\n");
    cache.sync();
    EXPECT_TRUE(one.silent());
    fetch.send("3\r\ndef\r\n0\r\n\r\n");
    const auto answer = one.read();
    EXPECT_EQ(answer.field("Content-Length"), "6");
    EXPECT_EQ(answer.body, "abcdef");
}

TEST_F(streaming, who_asks_for_a_range_waits_for_the_whole) {
    auto one = begin(sized);
    auto two = cache.connect();
    two.send(get("/x", "Range: bytes=2-3\r\n"));
    cache.sync();
    EXPECT_TRUE(two.silent());
    fetch.send("def");
    const auto part = two.read();
    EXPECT_EQ(part.status(), 206);
    EXPECT_EQ(part.body, "cd");
}

TEST_F(streaming, what_breaks_off_ends_so_for_all_and_is_not_stored) {
    for (const auto& answer : {sized, chunked}) {
        auto one = begin(answer);
        one.read(true);
        auto two = cache.connect();
        two.send(get("/x"));
        two.read(true);
        cache.sync();
        fetch.close();
        for (auto* client : {&one, &two}) {
            const auto rest = answer == sized ? client->read_exactly(3) : client->read_exactly(8);
            EXPECT_TRUE(rest == "abc" || rest == "3\r\nabc\r\n");
            EXPECT_TRUE(client->at_end());
        }
        EXPECT_EQ(cache.ask({{"do", "status"}})["objects"], 0);
    }
}

// RFC 9112 8
TEST_F(streaming, what_breaks_off_is_an_error_to_who_waited_for_the_whole) {
    auto one = begin(chunked, "GET /x HTTP/1.0\r\nHost: a\r\n\r\n");
    auto two = cache.connect();
    two.send("GET /x HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n");
    cache.sync();
    fetch.close();
    for (auto* each : {&one, &two}) EXPECT_EQ(each->read().status(), 503);
}

TEST_F(streaming, a_head_or_a_304_does_not_wait_for_content) {
    auto one = begin("HTTP/1.1 200 OK\r\nCache-Control: max-age=30\r\nETag: \"a\"\r\nContent-Length: 6\r\n\r\nabc");
    auto two = cache.connect();
    two.send(get("/x", "If-None-Match: \"a\"\r\n"));
    EXPECT_EQ(two.read().status(), 304);
    two.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(two.read(true).field("Content-Length"), "6");
    EXPECT_TRUE(two.silent());
}

TEST_F(streaming, a_policy_may_want_the_whole_first) {
    cache_process waiting(app, "sub vcl_backend_response { set beresp.do_stream = false; }");
    auto one = waiting.connect();
    one.send(get("/x"));
    auto asked = app.accept();
    asked.read();
    asked.send(sized);
    waiting.sync();
    EXPECT_TRUE(one.silent());
    asked.close();
    EXPECT_EQ(one.read().status(), 503);
}

TEST_F(streaming, a_refresh_that_breaks_off_leaves_the_stale_response) {
    auto one = begin("HTTP/1.1 200 OK\r\nCache-Control: max-age=10, stale-while-revalidate=60\r\nContent-Length: 3\r\n\r\nold");
    one.read();
    for (int i = 0; i < 2; ++i) {
        cache.advance(15s);
        EXPECT_EQ(ask(cache, get("/x")).body, "old");
        auto refresh = i == 0 ? std::move(fetch) : app.accept();
        refresh.read();
        refresh.send(sized);
        cache.sync();
        refresh.close();
        cache.sync();
    }
}

TEST(streaming_of_passes, an_origin_is_not_read_faster_than_its_client_reads) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (pass); }", {}, {"--largest-response", "2MiB"});
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    const std::string part(1024 * 1024, 'a');
    fetch.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(64 * part.size()) + "\r\n\r\n");
    client.read(true);
    std::size_t taken = 0;
    for (int i = 0; i < 64; ++i) {
        fetch.send(part);
        taken += client.read_exactly(part.size()).size();
    }
    EXPECT_EQ(taken, 64 * part.size());
}

TEST(streaming_of_passes, an_answer_that_a_policy_restarts_is_read_no_further) {
    origin app;
    cache_process cache(app,
                        "sub vcl_recv { return (pass); } "
                        "sub vcl_deliver { if (req.restarts == 0) { set req.url = \"/again\"; return (restart); } }");
    auto [client, first, asked] = begin(cache, app, get("/x"));
    first.send("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\nabc");
    auto second = app.accept();
    EXPECT_EQ(second.read().start_line, "GET /again HTTP/1.1");
    second.send(ok("second"));
    EXPECT_EQ(client.read().body, "second");
    first.send("more");
    EXPECT_TRUE(first.at_end());
}

TEST(streaming_of_passes, a_client_that_goes_away_ends_the_fetch) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (pass); }");
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc");
    client.read(true);
    cache.sync();
    client.reset();
    fetch.send("abc");  // cannot be passed on, and ends the request
    cache.sync();
    fetch.send("abc");  // nobody wants it
    cache.sync();
    EXPECT_TRUE(fetch.at_end());
}

}  // namespace
}  // namespace badorigin::cache::testing
