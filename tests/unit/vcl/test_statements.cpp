// Each form of statement, and how subroutines join.
#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

TEST(vcl_statements, set_and_its_operators) {
    struct row {
        std::string statement, variable;
        value before, after;
    };
    using namespace std::chrono_literals;
    const std::vector<row> table{
        {"set beresp.ttl = 30s;", "beresp.ttl", {}, duration{30s}},
        {"set beresp.ttl += 5s;", "beresp.ttl", duration{10s}, duration{15s}},
        {"set beresp.ttl -= 5s;", "beresp.ttl", duration{3s}, duration{-2s}},
        {"set beresp.ttl *= 1.5;", "beresp.ttl", duration{10s}, duration{15s}},
        {"set beresp.ttl *= 2;", "beresp.ttl", duration{10s}, duration{20s}},
        {"set beresp.ttl /= 4;", "beresp.ttl", duration{10s}, duration{2500ms}},
        {"set beresp.ttl /= 0;", "beresp.ttl", duration{10s}, duration{0s}},
        {"set beresp.http.X = \"a\";", "beresp.http.X", {}, std::string("a")},
        {"set beresp.http.X += \"b\";", "beresp.http.X", std::string("a"), std::string("ab")},
        {"set beresp.http.X += 5;", "beresp.http.X", {}, std::string("5")},
        {"set beresp.http.X = beresp.http.Y;", "beresp.http.X", {}, std::string()},
        {"set beresp.status = 404;", "beresp.status", std::int64_t{200}, std::int64_t{404}},
        {"set beresp.status += 4;", "beresp.status", std::int64_t{400}, std::int64_t{404}},
        {"set beresp.uncacheable = beresp.http.X;", "beresp.uncacheable", {}, false},
        {"set beresp.uncacheable = beresp.http.X + \"a\";", "beresp.uncacheable", {}, true},
        {"set beresp.uncacheable = true;", "beresp.uncacheable", {}, true},
        {"set bereq.backend = other;", "bereq.backend", {}, backend_ref{"other"}},
    };
    for (const auto& [statement, variable, before, after] : table) {
        const auto loaded = load(
            "vcl 4.1; backend a { .host = \"h\"; } backend other none; sub vcl_recv { set req.backend_hint = other; } sub "
            "vcl_backend_response { " +
            statement + " }");
        ASSERT_TRUE(loaded);
        fake_context in;
        in.known[variable] = before;
        in.known["bereq.uncacheable"] = true;
        loaded->run(subroutine::backend_response, in);
        EXPECT_EQ(in.known[variable], after) << statement;
    }
}

TEST(vcl_statements, a_new_status_brings_its_phrase) {
    fake_context in;
    deliver_with("set resp.status = 404;")->run(subroutine::deliver, in);
    EXPECT_EQ(in.text("resp.reason"), "Not Found");
    deliver_with("set resp.status = 799;")->run(subroutine::deliver, in);
    EXPECT_EQ(in.text("resp.reason"), "Unknown HTTP Status");
}

TEST(vcl_statements, unset_keeps_the_case_of_a_header) {
    fake_context in;
    in.known["resp.http.X-Y"] = std::string("a");
    deliver_with("unset resp.http.X-Y;")->run(subroutine::deliver, in);
    EXPECT_EQ(in.log, std::vector<std::string>{"unset resp.http.X-Y"});
}

TEST(vcl_statements, the_first_true_branch_of_if_runs) {
    for (const auto* otherwise : {"elseif", "elsif", "elif", "else if"}) {
        const auto body = std::string("if (req.url == \"/1\") { set resp.http.r = \"one\"; } ") + otherwise +
                          " (req.url == \"/2\") { set resp.http.r = \"two\"; } " + otherwise +
                          " (req.url ~ \"^/\") { set resp.http.r = \"three\"; } else { set resp.http.r = \"none\"; }";
        const auto loaded = deliver_with(body);
        for (const auto& [url, wanted] :
             std::vector<std::pair<std::string, std::string>>{{"/1", "one"}, {"/2", "two"}, {"/3", "three"}, {"*", "none"}}) {
            fake_context in;
            in.known["req.url"] = url;
            loaded->run(subroutine::deliver, in);
            EXPECT_EQ(in.text("resp.http.r"), wanted) << otherwise << ' ' << url;
        }
    }
}

