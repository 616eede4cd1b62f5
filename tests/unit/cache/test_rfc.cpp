// What RFC 9110 and RFC 9111 ask of a shared cache where the policy says nothing: staleness, request directives, invalidation, ranges.
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

constexpr auto gone_wrong = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// A cache whose /x was fetched once, with these fields.
class rfc : public ::testing::Test {
protected:
    void fill(const std::string& fields, const std::string& body = "one") { ask(cache, app, get("/x"), ok(body, fields), &fetch); }
    /// /x is asked for, and the origin gets a request; it answers.
    message refetched(const std::string& request, const std::string& answer = ok("two")) {
        auto client = cache.connect();
        client.send(request);
        asked = fetch.read();
        fetch.send(answer);
        return client.read();
    }
    /// From the store: the origin hears nothing.
    message hit(const std::string& request) {
        auto out = ask(cache, request);
        EXPECT_TRUE(fetch.silent());
        return out;
    }
    origin app;
    cache_process cache{app};
    wire fetch{-1};
    message asked;
};

TEST_F(rfc, stale_is_served_while_it_is_refreshed_only_where_the_origin_allows_it) {
    fill("Cache-Control: max-age=10, stale-while-revalidate=10\r\n");
    cache.advance(15s);
    EXPECT_EQ(ask(cache, get("/x")).body, "one");
    EXPECT_EQ(fetch.read().start_line, "GET /x HTTP/1.1");
    fetch.send(ok("two", "Cache-Control: max-age=10, stale-while-revalidate=10, must-revalidate\r\n"));
    cache.sync();
    cache.advance(15s);
    EXPECT_EQ(refetched(get("/x"), ok("three")).body, "three");
}

TEST_F(rfc, no_cache_is_stored_and_validated_each_time) {
    fill("Cache-Control: no-cache\r\nETag: \"a\"\r\n");
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(refetched(get("/x"), "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n").body, "one");
        EXPECT_EQ(asked.field("If-None-Match"), "\"a\"");
    }
}

TEST_F(rfc, a_304_renews_all_fields_but_those_of_the_content) {
    fill("Cache-Control: max-age=10\r\nETag: \"a\"\r\nContent-Encoding: x\r\nX-Count: 1\r\n");
    cache.advance(11s);
    const auto renewed = refetched(get("/x"),
                                   "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 99\r\nContent-Encoding: y\r\nX-Count: "
                                   "2\r\nCache-Control: max-age=20\r\n\r\n");
    EXPECT_EQ(renewed.body, "one");
    EXPECT_EQ(renewed.field("Content-Encoding"), "x");
    EXPECT_EQ(renewed.field("X-Count"), "2");
    cache.advance(15s);
    EXPECT_EQ(hit(get("/x")).field("Age"), "15");
}

TEST_F(rfc, an_unsafe_request_that_succeeds_invalidates_its_target_and_what_it_names) {
    fill("Cache-Control: max-age=30\r\n");
    refetched("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", gone_wrong);
    EXPECT_EQ(hit(get("/x")).body, "one") << "it failed";
    refetched("POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
              ok("", "Location: http://other/x\r\nContent-Location: http://b/x\r\n"));
    EXPECT_EQ(hit(get("/x")).body, "one") << "another origin's";
    refetched("POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", ok("", "Location: /x\r\n"));
    EXPECT_EQ(refetched(get("/x")).body, "two");
    refetched("UNHEARD /x HTTP/1.1\r\nHost: a\r\n\r\n", ok(""));
    EXPECT_EQ(refetched(get("/x"), ok("three")).body, "three");
}

TEST_F(rfc, only_if_cached_is_answered_from_the_store_or_with_504) {
    fill("Cache-Control: max-age=30\r\n");
    EXPECT_EQ(hit(get("/x", "Cache-Control: only-if-cached\r\n")).body, "one");
    EXPECT_EQ(hit(get("/y", "Cache-Control: only-if-cached\r\n")).status(), 504);
    cache.advance(31s);
    EXPECT_EQ(hit(get("/x", "Cache-Control: only-if-cached\r\n")).status(), 504);
}

