// Pages that are put together from others, and content that is packed or unpacked.
#include <gtest/gtest.h>

#include "proxy-under-test/cache/esi.h"
#include "proxy-under-test/cache/gzip.h"
#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

/// The page's text, with [SOURCE] for each include.
std::string outline(std::string_view page) {
    const auto parts = parse_esi(page);
    if (!parts) return "error: " + parts.error();
    std::string out;
    for (const auto& part : *parts) {
        out += part.include.empty() ? std::string(page.substr(part.at, part.size)) : '[' + part.include + (part.may_fail ? "?]" : "]");
    }
    return out;
}

TEST(esi, elements_are_found_and_all_else_is_text) {
    EXPECT_EQ(outline("a<esi:include src=\"/x\"/>b"), "a[/x]b");
    EXPECT_EQ(outline("<esi:include onerror='continue' src='/x?a=1&amp;b=2'/>"), "[/x?a=1&b=2?]");
    EXPECT_EQ(outline("a<esi:remove>gone<b></esi:remove>b<esi:comment text=\"gone\"/>c"), "abc");
    EXPECT_EQ(outline("a<!--esi <p><esi:include src=\"/x\"/></p>-->b"), "a <p>[/x]</p>b");
    EXPECT_EQ(outline("a<!-- esi --><b>-->c"), "a<!-- esi --><b>-->c");
    EXPECT_EQ(outline("a<esi:vars>b</esi:vars>c"), "abc");
    for (const auto wrong : {"<esi:include src=\"/x\"", "<esi:remove>", "<!--esi a", "<esi:include/>", "<esi:include src=\"\"/>"})
        EXPECT_TRUE(outline(wrong).starts_with("error: ")) << wrong;
}

