// The cache's own log: its records, the file, and those who read it over the control socket.
#include <fstream>
#include <iterator>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

std::string file_of(cache_process& cache) {
    cache.sync();
    std::ifstream in(cache.log_path());
    return {std::istreambuf_iterator<char>(in), {}};
}

/// "Tag value" of one transaction, a line each.
std::string records_of(const std::string& log, int number) {
    std::string out;
    std::istringstream lines(log);
    const std::regex shape(R"( *(\d+) (\S+) +([cb-]) (.*))");
    for (std::string each; std::getline(lines, each);) {
        std::smatch parts;
        EXPECT_TRUE(std::regex_match(each, parts, shape)) << each;
        if (parts.size() == 5 && parts[1] == std::to_string(number)) out += parts[2].str() + " " + parts[4].str() + "\n";
    }
    return out;
}

/// Words of `records`, in this order.
void expect_in_order(const std::string& records, const std::vector<std::string>& words) {
    std::size_t at = 0;
    for (const auto& word : words) {
        const auto found = records.find(word + (word.ends_with(' ') ? "" : "\n"), at);
        EXPECT_NE(found, std::string::npos) << word << " in\n" << records;
        if (found != std::string::npos) at = found;
    }
}

TEST(own_log, tells_of_a_miss_and_its_fetch_as_varnish_would) {
    origin app;
    cache_process cache(app,
                        "import std; sub vcl_recv { set req.http.X = \"y\"; std.log(\"a\" + req.url); unset req.http.Y; } "
                        "sub vcl_backend_response { set beresp.ttl = 60s; set beresp.http.Z = \"z\"; }");
    auto client = cache.connect();
    client.send(get("/x", "Y: n\r\n"));
    auto fetch = app.accept();
    fetch.read();
    fetch.send(ok("one"));
    client.read();
    client.close();
    const auto log = file_of(cache);
    expect_in_order(records_of(log, 1),
                    {"Begin sess 0 HTTP/1", "SessOpen 127.0.0.1 ", "Link req 2 rxreq", "SessClose REM_CLOSE 0.000", "End "});
    expect_in_order(records_of(log, 2), {"Begin req 1 rxreq",
                                         "Timestamp Start: 1700000000.000000 0.000000 0.000000",
                                         "ReqStart 127.0.0.1 ",
                                         "ReqMethod GET",
                                         "ReqURL /x",
                                         "ReqProtocol HTTP/1.1",
                                         "ReqHeader Host: a",
                                         "ReqHeader Y: n",
                                         "VCL_use boot",
                                         "ReqHeader X-Forwarded-For: 127.0.0.1",
                                         "VCL_call RECV",
                                         "ReqHeader X: y",
                                         "VCL_Log a/x",
                                         "ReqUnset Y: n",
                                         "VCL_return hash",
                                         "VCL_call HASH",
                                         "VCL_return lookup",
                                         "VCL_call MISS",
                                         "VCL_return fetch",
                                         "Link bereq 3 fetch",
                                         "Timestamp Fetch: ",
                                         "RespProtocol HTTP/1.1",
                                         "RespStatus 200",
                                         "RespReason OK",
                                         "VCL_call DELIVER",
                                         "VCL_return deliver",
                                         "Timestamp Process: ",
                                         "Timestamp Resp: ",
                                         "ReqAcct ",
                                         "End "});
    expect_in_order(records_of(log, 3), {"Begin bereq 2 fetch",
                                         "BereqMethod GET",
                                         "BereqURL /x",
                                         "BereqHeader X: y",
                                         "VCL_call BACKEND_FETCH",
                                         "VCL_return fetch",
                                         "Timestamp Connected: ",
                                         "BackendOpen ",
                                         "Timestamp Bereq: ",
                                         "Timestamp Beresp: ",
                                         "BerespStatus 200",
                                         "BerespHeader Cache-Control: max-age=30",
                                         "TTL RFC 30 0 0 1700000000",
                                         "VCL_call BACKEND_RESPONSE",
                                         "BerespHeader Z: z",
                                         "VCL_return deliver",
                                         "TTL VCL 60 0 0 1700000000",
                                         "Fetch_Body 3 length -",
                                         "Length 3",
                                         "Storage memory default",
                                         "End "});
}

