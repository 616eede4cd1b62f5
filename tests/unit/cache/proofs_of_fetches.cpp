#include <tuple>

#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"
#include "tests/unit/cache/proofs.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

constexpr auto keep_1h = "sub vcl_backend_response { set beresp.grace = 0s; set beresp.keep = 1h; } ";
constexpr auto confirmed = "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nX-Count: 2\r\n\r\n";
constexpr auto cut_short = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234";

/// The body as the origin has it once nothing more comes: whole, or what there is of it.
bool arrives_whole(cache_process& cache, wire& at, std::size_t size) {
    at.read(true);
    cache.sync();
    for (; size > 0 && !at.silent(); --size) at.read_exactly(1);
    return size == 0;
}

bool first_body_whole(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto client = cache.connect();
    client.send(post("/x", "hello"));
    auto fetch = app.accept();
    return arrives_whole(cache, fetch, 5);
}

bool body_whole_on_reused(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    wire fetch(-1);
    ask(cache, app, get("/warm"), ok("x"), &fetch);
    auto client = cache.connect();
    client.send(post("/x", "hello"));
    return arrives_whole(cache, fetch, 5);
}

bool body_whole_on_retry(const plants& bugs) {
    origin app;
    cache_process cache(app, std::string(keeps) + retries, bugs);
    auto [client, first, asked] = begin(cache, app, post("/x", "hello"));
    first.close();
    auto second = app.accept();
    return arrives_whole(cache, second, 5);
}

bool short_body_not_padded(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto [client, fetch, asked] = begin(cache, app, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123", true);
    fetch.read_exactly(4);
    client.half_close();
    cache.sync();
    return fetch.at_end();
}

bool trailers_come_behind(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    const auto got = ask(cache, app, get("/x"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n");
    return got.trailers == "X-Sum: 1\r\n" && got.count("X-Sum") == 0;
}

bool post_not_resent(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    wire fetch(-1);
    ask(cache, app, get("/warm"), ok("x"), &fetch);
    auto client = cache.connect();
    client.send(post("/x", "hello"));
    fetch.read();
    fetch.close();
    cache.sync();
    return app.unasked();
}

bool failed_get_not_resent(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.close();
    cache.sync();
    return app.unasked();
}

bool retry_is_made(const plants& bugs) {
    origin app;
    cache_process cache(app, retries, bugs);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.close();
    cache.sync();
    return !app.unasked();
}

bool pipe_is_a_pipe(const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (pipe); }", bugs);
    auto client = cache.connect();
    client.send(get("/x"));
    return app.accept().read().field("Connection") == "close";
}

std::function<bool(const plants&)> fails(std::string answer, bool closes = false, std::string request = get("/x")) {
    return [=](const plants& bugs) {
        origin app;
        cache_process cache(app, "sub vcl_backend_response { set beresp.do_stream = false; }", bugs);
        auto [client, fetch, asked] = begin(cache, app, request);
        fetch.send(answer);
        if (closes) fetch.half_close();
        try {
            cache.sync();
            return !client.silent() && client.read().status() == 503 && cache.alive();
        } catch (const std::runtime_error&) { return false; }
    };
}

/// After an object with ETag "a" and keep, 20 s old with a ttl of 10 s, the origin says 304 with `tag`: status, Age, X-Count.
std::tuple<int, std::string, std::string> validated(const plants& bugs, const std::string& answer) {
    origin app;
    cache_process cache(app, keep_1h, bugs);
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("one", "Cache-Control: max-age=10\r\nETag: \"a\"\r\nX-Count: 1\r\n"), &fetch);
    cache.advance(20s);
    auto client = cache.connect();
    client.send(get("/x"));
    fetch.read();
    fetch.send(answer);
    const auto out = client.read();
    return {out.status(), out.field("Age"), out.field("X-Count")};
}
bool another_tag_refused(const plants& bugs) {
    return std::get<0>(validated(bugs, "HTTP/1.1 304 Not Modified\r\nETag: \"b\"\r\n\r\n")) == 503;
}
bool validation_updates(const plants& bugs) {
    return validated(bugs, confirmed) == std::tuple(200, "0", "2");
}

bool leftover_not_used(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("good") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", &fetch);
    auto client = cache.connect();
    client.send(get("/y"));
    cache.sync();
    return client.silent();
}

/// The bytes behind the message come later, when the connection is idle.
bool late_rubbish_not_used(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("good"), &fetch);
    cache.sync();
    fetch.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    cache.sync();
    auto client = cache.connect();
    client.send(get("/y"));
    cache.sync();
    return client.silent();
}

bool combines_only_what_belongs_together(const plants& bugs) {
    origin app;
    cache_process cache(app, "", bugs);
    const auto begin = [&](std::string_view answer) {
        auto client = cache.connect();
        client.send(get("/x"));
        auto fetch = app.accept();
        fetch.read();
        fetch.send(answer);
        fetch.close();
        return client;
    };
    begin("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nCache-Control: max-age=30\r\nETag: \"a\"\r\n\r\n01").read(true);
    cache.sync();
    auto client = begin("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-3/4\r\nContent-Length: 2\r\nETag: \"b\"\r\n\r\nCD");
    if (bugs.empty()) {
        auto whole = app.accept();
        whole.read();
        whole.send(ok("ABCD"));
    }
    return client.read().body == "ABCD";
}

TEST(planted_bugs, rubbish_that_comes_late_is_taken_too) {
    EXPECT_TRUE(late_rubbish_not_used({}));
    EXPECT_FALSE(late_rubbish_not_used({"reuse-broken-connection"}));
}

}  // namespace

std::vector<proof> proofs_of_fetches() {
    return {
        {"body-lost-on-fresh-connection", first_body_whole},
        {"body-lost-on-reused-connection", body_whole_on_reused},
        {"body-lost-on-retry", body_whole_on_retry},
        {"retry-with-half-the-body", body_whole_on_retry},
        {"truncate-client-body", first_body_whole},
        {"pad-short-client-body", short_body_not_padded},
        {"drop-trailers", trailers_come_behind},
        {"merge-trailers", trailers_come_behind},
        {"resend-post-after-eof", post_not_resent},
        {"retry-storm", failed_get_not_resent},
        {"no-retry", retry_is_made},
        {"ignore-pipe", pipe_is_a_pipe},
        {"pass-unsolicited-304", fails("HTTP/1.1 304 Not Modified\r\n\r\n")},
        {"crash-on-unsolicited-304", fails("HTTP/1.1 304 Not Modified\r\n\r\n")},
        {"accept-stale-304", another_tag_refused},
        {"no-update-on-validation", validation_updates},
        {"combine-other-representations", combines_only_what_belongs_together},
        {"store-truncated", fails(cut_short, true)},
        {"pass-truncated-as-complete", fails(cut_short, true, post("/x", "hello"))},
        {"accept-headerless", fails("<html>what?</html>", true)},
        {"hang-on-headerless", fails("<html>what?</html>", true)},
        {"crash-on-failed-fetch", fails("<html>what?</html>", true)},
        {"reuse-broken-connection", [](const plants& bugs) { return leftover_not_used(bugs) && late_rubbish_not_used(bugs); }},
    };
}

}  // namespace badorigin::cache::testing
