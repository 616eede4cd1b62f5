// What a slow, silent or talkative peer may cost, and what no peer and no policy may bring about.
#include <fstream>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

TEST(robustness, a_policy_that_closes_the_connection_closes_it) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); } sub vcl_synth { set resp.http.Connection = \"close\"; }");
    auto client = cache.connect();
    client.send(get("/x"));
    EXPECT_EQ(client.read().field("Connection"), "close");
    EXPECT_TRUE(client.at_end());
}

TEST(robustness, a_client_cannot_erase_its_own_address) {
    origin app;
    cache_process cache(app);
    auto client = cache.connect();
    client.send(get("/x", "Connection: X-Forwarded-For, X-Mine\r\nX-Mine: 1\r\nX-Forwarded-For: 192.0.2.1\r\n"));
    const auto asked = app.accept().read();
    EXPECT_EQ(asked.field("X-Forwarded-For"), "127.0.0.1");
    EXPECT_EQ(asked.count("X-Mine"), 0U);
}

TEST(robustness, after_too_many_retries_the_policys_error_page_is_delivered) {
    origin app;
    cache_process cache(
        app, "sub vcl_backend_response { return (retry); } sub vcl_backend_error { set beresp.body = \"mine\"; return (deliver); }");
    auto client = cache.connect();
    client.send(get("/x"));
    auto fetch = app.accept();
    for (int i = 0; i < 5; ++i) {
        fetch.read();
        fetch.send(ok(""));
    }
    const auto answer = client.read();
    EXPECT_EQ(answer.status(), 503);
    EXPECT_EQ(answer.body, "mine");
}

TEST(robustness, what_is_older_than_req_ttl_is_stale_and_may_be_served_within_grace) {
    origin app;
    cache_process cache(app,
                        "sub vcl_recv { set req.ttl = 5s; } sub vcl_backend_response { set beresp.ttl = 60s; set beresp.grace = 30s; }");
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("one"), &fetch);
    cache.advance(8s);
    EXPECT_EQ(ask(cache, get("/x")).body, "one");
    EXPECT_EQ(fetch.read().start_line, "GET /x HTTP/1.1") << "the refresh";
}

TEST(robustness, interim_responses_do_not_prolong_the_wait_for_the_first_byte) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    for (int i = 0; i < 2; ++i) {
        cache.advance(25s);
        fetch.send("HTTP/1.1 102 Processing\r\n\r\n");
        cache.sync();
    }
    for (int i = 0; i < 2; ++i) EXPECT_EQ(client.read().status(), 102);
    cache.advance(11s);
    EXPECT_EQ(client.read().status(), 503);
}

TEST(robustness, interim_responses_without_end_are_a_failed_fetch) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    for (int i = 0; i < 33; ++i) fetch.send("HTTP/1.1 102 Processing\r\n\r\n");
    for (int i = 0; i < 32; ++i) EXPECT_EQ(client.read().status(), 102);
    EXPECT_EQ(client.read().status(), 503);
}

TEST(robustness, a_205_has_no_content) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (pass); }");
    const auto answer = ask(cache, app, get("/x"), "HTTP/1.1 205 Reset Content\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(answer.status(), 205);
    EXPECT_EQ(answer.field("Content-Length"), "0");
}

TEST(robustness, a_status_that_ends_no_exchange_is_a_503) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); } sub vcl_synth { set resp.status = 100; }");
    auto client = cache.connect();
    client.send(get("/x"));
    EXPECT_EQ(client.read().start_line, "HTTP/1.1 503 Service Unavailable");
}

TEST(robustness, a_slow_client_that_goes_on_reading_gets_all) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    const std::string body(32 * 1024 * 1024, 'a');
    fetch.send(ok(body));
    std::string got = client.read(true).body;
    for (int i = 0; i < 8; ++i) {
        cache.advance(45s);
        got += client.read_exactly(body.size() / 8);
    }
    EXPECT_EQ(got, body);
}

TEST(robustness, a_probe_is_judged_when_its_head_is_there) {
    origin app, probed;
    cache_process cache(app,
                        "probe p { .url = \"/p\"; .interval = 10s; .timeout = 5s; .window = 1; .threshold = 1; .initial = 0; }\n"
                        "backend other { .host = \"127.0.0.1\"; .port = \"" +
                            std::to_string(probed.port()) + "\"; .probe = p; }\n" + "sub vcl_recv { set req.backend_hint = other; }");
    auto asked = probed.accept();
    asked.read();
    asked.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    cache.sync();
    for (int tried = 0; tried < 1000 && !cache.ask({{"do", "status"}})["backends"][1]["healthy"]; ++tried) cache.sync();
    EXPECT_EQ(cache.ask({{"do", "status"}})["backends"][1]["healthy"], true);
}

TEST(robustness, a_response_larger_than_allowed_is_a_failed_fetch_or_goes_through) {
    origin app;
    const std::string large(1025, 'a'),
        endless = "HTTP/1.1 200 OK\r\nCache-Control: max-age=30\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n" + large + "\r\n";
    cache_process whole(app, "sub vcl_backend_response { set beresp.do_stream = false; }", {}, {"--largest-response", "1KiB"});
    EXPECT_EQ(ask(whole, app, get("/told"), "HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n").status(), 503);
    EXPECT_EQ(ask(whole, app, get("/endless"), endless).status(), 503);
    EXPECT_EQ(ask(whole, app, get("/whole"), ok(std::string(1024, 'a'))).status(), 200);
    cache_process streaming(app, {}, {}, {"--largest-response", "1KiB"});
    auto client = streaming.connect();
    client.send(get("/told"));
    auto fetch = app.accept();
    fetch.read();
    fetch.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=30\r\nContent-Length: 1025\r\n\r\n");
    EXPECT_EQ(client.read(true).field("Content-Length"), "1025");
    fetch.send(large);
    EXPECT_EQ(client.read_exactly(1025), large);
    client.send(get("/told"));
    EXPECT_EQ(fetch.read().start_line, "GET /told HTTP/1.1") << "larger than what is stored";
}

