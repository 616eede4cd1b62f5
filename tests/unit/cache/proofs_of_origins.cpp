#include <set>

#include <fmt/core.h>

#include "tests/unit/cache/cache_process.h"
#include "tests/unit/cache/proofs.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

bool waits_a_minute(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto client = cache.connect();
    client.send(get("/x"));
    auto fetch = app.accept();
    cache.advance(61s);
    return !client.silent();
}

/// `director` of the type, over the backends: fields of the answer say what it chose for the URL.
std::string chooses(std::string_view directors) {
    return "import directors;"
           "backend one { .host = \"127.0.0.1\"; .port = \"1\"; } backend two { .host = \"127.0.0.1\"; .port = \"2\"; }"
           "backend sick { .host = \"127.0.0.1\"; .port = \"3\"; .probe = { .initial = 0; .interval = 1h; } }" +
           std::string(directors) +
           "sub vcl_recv { set req.http.X-A = a.backend(AA); set req.http.X-B = b.backend(BB); return (synth(200)); }"
           "sub vcl_synth { set resp.http.X-A = req.http.X-A; set resp.http.X-B = req.http.X-B; }";
}
std::string with_arguments(std::string policy, std::string_view text) {
    for (const char* place : {"AA", "BB"}) policy.replace(policy.find(place), 2, text);
    return policy;
}

bool hash_keeps_to_the_url(const plants& bugs) {
    origin app;
    const auto director = [](const std::string& name) {
        return fmt::format("new {0} = directors.hash(); {0}.add_backend(one, 1.0); {0}.add_backend(two, 1.0); {0}.add_backend(sick, 1.0); ",
                           name);
    };
    cache_process cache(app, with_arguments(chooses("sub vcl_init { " + director("a") + director("b") + "}"), "req.url"), bugs);
    const auto first = ask(cache, get("/x")).field("X-A");
    return !first.empty() && ask(cache, get("/x")).field("X-A") == first;
}

/// Nobody listens there: the answer says who was chosen.
bool chance_knows_no_url(const plants& bugs) {
    origin app;
    cache_process cache(app,
                        "import directors;"
                        "backend one { .host = \"127.0.0.1\"; .port = \"1\"; } backend two { .host = \"127.0.0.1\"; .port = \"2\"; }"
                        "sub vcl_init { new a = directors.random(); a.add_backend(one, 1.0); a.add_backend(two, 1.0); }"
                        "sub vcl_recv { set req.backend_hint = a.backend(); return (pass); }"
                        "sub vcl_backend_error { set beresp.http.X-Chosen = beresp.backend; }",
                        bugs);
    std::set<std::string> chosen;
    for (int i = 0; i < 20; ++i) chosen.insert(ask(cache, get("/x")).field("X-Chosen"));
    return chosen == std::set<std::string>{"one", "two"};
}

/// The share of the healthy is theirs, whether or not a sick one is among them.
bool shard_moves_the_sick_ones_share_alone(const plants& bugs) {
    origin app;
    const auto director = [](const std::string& name, const std::string& more) {
        return fmt::format("new {0} = directors.shard(); {0}.add_backend(one); {0}.add_backend(two); {1} {0}.reconfigure(); ", name, more);
    };
    const auto both = "sub vcl_init { " + director("a", "a.add_backend(sick);") + director("b", "") + "}";
    cache_process cache(app, with_arguments(chooses(both), "by=URL"), bugs);
    cache.sync();
    for (char target = 'a'; target < 'm'; ++target) {
        const auto answer = ask(cache, get(fmt::format("/{}", target)));
        if (answer.field("X-A").empty() || answer.field("X-A") != answer.field("X-B")) return false;
    }
    return true;
}

std::string told_by_version_1(const origin& app) {
    return fmt::format(
        "backend told {{ .host = \"127.0.0.1\"; .port = \"{}\"; .proxy_header = 1; }}"
        "sub vcl_recv {{ set req.backend_hint = told; return (pass); }}",
        app.port());
}

bool origin_is_told(const plants& bugs) {
    origin app;
    cache_process cache(app, told_by_version_1(app), bugs);
    auto client = cache.connect();
    client.send(get("/x"));
    return app.accept().read_exactly(11) == "PROXY TCP4 ";
}

bool each_client_has_its_connection(const plants& bugs) {
    origin app;
    cache_process cache(app, told_by_version_1(app), bugs);
    auto one = cache.connect(), two = cache.connect();
    one.send(get("/x"));
    auto fetch = app.accept();
    fetch.send(ok("x"));
    one.read();
    two.send(get("/y"));
    cache.sync();
    return !app.unasked();
}

/// What comes back to who began so; empty: nothing, and the connection is closed.
std::string client_behind(const std::string& header, const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); } sub vcl_synth { set resp.http.X-Client = client.ip; }", bugs,
                        {"--proxied"});
    auto client = cache.connect();
    client.send(header + get("/x"));
    cache.sync();
    return client.at_end() ? std::string() : client.read().field("X-Client");
}
bool header_names_the_client(const plants& bugs) {
    return client_behind("PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n", bugs) == "192.0.2.1";
}
bool malformed_header_closes(const plants& bugs) {
    return client_behind("PROXY TCP4 here there 1234 80\r\n", bugs).empty();
}

bool full_backend_is_not_asked(const plants& bugs) {
    origin app;
    cache_process cache(app,
                        fmt::format("backend small {{ .host = \"127.0.0.1\"; .port = \"{}\"; .max_connections = 1; }} "
                                    "sub vcl_recv {{ set req.backend_hint = small; return (pass); }}",
                                    app.port()),
                        bugs);
    const auto busy = begin(cache, app, get("/slow"));
    auto client = cache.connect();
    client.send(get("/x"));
    cache.sync();
    return app.unasked();
}
}  // namespace

std::vector<proof> proofs_of_origins() {
    return {
        {"wait-without-end", waits_a_minute},
        {"ignore-max-connections", full_backend_is_not_asked},
        {"hash-by-turn", hash_keeps_to_the_url},
        {"random-by-hash", chance_knows_no_url},
        {"shard-reshuffles", shard_moves_the_sick_ones_share_alone},
        {"no-proxy-header", origin_is_told},
        {"reuse-connection-of-another-client", each_client_has_its_connection},
        {"ignore-proxy-header", header_names_the_client},
        {"accept-malformed-proxy-header", malformed_header_closes},
    };
}

}  // namespace badorigin::cache::testing
