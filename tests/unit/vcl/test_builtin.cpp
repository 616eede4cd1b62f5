// What a subroutine does that the policy does not have: Varnish 7.1's built-in VCL.
#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

std::shared_ptr<const program> empty_policy() {
    return load("vcl 4.1; backend a { .host = \"h\"; }");
}

fake_context get_request() {
    fake_context in;
    in.known["req.method"] = std::string("GET");
    in.known["req.proto"] = std::string("HTTP/1.1");
    in.known["req.http.host"] = std::string("example.com");
    in.known["req.url"] = std::string("/");
    in.known["req.esi_level"] = std::int64_t{0};
    return in;
}

TEST(vcl_builtin, recv_by_method) {
    const auto policy = empty_policy();
    const std::vector<std::pair<std::string, action>> table{
        {"GET", action::hash},     {"HEAD", action::hash},   {"PUT", action::pass},   {"POST", action::pass},    {"TRACE", action::pass},
        {"OPTIONS", action::pass}, {"DELETE", action::pass}, {"PATCH", action::pass}, {"CONNECT", action::pipe}, {"PROPFIND", action::pipe},
        {"get", action::pipe},     {"XPOST", action::pipe},  {"PRI", action::synth},
    };
    for (const auto& [method, wanted] : table) {
        auto in = get_request();
        in.known["req.method"] = method;
        EXPECT_EQ(policy->run(subroutine::recv, in).what, wanted) << method;
    }
}

TEST(vcl_builtin, recv_passes_what_is_private) {
    for (const auto* header : {"req.http.Authorization", "req.http.Cookie"}) {
        auto in = get_request();
        in.known[header] = std::string("x");
        EXPECT_EQ(empty_policy()->run(subroutine::recv, in).what, action::pass) << header;
    }
}

TEST(vcl_builtin, recv_needs_a_host_from_http_1_1_on) {
    auto in = get_request();
    in.known.erase("req.http.host");
    const auto end = empty_policy()->run(subroutine::recv, in);
    EXPECT_EQ(end.what, action::synth);
    EXPECT_EQ(end.status, 400);
    EXPECT_EQ(end.reason, "Bad Request");
    in.known["req.proto"] = std::string("HTTP/1.0");
    EXPECT_EQ(empty_policy()->run(subroutine::recv, in).what, action::hash);
}

TEST(vcl_builtin, recv_writes_the_host_in_lower_case) {
    auto in = get_request();
    in.known["req.http.host"] = std::string("Example.COM");
    empty_policy()->run(subroutine::recv, in);
    EXPECT_EQ(in.text("req.http.host"), "example.com");
}

TEST(vcl_builtin, hash_is_url_and_host_or_address) {
    auto in = get_request();
    EXPECT_EQ(empty_policy()->run(subroutine::hash, in).what, action::lookup);
    EXPECT_EQ(in.hashed, "/|example.com|");
    in.known.erase("req.http.host");
    in.known["server.ip"] = ip{"192.0.2.1"};
    in.hashed.clear();
    empty_policy()->run(subroutine::hash, in);
    EXPECT_EQ(in.hashed, "/|192.0.2.1|");
}

TEST(vcl_builtin, the_others_end_as_they_must) {
    const std::vector<std::pair<subroutine, action>> table{
        {subroutine::init, action::ok},
        {subroutine::hit, action::deliver},
        {subroutine::miss, action::fetch},
        {subroutine::pass, action::fetch},
        {subroutine::pipe, action::pipe},
        {subroutine::purge, action::synth},
        {subroutine::deliver, action::deliver},
        {subroutine::synth, action::deliver},
        {subroutine::backend_fetch, action::fetch},
        {subroutine::backend_error, action::deliver},
        {subroutine::backend_response, action::deliver},
        {subroutine::fini, action::ok},
    };
    for (const auto& [which, wanted] : table) {
        fake_context in;
        EXPECT_EQ(empty_policy()->run(which, in).what, wanted) << name(which);
    }
    fake_context in;
    const auto purged = empty_policy()->run(subroutine::purge, in);
    EXPECT_EQ(purged.status, 200);
    EXPECT_EQ(purged.reason, "Purged");
}