TEST(own_log, accounts_for_every_byte_of_both_messages) {
    origin app;
    cache_process cache(app);
    const auto request = post("/x", "some content"), response = ok("one");
    auto client = cache.connect();
    client.send(request);
    auto fetch = app.accept();
    const auto asked = fetch.read();
    fetch.send(response);
    const auto got = client.read();
    const auto size_of = [](const message& m) {
        auto size = m.start_line.size() + 4;
        for (const auto& [name, value] : m.fields) size += name.size() + value.size() + 4;
        return size;
    };
    const auto log = file_of(cache);
    const auto account = [](std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
        return std::to_string(a) + ' ' + std::to_string(b) + ' ' + std::to_string(a + b) + ' ' + std::to_string(c) + ' ' +
               std::to_string(d) + ' ' + std::to_string(c + d) + '\n';
    };
    EXPECT_THAT(records_of(log, 2), HasSubstr("ReqAcct " + account(request.size() - 12, 12, size_of(got), 3)));
    EXPECT_THAT(records_of(log, 3), HasSubstr("BereqAcct " + account(size_of(asked), 12, response.size() - 3, 3)));
}

TEST(own_log, tells_hits_marks_failures_and_restarts_apart) {
    origin app;
    cache_process cache(app,
                        "sub vcl_backend_response { if (bereq.url == \"/pass\") { return (pass(10s)); } "
                        "if (bereq.url == \"/miss\") { set beresp.uncacheable = true; set beresp.ttl = 20s; } } "
                        "sub vcl_synth { if (resp.status == 700 && req.restarts == 0) { return (restart); } } "
                        "sub vcl_recv { if (req.url == \"/again\") { return (synth(700)); } }");
    for (const auto* path : {"/hit", "/pass", "/miss"}) {
        ask(cache, app, get(path), ok("one"));
        if (std::string(path) == "/hit") cache.advance(seconds(10));
        std::string(path) == "/hit" ? ask(cache, get(path)) : ask(cache, app, get(path), ok("one"));
    }
    ask(cache, app, get("/broken"), "HTTP/1.1 200 OK\r\nno colon\r\n\r\n");
    ask(cache, get("/again"));
    const auto log = file_of(cache);
    EXPECT_THAT(log, HasSubstr("Hit            c 3 20.000000 0.000000 0.000000\n"));
    EXPECT_THAT(log, HasSubstr("HitPass        c 8 10.000000\n"));
    EXPECT_THAT(log, HasSubstr("HitMiss        c 14 20.000000\n"));
    EXPECT_THAT(log, HasSubstr("FetchError     b malformed response: "));
    EXPECT_THAT(log, HasSubstr("Timestamp      b Error: "));
    EXPECT_THAT(log, HasSubstr(" restart\n"));
}

TEST(own_log, says_how_each_probe_went) {
    origin app;
    cache_process cache(app, "backend probed { .host = \"127.0.0.1\"; .port = \"" + std::to_string(app.port()) +
                                 "\"; .probe = { .url = \"/up\"; .interval = 5s; .window = 2; .threshold = 1; .initial = 0; } } "
                                 "sub vcl_recv { set req.backend_hint = probed; }");
    auto probe = app.accept();
    probe.read();
    probe.send("HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n");
    cache.advance(seconds(5));
    auto next = app.accept();
    next.read();
    next.send("HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n");
    const auto log = file_of(cache);
    EXPECT_THAT(log,
                HasSubstr("         0 Backend_health - boot.probed Back healthy 4---X-RH 1 1 2 0.000000 0.000000 \"HTTP/1.1 200 Fine\"\n"));
    EXPECT_THAT(log,
                HasSubstr("         0 Backend_health - boot.probed Still healthy 4---X-R- 1 1 2 0.000000 0.000000 \"HTTP/1.1 500 Bad\"\n"));
}

TEST(own_log, keeps_a_record_on_its_line_whatever_stands_in_it) {
    origin app;
    cache_process cache(app, "import std; sub vcl_recv { std.log({\"one\ntwo\"}); return (synth(200)); }");
    ask(cache, get("/"));
    EXPECT_THAT(file_of(cache), HasSubstr("VCL_Log        c one\\ntwo\n"));
}

