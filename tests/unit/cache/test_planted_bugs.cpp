// Each planted bug shows, and without it the same steps go well. (That the judge sees it too is proven by the scenarios.)
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/cache/cache_process.h"
#include "tests/unit/cache/proofs.h"

namespace badorigin::cache::testing {
namespace {
using namespace std::chrono_literals;

constexpr auto grace_30 =
    "sub vcl_backend_response { set beresp.ttl = 30s; set beresp.grace = 30s; if (beresp.status >= 500) { return (abandon); } } ";
constexpr auto failed = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

std::uint64_t cpu_ticks(int pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string text(std::istreambuf_iterator<char>(in), {});
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    std::uint64_t user = 0, system = 0;
    fields >> user >> system;
    return user + system;
}

/// Whether the process burns CPU: its ticks are watched until they have moved, or for a while.
bool rests(const cache_process& cache) {
    const auto before = cpu_ticks(cache.pid());
    for (int i = 0; i < 30; ++i) {
        ::usleep(10'000);
        if (cpu_ticks(cache.pid()) > before + 5) return false;
    }
    return true;
}

bool rests_while_stalled(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto [client, fetch, asked] = begin(cache, app, get("/x"));
    cache.sync();
    return rests(cache);
}

/// Everything goes to a backend at `probed`, which is probed every 10 s.
std::string watching(const origin& probed) {
    return "backend watched { .host = \"127.0.0.1\"; .port = \"" + std::to_string(probed.port()) +
           "\"; .probe = { .interval = 10s; } } sub vcl_recv { set req.backend_hint = watched; }";
}

void answer_probe(cache_process& cache, origin& probed) {
    auto probe = probed.accept();
    probe.read();
    probe.send(ok("fine", "Connection: close\r\n"));
    probe.close();
    cache.sync();
}

bool probes_at_the_interval(const plants& bugs) {
    origin app, probed;
    cache_process cache(app, watching(probed), bugs);
    answer_probe(cache, probed);
    cache.advance(9s);
    return probed.unasked();
}

bool what_is_discarded_is_not_probed(const plants& bugs) {
    origin app, probed;
    cache_process cache(app, watching(probed), bugs);
    answer_probe(cache, probed);
    const auto file = cache.log_path() + ".vcl";
    std::ofstream(file) << "vcl 4.1; backend app { .host = \"127.0.0.1\"; .port = \"" << app.port() << "\"; }";
    cache.ask({{"do", "load"}, {"name", "other"}, {"file", file}});
    cache.ask({{"do", "use"}, {"name", "other"}});
    cache.ask({{"do", "discard"}, {"name", "boot"}});
    cache.advance(30s);
    return probed.unasked();
}

bool rests_after_a_headerless_probe(const plants& bugs) {
    origin app, probed;
    cache_process cache(app, watching(probed), bugs);
    auto probe = probed.accept();
    probe.read();
    probe.send("<html>");
    probe.close();
    cache.sync();
    return rests(cache);
}

std::size_t descriptors(int pid) {
    std::size_t out = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) ++out;
    return out;
}

bool leaves_no_descriptor(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    cache.sync();
    const auto before = descriptors(cache.pid());
    for (int i = 0; i < 3; ++i) ask(cache, app, get("/x"), "<html>");
    cache.sync();
    return descriptors(cache.pid()) == before;
}

std::uint64_t resident_kib(int pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
    std::uint64_t total = 0, resident = 0;
    in >> total >> resident;
    return resident * 4;
}

bool leaves_no_memory(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    ask(cache, app, get("/x"), "<html>");
    const auto before = resident_kib(cache.pid());
    for (int i = 0; i < 4; ++i) ask(cache, app, get("/x"), "<html>");
    return resident_kib(cache.pid()) < before + 8 * 1024;
}

/// After `age`, of a response with ttl 30 s and grace 30 s: is the next request answered at once, and how often is the origin asked?
std::pair<bool, int> after(const plants& bugs, std::chrono::seconds age, int requests = 1) {
    origin app;
    cache_process cache(app, grace_30, bugs);
    ask(cache, app, get("/x"), ok("one", "Cache-Control: max-age=30\r\nConnection: close\r\n"));
    cache.advance(age);
    std::vector<wire> clients;
    for (int i = 0; i < requests; ++i) {
        clients.push_back(cache.connect());
        clients.back().send(get("/x"));
        cache.sync();
    }
    int asked = 0;
    std::vector<wire> fetches;
    for (; !app.unasked(); ++asked) fetches.push_back(app.accept());
    return {!clients.front().silent(), asked};
}
bool grace_serves(const plants& bugs) {
    return after(bugs, 35s).first;
}
bool grace_ends(const plants& bugs) {
    return !after(bugs, 65s).first;
}
bool one_refresh(const plants& bugs) {
    return after(bugs, 35s, 3).second == 1;
}

/// In saint mode for 90 s since a failure: is the origin left alone `later`?
std::function<bool(const plants&)> saint_keeps_away(std::chrono::seconds later) {
    return [=](const plants& bugs) {
        origin app;
        cache_process cache(app, R"(
import saintmode;
sub vcl_init { new sm = saintmode.saintmode(app, 10); }
sub vcl_backend_fetch { set bereq.backend = sm.backend(); }
sub vcl_backend_response { if (beresp.status >= 500) { saintmode.blacklist(90s); return (abandon); } })",
                            bugs);
        ask(cache, app, get("/x"), failed);
        cache.advance(later);
        auto client = cache.connect();
        client.send(get("/x"));
        cache.sync();
        return app.unasked() && client.read().status() == 503;
    };
}

bool collapses(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto one = cache.connect(), two = cache.connect();
    one.send(get("/x"));
    auto fetch = app.accept();
    two.send(get("/x"));
    cache.sync();
    return app.unasked();
}

bool waiters_get_their_own(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    ask(cache, app, get("/other"), ok("other", "Cache-Control: max-age=30\r\nConnection: close\r\n"));
    auto one = cache.connect(), two = cache.connect();
    one.send(get("/x"));
    auto fetch = app.accept();
    two.send(get("/x"));
    cache.sync();
    fetch.send(ok("mine"));
    return two.read().body == "mine";
}

std::function<bool(const plants&)> hit_says(std::string answer, std::string age) {
    return [=](const plants& bugs) {
        origin app;
        cache_process cache(app, {}, bugs);
        ask(cache, app, get("/x"), answer);
        cache.advance(12s);
        return ask(cache, get("/x")).field("Age") == age;
    };
}

/// Two requests: is the origin asked for the second, too?
std::function<bool(const plants&)> fetched_again(std::string first, std::string answer, std::string second, std::string policy = {},
                                                 std::string ban = {}) {
    return [=](const plants& bugs) {
        origin app;
        cache_process cache(app, policy, bugs);
        ask(cache, app, first, answer);
        if (!ban.empty()) cache.ask({{"do", "ban"}, {"expression", ban}});
        auto client = cache.connect();
        client.send(second);
        cache.sync();
        return !app.unasked() && client.silent();
    };
}

std::function<bool(const plants&)> refused(std::string request) {
    return [=](const plants& bugs) {
        origin app;
        cache_process cache(app, {}, bugs);
        auto client = cache.connect();
        client.send(request);
        cache.sync();
        return app.unasked() && client.read().status() == 400;
    };
}

bool page_is_put_together(const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_backend_response { set beresp.do_esi = true; }", bugs);
    return ask(cache, app, get("/x"), ok("a<esi:remove>b</esi:remove>c")).body == "ac";
}

bool synthesized_comes_whole(const plants& bugs) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }", bugs);
    return ask(cache, get("/x", "Range: bytes=0-0\r\n")).status() == 200;
}