TEST(vcl_statements, definitions_of_a_builtin_subroutine_run_in_order_until_one_returns) {
    const auto loaded = load(R"(vcl 4.1; backend a { .host = "h"; }
        sub vcl_recv { set req.http.X = "1"; }
        sub vcl_recv { set req.http.X = req.http.X + "2"; if (req.url == "/p") { return (pass); } }
        sub vcl_recv { set req.http.X = req.http.X + "3"; return (pipe); })");
    fake_context in;
    in.known["req.url"] = std::string("/");
    EXPECT_EQ(loaded->run(subroutine::recv, in).what, action::pipe);
    EXPECT_EQ(in.text("req.http.X"), "123");
    in.known["req.url"] = std::string("/p");
    EXPECT_EQ(loaded->run(subroutine::recv, in).what, action::pass);
    EXPECT_EQ(in.text("req.http.X"), "12");
}

TEST(vcl_statements, call_comes_back_and_an_action_in_it_does_not) {
    const auto loaded = load(R"(vcl 4.1; backend a { .host = "h"; }
        sub vcl_recv { call tidy; set req.http.Back = "yes"; call decide; set req.http.Never = "no"; }
        sub tidy { if (req.url) { return; } set req.http.Tidied = "no"; }
        sub decide { return (purge); })");
    fake_context in;
    in.known["req.url"] = std::string("/");
    EXPECT_EQ(loaded->run(subroutine::recv, in).what, action::purge);
    EXPECT_EQ(in.text("req.http.Back"), "yes");
    EXPECT_EQ(in.known.count("req.http.Never"), 0U);
    EXPECT_EQ(in.known.count("req.http.Tidied"), 0U);
}

TEST(vcl_statements, actions_carry_status_and_reason) {
    struct row {
        std::string where, statement;
        subroutine which;
        action what;
        int status;
        std::string reason;
    };
    const std::vector<row> table{
        {"vcl_recv", "return (synth(404));", subroutine::recv, action::synth, 404, "Not Found"},
        {"vcl_recv", "return (synth(700, \"Gone \" + req.url));", subroutine::recv, action::synth, 700, "Gone /x"},
        {"vcl_recv", "return (synth(12404, \"\"));", subroutine::recv, action::synth, 12404, "Not Found"},
        {"vcl_recv", "return (fail(\"why\"));", subroutine::recv, action::fail, 0, "why"},
        {"vcl_recv", "return (restart);", subroutine::recv, action::restart, 0, ""},
        {"vcl_recv", "return(hash);", subroutine::recv, action::hash, 0, ""},
        {"vcl_backend_fetch", "return (error(502));", subroutine::backend_fetch, action::error, 502, "Bad Gateway"},
        {"vcl_backend_fetch", "return (error);", subroutine::backend_fetch, action::error, 503, "Service Unavailable"},
        {"vcl_backend_response", "return (retry);", subroutine::backend_response, action::retry, 0, ""},
        {"vcl_backend_response", "return (abandon);", subroutine::backend_response, action::abandon, 0, ""},
        {"vcl_miss", "return (fetch);", subroutine::miss, action::fetch, 0, ""},
        {"vcl_hash", "return (lookup);", subroutine::hash, action::lookup, 0, ""},
    };
    for (const auto& [where, statement, which, what, status, reason] : table) {
        const auto loaded = load("vcl 4.1; backend a { .host = \"h\"; } sub " + where + " { " + statement + " }");
        ASSERT_TRUE(loaded);
        fake_context in;
        in.known["req.url"] = std::string("/x");
        const auto end = loaded->run(which, in);
        EXPECT_EQ(end.what, what) << statement;
        EXPECT_EQ(end.status, status) << statement;
        EXPECT_EQ(end.reason, reason) << statement;
    }
}