TEST(own_log, is_read_by_several_at_once_each_from_when_it_came) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }");
    auto first = cache.read_log();
    ask(cache, get("/one"));
    auto second = cache.read_log();
    ask(cache, get("/two"));
    cache.sync();
    const auto of_first = first.so_far(), of_second = second.so_far();
    EXPECT_THAT(of_first, HasSubstr("ReqURL         c /one\n"));
    EXPECT_TRUE(of_first.ends_with(of_second)) << of_second;
    EXPECT_THAT(of_second, HasSubstr("ReqURL         c /two\n"));
    EXPECT_THAT(of_second, Not(HasSubstr("/one")));
    EXPECT_EQ(cache.ask({{"do", "status"}})["log"]["readers"], 2);
    EXPECT_EQ(of_first, file_of(cache)) << "the same records";
}

TEST(own_log, costs_no_memory_while_nobody_reads_and_a_reader_that_leaves_ends_nothing) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }");
    ask(cache, get("/one"));
    EXPECT_EQ(cache.ask({{"do", "status"}})["log"]["held"], 0);
    {
        auto reader = cache.read_log();
        ask(cache, get("/two"));
        EXPECT_GT(cache.ask({{"do", "status"}})["log"]["held"], 0);
    }
    cache.sync();
    const auto log = cache.ask({{"do", "status"}})["log"];
    EXPECT_EQ(log["readers"], 0);
    EXPECT_EQ(log["held"], 0);
    EXPECT_EQ(ask(cache, get("/three")).status(), 200);
}

TEST(own_log, tells_a_reader_that_is_too_slow_how_many_records_it_has_lost) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }", {}, {"--log-memory", "64KiB"});
    auto slow = cache.read_log();
    auto client = cache.connect();
    std::string request = get("/x", "Long: " + std::string(4000, 'l') + "\r\n");
    for (int i = 0; i < 400; ++i) {  // 1.6 MB of records; the reader's socket and its piece hold a part, the ring 64 KiB
        client.send(request);
        EXPECT_EQ(client.read().status(), 200) << "nobody waits for a reader";
    }
    client.close();
    const auto log = cache.ask({{"do", "status"}})["log"];
    EXPECT_LE(log["held"], 65536);
    cache.sync();
    std::string got;
    for (auto more = slow.so_far(); !more.empty(); more = slow.so_far()) {
        got += more;
        cache.sync();
    }
    std::uint64_t lost = 0, seen = 0;
    std::istringstream lines(got);
    for (std::string each; std::getline(lines, each);) {
        std::smatch parts;
        if (std::regex_match(each, parts, std::regex(R"( +0 VSL +- lost (\d+) records)"))) {
            lost += std::stoull(parts[1]);
        } else {
            ++seen;
        }
    }
    EXPECT_GT(lost, 1000U);
    const auto file = file_of(cache);
    EXPECT_EQ(lost + seen, static_cast<std::uint64_t>(std::ranges::count(file, '\n'))) << "every record is read or counted";
}

TEST(own_log, gives_a_reader_the_rest_when_the_cache_ends) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }");
    auto reader = cache.read_log();
    ask(cache, get("/last"));
    cache.ask({{"do", "quit"}});
    EXPECT_EQ(cache.exit_code(), 0);
    const auto log = reader.so_far();
    EXPECT_THAT(log, HasSubstr("ReqURL         c /last\n"));
    EXPECT_THAT(log, HasSubstr("End            c \n"));
}

TEST(own_log, goes_on_where_two_connections_steer_and_one_leaves) {
    origin app;
    cache_process cache(app, "sub vcl_recv { return (synth(200)); }");
    {
        auto other = cache.steer();
        EXPECT_THAT(other.say("{\"do\": \"status\"}"), HasSubstr("\"ok\":true"));
    }
    EXPECT_EQ(cache.sync()["ok"], true);
    EXPECT_EQ(ask(cache, get("/")).status(), 200);
}

}  // namespace
}  // namespace badorigin::cache::testing