// R2.15
TEST(robustness, a_proxy_header_says_who_the_client_is) {
    origin app;
    cache_process cache(
        app,
        "sub vcl_recv { return (synth(200)); } sub vcl_synth { set resp.http.X-Who = client.ip + \" \" + remote.ip + \" \" + server.ip; }",
        {}, {"--proxied"});
    const std::string version_2("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\x04\xd2\0\x50", 28);
    for (const auto& header : {std::string("PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n"), version_2}) {
        EXPECT_EQ(ask(cache, header + get("/x")).field("X-Who"), "192.0.2.1 127.0.0.1 192.0.2.2");
    }
    EXPECT_EQ(ask(cache, "PROXY UNKNOWN\r\n" + get("/x")).field("X-Who"), "127.0.0.1 127.0.0.1 127.0.0.1");
    for (const auto& wrong : {get("/x"), std::string("PROXY TCP4 x 192.0.2.2 1234 80\r\n"), std::string(200, 'P')}) {
        auto client = cache.connect();
        client.send(wrong);
        EXPECT_TRUE(client.at_end()) << wrong;
    }
}

TEST(robustness, an_origin_is_told_by_a_proxy_header_who_the_client_is) {
    const std::string six = "PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n", four = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n";
    const std::string v2_of_four("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\x04\xd2\0\x50", 28);
    const std::string v2_of_six(
        "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x04\xd2\0\x50", 52);
    for (const bool second : {false, true}) {
        origin app;
        cache_process cache(
            app,
            fmt::format("backend told {{ .host = \"127.0.0.1\"; .port = \"{}\"; .proxy_header = {}; }}"
                        "sub vcl_recv {{ set req.backend_hint = told; if (req.url == \"/pipe\") {{ return (pipe); }} return (pass); }}",
                        app.port(), second ? 2 : 1),
            {}, {"--proxied"});
        for (const auto& header : {four, six}) {
            for (const char* target : {"/pass", "/pipe"}) {
                auto client = cache.connect();
                client.send(header + get(target));
                const auto wanted = !second ? header : header == four ? v2_of_four : v2_of_six;
                auto fetch = app.accept();
                EXPECT_EQ(fetch.read_exactly(wanted.size()), wanted) << target;
                EXPECT_EQ(fetch.read().start_line, fmt::format("GET {} HTTP/1.1", target));
                fetch.send(ok("x"));
                client.read();
            }
        }
    }
}

TEST(robustness, a_health_check_says_whence_it_comes_by_a_proxy_header) {
    origin app;
    cache_process cache(
        app, fmt::format("backend told {{ .host = \"127.0.0.1\"; .port = \"{}\"; .proxy_header = 1; .probe = {{ .url = \"/h\"; }} }}"
                         "sub vcl_recv {{ set req.backend_hint = told; }}",
                         app.port()));
    EXPECT_EQ(app.accept().read_exactly(31), "PROXY TCP4 127.0.0.1 127.0.0.1 ");
}

TEST(robustness, interim_responses_are_the_clients) {
    origin app;
    cache_process cache(app);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    fetch.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("x"));
    const auto hints = client.read();
    EXPECT_EQ(hints.status(), 103);
    EXPECT_EQ(hints.field("Link"), "</a>");
    EXPECT_EQ(client.read().body, "x");
}

// R2.18
TEST(robustness, started_as_root_it_becomes_nobody) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    origin app;
    cache_process cache(app, {}, {}, {"--user", "nobody"});
    std::ifstream status("/proc/" + std::to_string(cache.pid()) + "/status");
    std::string line;
    while (std::getline(status, line) && !line.starts_with("Uid:")) {}
    EXPECT_EQ(line, "Uid:\t65534\t65534\t65534\t65534");
    EXPECT_EQ(ask(cache, app, get("/x"), ok("served")).body, "served");
}

// R2.26: a burst of URLs takes the room of its own class only.
TEST(robustness, a_burst_of_urls_evicts_nothing_of_another_storage_area) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { if (bereq.url == \"/hot\") { set beresp.storage = storage.hot; } }", {},
                        {"--store", "8KiB", "--store", "hot=8KiB"});
    wire fetch(-1);
    ask(cache, app, get("/hot"), ok("hot"), &fetch);
    for (int i = 0; i < 50; ++i) {
        auto client = cache.connect();
        client.send(get("/burst/" + std::to_string(i)));
        fetch.read();
        fetch.send(ok(std::string(500, 'b')));
        EXPECT_EQ(client.read().status(), 200);
    }
    const auto storage = cache.ask({{"do", "status"}})["storage"];
    EXPECT_LE(storage["default"]["used"], 8192);
    EXPECT_GT(storage["default"]["evicted"], 30);
    EXPECT_EQ(storage["hot"]["objects"], 1);
    EXPECT_EQ(ask(cache, get("/hot")).body, "hot");
    EXPECT_TRUE(fetch.silent());
}

}  // namespace
}  // namespace badorigin::cache::testing