TEST_F(rfc, a_client_may_ask_for_a_newer_response) {
    const auto fields = "Cache-Control: max-age=30\r\nETag: \"a\"\r\n";
    fill(fields);
    cache.advance(10s);
    for (const auto wish : {"Cache-Control: max-age=10\r\n", "Cache-Control: min-fresh=20\r\n", "Cache-Control: max-stale\r\n"})
        EXPECT_EQ(hit(get("/x", wish)).body, "one") << wish;
    for (const auto wish :
         {"Cache-Control: no-cache\r\n", "Pragma: no-cache\r\n", "Cache-Control: max-age=9\r\n", "Cache-Control: min-fresh=21\r\n"}) {
        EXPECT_EQ(refetched(get("/x", wish), std::string("HTTP/1.1 304 Not Modified\r\n") + fields + "\r\n").body, "one") << wish;
        EXPECT_EQ(asked.field("If-None-Match"), "\"a\"") << wish;
        cache.advance(10s);
    }
}

TEST_F(rfc, a_client_may_accept_a_stale_response_unless_the_origin_forbids_it) {
    fill("Cache-Control: max-age=10\r\nETag: \"a\"\r\n");
    cache.advance(15s);
    EXPECT_EQ(hit(get("/x", "Cache-Control: max-stale=6\r\n")).body, "one");
    refetched(get("/x", "Cache-Control: max-stale=4\r\n"), ok("two", "Cache-Control: max-age=10, must-revalidate\r\nETag: \"b\"\r\n"));
    cache.advance(15s);
    EXPECT_EQ(refetched(get("/x", "Cache-Control: max-stale\r\n"), ok("three")).body, "three");
}

TEST_F(rfc, a_reload_does_not_validate_what_is_immutable) {
    fill("Cache-Control: max-age=30, immutable\r\nETag: \"a\"\r\n");
    cache.advance(5s);
    EXPECT_EQ(hit(get("/x", "Cache-Control: max-age=0\r\n")).body, "one");
    refetched(get("/x", "Cache-Control: no-cache\r\n"));
}

TEST_F(rfc, what_is_asked_for_with_no_store_is_not_stored) {
    EXPECT_EQ(ask(cache, app, get("/x", "Cache-Control: no-store\r\n"), ok("one"), &fetch).body, "one");
    EXPECT_EQ(refetched(get("/x")).body, "two");
}

TEST_F(rfc, stale_is_served_in_the_place_of_an_error_as_long_as_the_origin_said) {
    fill("Cache-Control: max-age=10, stale-if-error=20\r\n");
    cache.advance(20s);
    EXPECT_EQ(refetched(get("/x"), gone_wrong).body, "one");
    cache.advance(11s);
    EXPECT_EQ(refetched(get("/x"), gone_wrong).status(), 503);
}

TEST_F(rfc, preconditions_that_only_an_origin_can_evaluate_go_there) {
    fill("Cache-Control: max-age=30\r\nETag: \"a\"\r\n");
    EXPECT_EQ(refetched(get("/x", "If-Match: \"b\"\r\n"), "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n").status(), 412);
    EXPECT_EQ(asked.field("If-Match"), "\"b\"");
}

TEST_F(rfc, the_answer_to_a_head_renews_the_stored_response_or_shows_it_to_be_another) {
    cache_process passing(app, "sub vcl_recv { if (req.method == \"HEAD\") { return (pass); } }");
    ask(passing, app, get("/x"), ok("one", "Cache-Control: max-age=10\r\nETag: \"a\"\r\n"), &fetch);
    const auto head = [&](const std::string& fields) {
        passing.advance(8s);
        auto client = passing.connect();
        client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
        fetch.read();
        fetch.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=10\r\n" + fields + "\r\n");
        client.read(true);
    };
    head("Content-Length: 3\r\nETag: \"a\"\r\nX-New: 1\r\n");
    passing.advance(8s);
    const auto renewed = ask(passing, get("/x"));
    EXPECT_EQ(renewed.field("Age"), "8");
    EXPECT_EQ(renewed.field("X-New"), "1");
    EXPECT_EQ(renewed.body, "one");
    head("Content-Length: 4\r\nETag: \"a\"\r\n");
    auto client = passing.connect();
    client.send(get("/x"));
    EXPECT_EQ(fetch.read().start_line, "GET /x HTTP/1.1");
}