TEST(gzip, what_is_packed_is_unpacked_and_nothing_grows_without_limit) {
    const std::string text(200'000, 'a');
    EXPECT_EQ(gunzipped(gzipped(text), 1'000'000), text);
    EXPECT_EQ(gunzipped(gzipped("a") + gzipped("b"), 10), "ab");
    EXPECT_FALSE(gunzipped(gzipped(text), 100'000));
    EXPECT_FALSE(gunzipped(gzipped(text).substr(0, 50), 1'000'000));
    EXPECT_FALSE(gunzipped("no gzip", 100));
}

TEST(gzip, who_accepts_it) {
    const auto accepts = [](std::string said) {
        field_list fields;
        fields.append("Accept-Encoding", said);
        return accepts_gzip(fields);
    };
    for (const auto yes : {"gzip", "br, GZIP;q=0.5", "*", "x-gzip", "*;q=0, gzip"}) EXPECT_TRUE(accepts(yes)) << yes;
    for (const auto no : {"br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "*, gzip;q=0", ""}) EXPECT_FALSE(accepts(no)) << no;
}

constexpr auto with_esi =
    "sub vcl_recv { if (req.url ~ \"^/esi/\" && req.esi_level == 0) { return (synth(403)); } }"
    "sub vcl_backend_response { if (bereq.url !~ \"^/esi/plain\") { set beresp.do_esi = true; } }";

class pages : public ::testing::Test {
protected:
    void answer(const std::string& target, const std::string& answer) {
        if (!connected_) fetch = app.accept();
        connected_ = true;
        EXPECT_EQ(fetch.read().start_line, "GET " + target + " HTTP/1.1");
        fetch.send(answer);
    }
    origin app;
    cache_process cache{app, with_esi};
    wire fetch{-1};

private:
    bool connected_ = false;
};

// R2.24
TEST_F(pages, includes_are_fetched_one_after_the_other_and_what_stands_before_does_not_wait) {
    auto client = cache.connect();
    client.send(get("/page", "If-None-Match: \"a\"\r\n"));
    answer("/page",
           ok("<h1><esi:include src=\"/esi/a\"/>, <esi:include src=\"esi/b?x\"/></h1>", "Cache-Control: max-age=30\r\nETag: \"a\"\r\n"));
    const auto head = client.read(true);
    EXPECT_EQ(head.field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(head.count("ETag"), 0U);
    EXPECT_EQ(client.read_exactly(9), "4\r\n<h1>\r\n");
    answer("/esi/a", ok("A", "Cache-Control: max-age=30\r\nSet-Cookie: a=b\r\n"));
    EXPECT_EQ(client.read_exactly(6), "1\r\nA\r\n");
    EXPECT_EQ(client.read_exactly(7), "2\r\n, \r\n");
    answer("/esi/b?x", ok("B"));
    EXPECT_EQ(client.read_exactly(21), "1\r\nB\r\n5\r\n</h1>\r\n0\r\n\r\n");
    EXPECT_EQ(ask(cache, get("/page")).body, "<h1>A, B</h1>");
    const auto old = ask(cache, "GET /page HTTP/1.0\r\nHost: a\r\n\r\n");
    EXPECT_EQ(old.body, "<h1>A, B</h1>");
    EXPECT_EQ(old.field("Content-Length"), "13");
    EXPECT_EQ(ask(cache, get("/esi/a")).status(), 403);
}

TEST_F(pages, include_one_another_to_the_fifth_level) {
    auto client = cache.connect();
    client.send(get("/page"));
    answer("/page", ok("0<esi:include src=\"/loop\"/>"));
    answer("/loop", ok("x<esi:include src=\"/loop\"/>"));
    EXPECT_EQ(client.read().body, "0xxxxx");
}

TEST_F(pages, an_include_that_fails_fails_alone) {
    auto client = cache.connect();
    client.send(get("/page"));
    answer("/page", ok("a<esi:include src=\"/esi/plain\" onerror=\"continue\"/>b<esi:include src=\"/esi/plain2\"/>c"));
    answer("/esi/plain", "HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nbad");
    answer("/esi/plain2", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
    const auto page = client.read();
    EXPECT_EQ(page.status(), 200);
    EXPECT_EQ(page.body, "abnonec");
}

// R2.10
TEST_F(pages, a_page_that_cannot_be_parsed_is_a_failed_fetch) {
    EXPECT_EQ(ask(cache, app, get("/page"), ok("a<esi:include src=\"/x")).status(), 503);
    EXPECT_TRUE(cache.alive());
}

TEST_F(pages, a_packed_page_is_unpacked_for_its_includes) {
    auto client = cache.connect();
    client.send(get("/page", "Accept-Encoding: gzip\r\n"));
    answer("/page", ok(gzipped("a<esi:include src=\"/esi/b\"/>"), "Cache-Control: max-age=30\r\nContent-Encoding: gzip\r\n"));
    answer("/esi/b", ok("B"));
    const auto page = client.read();
    EXPECT_EQ(page.body, "aB");
    EXPECT_EQ(page.count("Content-Encoding"), 0U);
}

TEST(packing, a_policy_packs_and_unpacks_what_is_stored) {
    origin app;
    cache_process cache(
        app, "sub vcl_backend_response { set beresp.do_gzip = bereq.url ~ \"^/pack\"; set beresp.do_gunzip = !beresp.do_gzip; }");
    const std::string text(1000, 'a'), fields = "Cache-Control: max-age=30\r\nETag: \"a\"\r\n";
    wire fetch(-1);
    const auto packed = ask(cache, app, get("/pack", "Accept-Encoding: gzip\r\n"), ok(text, fields), &fetch);
    EXPECT_EQ(packed.field("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.field("ETag"), "W/\"a\"");
    EXPECT_EQ(packed.field("Vary"), "Accept-Encoding");
    EXPECT_EQ(gunzipped(packed.body, 10'000), text);
    const auto plain = ask(cache, get("/pack"));
    EXPECT_EQ(plain.count("Content-Encoding"), 0U);
    EXPECT_EQ(plain.body, text);
    EXPECT_EQ(plain.field("Content-Length"), "1000");
    EXPECT_TRUE(fetch.silent()) << "one stored response for both";
    auto client = cache.connect();
    client.send(get("/unpack", "Accept-Encoding: gzip\r\n"));
    fetch.read();
    fetch.send(ok(gzipped(text), fields + "Content-Encoding: gzip\r\n"));
    const auto opened = client.read();
    EXPECT_EQ(opened.count("Content-Encoding"), 0U);
    EXPECT_EQ(opened.body, text);
}

}  // namespace
}  // namespace badorigin::cache::testing
