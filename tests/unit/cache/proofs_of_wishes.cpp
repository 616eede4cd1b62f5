#include <optional>

#include "tests/unit/cache/cache_process.h"
#include "tests/unit/cache/proofs.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

constexpr auto pages = "sub vcl_backend_response { set beresp.do_esi = true; set beresp.ttl = 30s; } ";
const std::string gone = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";

/// What the client gets whose request makes the cache ask the origin for all this, one after the other.
std::optional<message> put_together(const plants& bugs, const std::vector<std::string>& answers, std::string_view policy = pages) {
    origin app;
    cache_process cache(app, policy, bugs);
    auto client = cache.connect();
    client.send(get("/x"));
    auto fetch = app.accept();
    try {
        for (const auto& answer : answers) {
            fetch.read();
            fetch.send(answer);
        }
        cache.sync();
        return client.read();
    } catch (const std::runtime_error&) { return std::nullopt; }  // asked for less, or dead
}

bool is(const std::optional<message>& got, std::string_view body) {
    return got && got->body == body;
}

bool restarts(const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_deliver { if (req.restarts == 0) { return (restart); } }", bugs);
    return ask(cache, app, get("/x"), ok("x")).status() == 200;
}

bool one_failed_probe_is_no_sickness(const plants& bugs) {
    origin app;
    cache_process cache(app,
                        R"(
backend probed { .host = "127.0.0.1"; .port = ")" +
                            std::to_string(app.port()) + R"(";
    .probe = { .initial = 3; .window = 3; .threshold = 2; .interval = 5s; .timeout = 2s; } }
sub vcl_recv { set req.backend_hint = probed; })",
                        bugs);
    cache.advance(5s);
    auto probe = app.accept();
    probe.read();
    probe.send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    probe.close();
    cache.sync();
    auto client = cache.connect();
    client.send(get("/x"));
    cache.sync();
    return client.silent();  // the origin is asked, not found sick
}

bool stale_is_prompt_without_a_refresh(const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.ttl = 30s; set beresp.grace = 30s; }", bugs, {"--most-refreshes", "0"});
    ask(cache, app, get("/x"), ok("x", "Connection: close\r\n"));
    cache.advance(40s);
    auto client = cache.connect();
    client.send(get("/x"));
    cache.sync();
    return app.unasked() && client.read().body == "x" && cache.ask({{"do", "status"}})["not_refreshed"] == 1;
}

bool purged_is_fetched(const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_recv { if (req.method == \"PURGE\") { return (purge); } }", bugs);
    wire fetch(-1);
    ask(cache, app, get("/x"), ok("x"), &fetch);
    ask(cache, "PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n");
    auto client = cache.connect();
    client.send(get("/x"));
    cache.sync();
    return !fetch.silent();
}

/// Two responses of 50,000 bytes in storage areas of 64 KiB: how many are still stored?
int stored(const plants& bugs, const std::string& policy) {
    origin app;
    cache_process cache(app, policy, bugs, {"--store", "64KiB", "--store", "other=64KiB"});
    const auto closing = "Cache-Control: max-age=30\r\nConnection: close\r\n";
    for (const auto target : {"/x", "/y"}) ask(cache, app, get(target), ok(std::string(50'000, 'a'), closing));
    return cache.ask({{"do", "status"}})["objects"];
}
bool room_is_made(const plants& bugs) {
    return stored(bugs, {}) == 1;
}
bool each_has_its_store(const plants& bugs) {
    return stored(bugs, "sub vcl_backend_response { if (bereq.url == \"/x\") { set beresp.storage = storage.other; } }") == 2;
}

bool forwarded_for_is_folded(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto client = cache.connect();
    client.send(get("/x", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n"));
    return app.accept().read().field("X-Forwarded-For") == "1.1.1.1, 2.2.2.2, 127.0.0.1";
}

bool silence_before_a_request_does_not_count(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto client = cache.connect();
    cache.advance(4s);
    client.send("GET /x HTTP/1.1\r\n");
    cache.sync();
    cache.advance(8s);
    client.send("Host: a\r\n\r\n");
    cache.sync();
    return !app.unasked();
}

bool onerror_is_followed(const plants& bugs) {
    return is(put_together(bugs, {ok("a<esi:include src=\"/n\" onerror=\"continue\"/>b"), gone}), "ab");
}

bool nests_five_levels(const plants& bugs) {
    return is(
        put_together(bugs, std::vector(6, ok("a<esi:include src=\"n\"/>", "")), "sub vcl_backend_response { set beresp.do_esi = true; }"),
        "aaaaaa");
}

bool begins_before_an_include(const plants& bugs) {
    origin app;
    cache_process cache(app, pages, bugs);
    auto client = cache.connect();
    client.send(get("/x"));
    auto fetch = app.accept();
    fetch.read();
    fetch.send(ok("a<esi:include src=\"/n\"/>"));
    cache.sync();
    return !client.silent();
}

bool bad_page_is_a_failed_fetch(const plants& bugs) {
    const auto got = put_together(bugs, {ok("<esi:include src=\"/n\"")});
    return got && got->status() == 503;
}

bool length_is_that_of_what_is_sent(const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.do_gzip = true; }", bugs);
    const std::string text(1000, 'a');
    ask(cache, app, get("/x"), ok(text));
    return ask(cache, "GET /x HTTP/1.0\r\nHost: a\r\n\r\n").body == text;
}

bool newcomer_takes_the_place_of_another(const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }", bugs, {"--most-connections", "1"});
    auto kept = cache.connect();
    kept.send(get("/x"));
    kept.read();
    ask(cache, get("/x"));
    return !kept.silent();
}
}  // namespace

std::vector<proof> proofs_of_wishes() {
    return {
        {"no-restart", restarts},
        {"sick-by-last-probe", one_failed_probe_is_no_sickness},
        {"refresh-in-front", stale_is_prompt_without_a_refresh},
        {"ignore-purge", purged_is_fetched},
        {"never-evict", room_is_made},
        {"one-store-for-all", each_has_its_store},
        {"forwarded-for-apart", forwarded_for_is_folded},
        {"request-timeout-from-idle", silence_before_a_request_does_not_count},
        {"no-cap-on-clients", newcomer_takes_the_place_of_another},
        {"ignore-onerror", onerror_is_followed},
        {"includes-without-end", nests_five_levels},
        {"page-as-a-whole", begins_before_an_include},
        {"crash-on-bad-page", bad_page_is_a_failed_fetch},
        {"length-of-the-packed", length_is_that_of_what_is_sent},
    };
}

}  // namespace badorigin::cache::testing