TEST_F(rfc, trace_and_options_go_as_far_as_max_forwards_says) {
    const auto trace = ask(cache, "TRACE /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nCookie: secret\r\n\r\n");
    EXPECT_EQ(trace.field("Content-Type"), "message/http");
    EXPECT_TRUE(trace.body.starts_with("TRACE /x HTTP/1.1\r\n"));
    EXPECT_FALSE(trace.body.contains("secret"));
    EXPECT_EQ(ask(cache, "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n").status(), 200);
    EXPECT_TRUE(app.unasked());
    auto client = cache.connect();
    client.send("OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n");
    EXPECT_EQ(app.accept().read().field("Max-Forwards"), "2");
}

TEST_F(rfc, via_names_the_protocol_in_which_a_message_came) {
    auto client = cache.connect();
    client.send("GET /x HTTP/1.0\r\nHost: a\r\nVia: 1.1 before\r\n\r\n");
    fetch = app.accept();
    EXPECT_EQ(fetch.read().field("Via"), "1.1 before, 1.0 badorigin");
    fetch.send("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(client.read().field("Via"), "1.0 badorigin");
}

/// `members` of Via for as many passages through caches of this kind, one spelt otherwise, between others that do not count.
std::string via_of(int passages) {
    std::string out = "Via: 1.1 other, HTTP/1.1 BadOrigin:80 (one, of many)\r\nVia: 1.1 badorigin.example, 1.1 not (badorigin)";
    for (int i = 1; i < passages; ++i) out += ", 1.1 badorigin";
    return out + "\r\n";
}

TEST_F(rfc, a_request_that_goes_in_circles_is_answered_and_goes_no_further) {
    auto client = cache.connect();
    client.send(get("/x", via_of(16)));
    EXPECT_EQ(client.read().start_line, "HTTP/1.1 508 Loop Detected");
    EXPECT_TRUE(app.unasked());
    client.send(get("/x", via_of(15)));
    EXPECT_EQ(app.accept().read().start_line, "GET /x HTTP/1.1") << "the connection is kept, and a chain of tiers is no circle";
}

TEST_F(rfc, no_policy_sends_on_what_goes_in_circles) {
    cache_process restarting(app, "sub vcl_synth { return (restart); }");
    EXPECT_EQ(ask(restarting, get("/x", via_of(16))).status(), 503) << "after too many restarts";
    EXPECT_TRUE(app.unasked());
}

TEST_F(rfc, cookies_decide_nothing_and_with_varnishs_builtin_vcl_they_do) {
    fill("Cache-Control: max-age=30\r\n");
    EXPECT_EQ(hit(get("/x", "Cookie: a=b\r\n")).body, "one");
    cache_process varnish(app, {}, {}, {"--builtin", "varnish"});
    ask(varnish, app, get("/x"), ok("one"), &fetch);
    auto client = varnish.connect();
    client.send(get("/x", "Cookie: a=b\r\n"));
    EXPECT_EQ(fetch.read().field("Cookie"), "a=b");
}

TEST_F(rfc, several_ranges_come_as_parts) {
    fill("Cache-Control: max-age=30\r\n", "0123456789");
    const auto parts = hit(get("/x", "Range: bytes=0-1,-2\r\n"));
    EXPECT_EQ(parts.status(), 206);
    EXPECT_TRUE(parts.field("Content-Type").starts_with("multipart/byteranges; boundary="));
    EXPECT_TRUE(parts.body.contains("Content-Range: bytes 8-9/10\r\n\r\n89\r\n"));
}

// R2.9
TEST(rfc_ranges, a_range_of_a_synthesized_response_is_all_of_it) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); } sub vcl_synth { set resp.body = \"made\"; return (deliver); }");
    const auto all = ask(cache, get("/x", "Range: bytes=1-2\r\n"));
    EXPECT_EQ(all.status(), 200);
    EXPECT_EQ(all.body, "made");
}

TEST(rfc_cache_status, tells_on_request_what_became_of_a_request) {
    origin app;
    cache_process cache(app, {}, {}, {"--cache-status"});
    wire fetch(-1);
    EXPECT_EQ(
        ask(cache, app, get("/x"), ok("one", "Cache-Control: max-age=30\r\nCache-Status: before; hit\r\n"), &fetch).field("Cache-Status"),
        "before; hit, badorigin; fwd=uri-miss; fwd-status=200; stored; ttl=30");
    cache.advance(10s);
    EXPECT_EQ(ask(cache, get("/x")).field("Cache-Status"), "before; hit, badorigin; hit; ttl=20");
}

}  // namespace
}  // namespace badorigin::cache::testing