TEST(vcl_statements, pass_with_a_time_sets_how_long_it_lasts) {
    const auto loaded = load("vcl 4.1; backend a { .host = \"h\"; } sub vcl_backend_response { return (pass(10s)); }");
    fake_context in;
    EXPECT_EQ(loaded->run(subroutine::backend_response, in).what, action::pass);
    EXPECT_EQ(in.known["beresp.ttl"], value(duration{std::chrono::seconds(10)}));
}

TEST(vcl_statements, synthetic_and_body_are_the_same_thing) {
    for (const auto* statement :
         {"synthetic(\"a\" + resp.status); return (deliver);", "set resp.body = \"a\"; set resp.body += resp.status; return (deliver);"}) {
        const auto loaded = load(std::string("vcl 4.1; backend a { .host = \"h\"; } sub vcl_synth { ") + statement + " }");
        fake_context in;
        in.known["resp.status"] = std::int64_t{404};
        loaded->run(subroutine::synth, in);
        EXPECT_EQ(in.body, "a404") << statement;
        EXPECT_EQ(in.known.count("resp.body"), 0U);
    }
}

TEST(vcl_statements, hash_data_adds_to_the_key_in_order) {
    const auto loaded =
        load("vcl 4.1; backend a { .host = \"h\"; } sub vcl_hash { hash_data(req.http.X); hash_data(\"b\" + 1); return (lookup); }");
    fake_context in;
    in.known["req.http.X"] = std::string("a");
    loaded->run(subroutine::hash, in);
    EXPECT_EQ(in.hashed, "a|b1|");
}

TEST(vcl_statements, bans_reach_the_context_and_their_errors_can_be_read) {
    const auto loaded = load(R"(vcl 4.1; import std; backend a { .host = "h"; } sub vcl_recv {
        ban("req.url ~ " + req.url);
        if (!std.ban("obj.nothing == 1")) { return (synth(400, std.ban_error())); } })");
    fake_context in;
    in.known["req.url"] = std::string("/a");
    const auto end = loaded->run(subroutine::recv, in);
    EXPECT_EQ(in.log, (std::vector<std::string>{"ban req.url ~ /a", "ban obj.nothing == 1"}));
    EXPECT_NE(end.reason.find("unknown field obj.nothing"), std::string::npos) << end.reason;
}

TEST(vcl_statements, now_stays_the_same_within_one_run) {
    fake_context in;
    in.known["now"] = time_point{std::chrono::seconds(784111777)};
    deliver_with("set resp.http.a = now; set resp.http.b = now;")->run(subroutine::deliver, in);
    EXPECT_EQ(in.text("resp.http.a"), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(in.reads["now"], 1);
}

TEST(vcl_statements, calls_of_the_cache_get_all_arguments_with_their_defaults) {
    const auto loaded = load(R"(vcl 4.1; import std; import directors; backend a { .host = "h"; }
        sub vcl_init { new s = directors.shard(); s.add_backend(a, weight = 2); }
        sub vcl_recv { std.collect(req.http.Cookie); std.rollback(req); std.log("n" + 1); std.cache_req_body(1KB);
                       set req.backend_hint = s.backend(by = URL, alt = 1); return (hash); })");
    fake_context in;
    in.answers["s.backend"] = backend_ref{"a"};
    loaded->run(subroutine::recv, in);
    EXPECT_EQ(in.log, (std::vector<std::string>{"std.collect req.http.Cookie , ", "std.rollback req", "std.log n1",
                                                "std.cache_req_body 1024", "s.backend URL   1   CHOSEN  NOW", "set req.backend_hint = a"}));
    EXPECT_EQ(in.calls["s.backend"][1], value{}) << "an argument that was not given is unset";
}

}  // namespace
}  // namespace badorigin::cache::vcl