TEST(vcl_builtin, backend_fetch_drops_the_body_of_a_get) {
    fake_context in;
    in.known["bereq.method"] = std::string("GET");
    empty_policy()->run(subroutine::backend_fetch, in);
    EXPECT_EQ(in.log, std::vector<std::string>{"unset bereq.body"});
    fake_context post;
    post.known["bereq.method"] = std::string("POST");
    empty_policy()->run(subroutine::backend_fetch, post);
    EXPECT_TRUE(post.log.empty());
}

TEST(vcl_builtin, backend_response_decides_what_is_stored) {
    struct row {
        std::string header, field;
        int ttl;
        bool stored;
    };
    const std::vector<row> table{
        {"X", "y", 10, true},
        {"X", "y", 0, false},
        {"X", "y", -1, false},
        {"Set-Cookie", "a=b", 10, false},
        {"Cache-Control", "max-age=5", 10, true},
        {"Cache-Control", "No-Cache", 10, false},
        {"Cache-Control", "no-store", 10, false},
        {"Cache-Control", "max-age=3, private", 10, false},
        {"Surrogate-Control", "No-Store", 10, false},
        {"Surrogate-Control", "max-age=3", 10, true},
        {"Vary", "*", 10, false},
        {"Vary", "Accept", 10, true},
    };
    for (const auto& [header, field, ttl, stored] : table) {
        fake_context in;
        in.known["beresp.http." + header] = field;
        in.known["beresp.ttl"] = duration{std::chrono::seconds(ttl)};
        in.known["beresp.uncacheable"] = false;
        in.known["bereq.uncacheable"] = false;
        EXPECT_EQ(empty_policy()->run(subroutine::backend_response, in).what, action::deliver);
        EXPECT_EQ(in.known["beresp.uncacheable"], value(!stored)) << header << ": " << field << " ttl " << ttl;
        EXPECT_EQ(in.text("beresp.ttl"), stored ? "10.000" : "120.000");
    }
}

TEST(vcl_builtin, surrogate_control_hides_cache_control) {
    fake_context in;
    in.known["beresp.http.Surrogate-Control"] = std::string("max-age=3");
    in.known["beresp.http.Cache-Control"] = std::string("no-store");
    in.known["beresp.ttl"] = duration{std::chrono::seconds(10)};
    in.known["bereq.uncacheable"] = false;
    empty_policy()->run(subroutine::backend_response, in);
    EXPECT_EQ(in.known.count("beresp.uncacheable"), 0U);
}

TEST(vcl_builtin, a_passed_response_is_left_alone) {
    fake_context in;
    in.known["bereq.uncacheable"] = true;
    in.known["beresp.ttl"] = duration{std::chrono::seconds(0)};
    empty_policy()->run(subroutine::backend_response, in);
    EXPECT_TRUE(in.log.empty());
}

TEST(vcl_builtin, error_pages_say_what_happened) {
    struct row {
        subroutine which;
        std::string response, request;
    };
    for (const auto& [which, response, request] :
         {row{subroutine::synth, "resp", "req"}, row{subroutine::backend_error, "beresp", "bereq"}}) {
        fake_context in;
        in.known[response + ".status"] = std::int64_t{503};
        in.known[response + ".reason"] = std::string("Backend fetch failed");
        in.known[request + ".xid"] = std::string("1009");
        empty_policy()->run(which, in);
        EXPECT_EQ(in.text(response + ".http.Retry-After"), "5");
        EXPECT_EQ(in.text(response + ".http.Content-Type"), "text/html; charset=utf-8");
        for (const auto* part : {"<title>503 Backend fetch failed</title>", "Guru Meditation", "XID: 1009"}) {
            EXPECT_NE(in.body.find(part), std::string::npos) << part << in.body;
        }
    }
}

TEST(vcl_builtin, a_policy_can_take_out_one_part) {
    const auto loaded = load("vcl 4.1; backend a { .host = \"h\"; } sub vcl_req_cookie { return; }");
    auto in = get_request();
    in.known["req.http.Cookie"] = std::string("x");
    EXPECT_EQ(loaded->run(subroutine::recv, in).what, action::hash);
    in.known["req.http.Authorization"] = std::string("x");
    EXPECT_EQ(loaded->run(subroutine::recv, in).what, action::pass);
}

}  // namespace
}  // namespace badorigin::cache::vcl