bool hop_by_hop_stays(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    auto client = cache.connect();
    client.send(get("/x", "Connection: X-Hop\r\nX-Hop: 1\r\n"));
    return app.accept().read().count("X-Hop") == 0;
}

bool hit_is_200(const plants& bugs) {
    origin app;
    cache_process cache(app, {}, bugs);
    ask(cache, app, get("/x"), ok("one"));
    return ask(cache, get("/x")).status() == 200;
}

const std::string closing = "Connection: close\r\nCache-Control: max-age=30\r\n";
const std::string by_user = "sub vcl_hash { hash_data(req.http.X-User); }";

const std::vector<proof> proofs_of_serving{
    {"spin-on-stalled-origin", rests_while_stalled},
    {"spin-on-headerless-probe", rests_after_a_headerless_probe},
    {"probe-too-often", probes_at_the_interval},
    {"probe-when-unused", what_is_discarded_is_not_probed},
    {"leak-descriptor-on-failed-fetch", leaves_no_descriptor},
    {"leak-memory-on-failed-fetch", leaves_no_memory},
    {"ignore-grace", grace_serves},
    {"serve-beyond-grace", grace_ends},
    {"refresh-for-every-stale-hit", one_refresh},
    {"ignore-saint", saint_keeps_away(10s)},
    {"saint-ends-early", saint_keeps_away(80s)},
    {"no-collapsing", collapses},
    {"mix-up-waiters", waiters_get_their_own},
    {"no-age", hit_says(ok("x"), "12")},
    {"frozen-age", hit_says(ok("x"), "12")},
    {"ignore-upstream-age", hit_says(ok("x", "Cache-Control: max-age=30\r\nAge: 5\r\n"), "17")},
    {"ignore-vary", fetched_again(get("/x", "X-A: 1\r\n"), ok("x", "Vary: X-A\r\n" + closing), get("/x", "X-A: 2\r\n"))},
    {"ignore-hash-data", fetched_again(get("/x", "X-User: 1\r\n"), ok("x", closing), get("/x", "X-User: 2\r\n"), by_user)},
    {"ignore-ban", fetched_again(get("/x"), ok("x", closing), get("/x"), {}, "req.url == \"/x\"")},
    {"store-error", fetched_again(get("/x"), "HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", get("/x"))},
    {"store-private", fetched_again(get("/x"), ok("x", "Connection: close\r\nCache-Control: private\r\n"), get("/x"))},
    {"accept-bare-cr", refused("GET / HTTP/1.1\rHost: a\r\n\r\n")},
    {"serve-http-0-9", refused("GET /x\r\n")},
    {"accept-several-content-length", refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")},
    {"forward-content-length-with-transfer-encoding",
     refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")},
    {"forward-hop-by-hop", hop_by_hop_stays},
    {"unconditional-304", hit_is_200},
    {"ignore-esi", page_is_put_together},
    {"range-of-synthesized", synthesized_comes_whole},
};

const std::vector<proof> proofs = [] {
    auto all = proofs_of_serving;
    for (auto make : {proofs_of_fetches, proofs_of_wishes, proofs_of_origins}) std::ranges::move(make(), std::back_inserter(all));
    return all;
}();

class planted : public ::testing::TestWithParam<proof> {};

TEST_P(planted, shows_and_the_honest_cache_does_well) {
    EXPECT_TRUE(GetParam().goes_well({}));
    EXPECT_FALSE(GetParam().goes_well({GetParam().id}));
}

INSTANTIATE_TEST_SUITE_P(bug, planted, ::testing::ValuesIn(proofs), [](const auto& of) {
    auto name = of.param.id;
    std::ranges::replace(name, '-', '_');
    return name;
});

TEST(planted_bugs, each_has_its_proof) {
    std::FILE* list = ::popen(BADORIGIN_BUILD_DIR "/badorigin-cache --list-planted-bugs", "r");
    ASSERT_TRUE(list);
    std::size_t listed = 0;
    for (char line[512]; std::fgets(line, sizeof line, list); ++listed) {
        const std::string text(line);
        const auto id = text.substr(0, text.find('\t'));
        EXPECT_TRUE(std::ranges::any_of(proofs, [&](const proof& p) { return p.id == id; })) << id;
    }
    EXPECT_EQ(::pclose(list), 0);
    EXPECT_EQ(listed, proofs.size());
}

}  // namespace
}  // namespace badorigin::cache::testing
