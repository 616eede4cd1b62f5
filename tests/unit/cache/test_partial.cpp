// Partial responses: kept, served, combined (RFC 9111 3.3, 3.4; RFC 9110 15.3.7.3).
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {

constexpr auto fields = "Cache-Control: max-age=30\r\nETag: \"a\"\r\n";

std::string part(std::string_view range, std::string_view body, std::string_view more = fields) {
    return "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::string(range) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" + std::string(body);
}

/// A request that the origin answers; what it was asked goes to `asked`.
message ask_through(cache_process& cache, origin& app, const std::string& request, std::string_view answer, message& asked) {
    auto client = cache.connect();
    client.send(request);
    auto fetch = app.accept();
    asked = fetch.read();
    fetch.send(answer);
    return client.read();
}

/// The beginning of a response whose connection then ends.
void break_off(cache_process& cache, origin& app, std::string_view head_and_body) {
    auto client = cache.connect();
    client.send(get("/x"));
    auto fetch = app.accept();
    fetch.read();
    fetch.send(head_and_body);
    fetch.close();
    EXPECT_EQ(client.read(true).status(), 200);
    client.close();
    cache.sync();
}

const std::string broken = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + std::string(fields) + "\r\n0123";

TEST(partial, response_that_breaks_off_is_completed_by_its_rest) {
    origin app;
    cache_process cache(app);
    break_off(cache, app, broken);
    message asked;
    const auto got =
        ask_through(cache, app, get("/x"), part("4-9/10", "456789", "Cache-Control: max-age=60\r\nETag: \"a\"\r\nX: new\r\n"), asked);
    EXPECT_EQ(asked.field("Range"), "bytes=4-9");
    EXPECT_EQ(asked.field("If-Range"), "\"a\"");
    EXPECT_EQ(got.status(), 200);
    EXPECT_EQ(got.body, "0123456789");
    EXPECT_EQ(got.field("Content-Range"), "");
    EXPECT_EQ(got.field("X"), "new");
    EXPECT_EQ(ask(cache, get("/x")).body, "0123456789") << "stored whole";
    EXPECT_TRUE(app.unasked());
}

TEST(partial, another_representation_is_never_combined) {
    for (const auto* tag : {"\"b\"", "W/\"a\""}) {
        origin app;
        cache_process cache(app);
        break_off(cache, app, broken);
        auto client = cache.connect();
        client.send(get("/x"));
        auto fetch = app.accept();
        fetch.read();
        fetch.send(part("4-9/10", "ABCDEF", "Cache-Control: max-age=30\r\nETag: " + std::string(tag) + "\r\n"));
        auto whole = app.accept();
        EXPECT_EQ(whole.read().field("Range"), "");
        whole.send(ok("all of it"));
        EXPECT_EQ(client.read().body, "all of it") << tag;
    }
}

TEST(partial, answer_with_the_whole_replaces_the_part) {
    origin app;
    cache_process cache(app);
    break_off(cache, app, broken);
    message asked;
    EXPECT_EQ(ask_through(cache, app, get("/x"), ok("changed"), asked).body, "changed");
    EXPECT_EQ(ask(cache, get("/x")).body, "changed");
}

TEST(partial, error_in_place_of_the_rest_goes_to_the_client) {
    origin app;
    cache_process cache(app);
    break_off(cache, app, broken);
    message asked;
    EXPECT_EQ(ask_through(cache, app, get("/x"), "HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n", asked).status(), 500);
}

TEST(partial, rest_that_breaks_off_itself_is_an_error) {
    origin app;
    cache_process cache(app);
    break_off(cache, app, broken);
    auto client = cache.connect();
    client.send(get("/x"));
    auto fetch = app.accept();
    fetch.read();
    fetch.send("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n" + std::string(fields) + "\r\n45");
    fetch.close();
    EXPECT_EQ(client.read().status(), 503);
}

TEST(partial, stored_range_serves_ranges_within_it_and_no_request_for_more) {
    origin app;
    cache_process cache(app);
    message asked;
    EXPECT_EQ(ask_through(cache, app, get("/x", "Range: bytes=2-6\r\n"), part("2-6/10", "23456"), asked).status(), 206);
    const auto within = ask(cache, get("/x", "Range: bytes=3-4\r\n"));
    EXPECT_EQ(within.status(), 206);
    EXPECT_EQ(within.body, "34");
    EXPECT_EQ(within.field("Content-Range"), "bytes 3-4/10");
    EXPECT_EQ(ask(cache, get("/x", "Range: bytes=3-4\r\nIf-Range: \"a\"\r\n")).body, "34");
    EXPECT_TRUE(app.unasked());
    const auto beyond = ask_through(cache, app, get("/x", "Range: bytes=5-8\r\n"), part("0-9/10", "0123456789"), asked);
    EXPECT_EQ(asked.field("Range"), "bytes=0-9");
    EXPECT_EQ(beyond.status(), 206);
    EXPECT_EQ(beyond.body, "5678");
    EXPECT_EQ(ask(cache, get("/x")).body, "0123456789");
    EXPECT_TRUE(app.unasked());
}

TEST(partial, is_not_kept_without_a_strong_entity_tag_or_where_storing_is_forbidden) {
    for (const auto* more :
         {"Cache-Control: max-age=30\r\n", "Cache-Control: max-age=30\r\nETag: W/\"a\"\r\n", "Cache-Control: no-store\r\nETag: \"a\"\r\n",
          "Cache-Control: private\r\nETag: \"a\"\r\n", "Cache-Control: max-age=0\r\nETag: \"a\"\r\n"}) {
        origin app;
        cache_process cache(app);
        break_off(cache, app, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + std::string(more) + "\r\n0123");
        message asked;
        EXPECT_EQ(ask_through(cache, app, get("/x"), ok("one"), asked).body, "one") << more;
        EXPECT_EQ(asked.field("Range"), "") << more;
    }
}

/// The cache's clock stands at 1,700,000,000 s.
std::string dated(std::string_view modified, std::string_view made = "Tue, 14 Nov 2023 22:13:20 GMT") {
    const auto line = [](std::string_view name, std::string_view value) {
        return value.empty() ? std::string() : std::string(name) + ": " + std::string(value) + "\r\n";
    };
    return "Cache-Control: max-age=30\r\n" + line("Last-Modified", modified) + line("Date", made);
}
constexpr auto a_second_before = "Tue, 14 Nov 2023 22:13:19 GMT", that_second = "Tue, 14 Nov 2023 22:13:20 GMT";

TEST(partial, is_completed_by_a_last_modified_that_is_strong) {
    origin app;
    cache_process cache(app);
    break_off(cache, app, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + dated(a_second_before) + "\r\n0123");
    message asked;
    EXPECT_EQ(ask_through(cache, app, get("/x"), part("4-9/10", "456789", dated(a_second_before)), asked).body, "0123456789");
    EXPECT_EQ(asked.field("Range"), "bytes=4-9");
    EXPECT_EQ(asked.field("If-Range"), a_second_before);
    EXPECT_EQ(ask(cache, get("/x")).body, "0123456789");
    EXPECT_TRUE(app.unasked());
}

TEST(partial, stored_ranges_are_joined_by_a_last_modified_that_is_strong) {
    origin app;
    cache_process cache(app);
    message asked;
    ask_through(cache, app, get("/x", "Range: bytes=0-3\r\n"), part("0-3/10", "0123", dated(a_second_before)), asked);
    EXPECT_EQ(ask(cache, get("/x", "Range: bytes=1-2\r\nIf-Range: " + std::string(a_second_before) + "\r\n")).body, "12");
    ask_through(cache, app, get("/x"), part("4-9/10", "456789", dated(a_second_before)), asked);
    EXPECT_EQ(ask(cache, get("/x")).body, "0123456789");
    EXPECT_TRUE(app.unasked());
}

// RFC 9110 8.8.2.2, 13.1.5
TEST(partial, is_not_kept_by_a_last_modified_that_is_weak) {
    for (const auto& weak :
         {dated(that_second), dated(a_second_before, ""), dated("yesterday"), dated(a_second_before) + "ETag: W/\"a\"\r\n"}) {
        origin app;
        cache_process cache(app);
        break_off(cache, app, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + weak + "\r\n0123");
        message asked;
        EXPECT_EQ(ask_through(cache, app, get("/x"), ok("one"), asked).body, "one") << weak;
        EXPECT_EQ(asked.field("Range"), "") << weak;
    }
}

TEST(partial, of_another_last_modified_completes_nothing) {
    for (const auto& other : {dated("Tue, 14 Nov 2023 22:13:18 GMT"), dated(""), dated(a_second_before) + "ETag: \"a\"\r\n"}) {
        origin app;
        cache_process cache(app);
        break_off(cache, app, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + dated(a_second_before) + "\r\n0123");
        auto client = cache.connect();
        client.send(get("/x"));
        auto fetch = app.accept();
        fetch.read();
        fetch.send(part("4-9/10", "ABCDEF", other));
        auto whole = app.accept();
        EXPECT_EQ(whole.read().field("Range"), "");
        whole.send(ok("all of it"));
        EXPECT_EQ(client.read().body, "all of it") << other;
    }
}

TEST(partial, content_with_a_malformed_chunk_is_not_believed) {
    origin app;
    cache_process cache(app);
    break_off(cache, app, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + std::string(fields) + "\r\n4\r\n0123\r\nzz");
    message asked;
    ask_through(cache, app, get("/x"), ok("one"), asked);
    EXPECT_EQ(asked.field("Range"), "");
}

TEST(partial, expired_part_is_completed_and_not_served) {
    origin app;
    cache_process cache(app);
    message asked;
    ask_through(cache, app, get("/x", "Range: bytes=0-3\r\n"), part("0-3/10", "0123"), asked);
    cache.advance(std::chrono::seconds(31));
    EXPECT_EQ(ask_through(cache, app, get("/x", "Range: bytes=0-3\r\n"), part("4-9/10", "456789"), asked).body, "0123");
    EXPECT_EQ(asked.field("Range"), "bytes=4-9");
}

}  // namespace
}  // namespace badorigin::cache::testing
