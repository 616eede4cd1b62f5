// Policies without a version marker: VCL 3, said in the actions and names of VCL 4.
#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

const std::string app = "backend app { .host = \"192.0.2.1\"; }\n";

outcome run(const std::string& source, subroutine which, fake_context& in) {
    const auto loaded = load(app + source);
    return loaded ? loaded->run(which, in) : outcome{};
}

std::string first_error(const std::string& source) {
    const auto loaded = program::load(source, "policy.vcl");
    return loaded ? "loaded" : loaded.error()[0].text();
}

TEST(vcl_3, is_what_has_no_marker) {
    EXPECT_EQ(load(app)->version(), 30);
    EXPECT_EQ(load("vcl 4.1; " + app)->version(), 41);
}

TEST(vcl_3, built_in_subroutines_pass_pipe_and_look_up) {
    const std::vector<std::tuple<std::string, std::string, action>> table{{"GET", "", action::hash},
                                                                          {"HEAD", "", action::hash},
                                                                          {"GET", "a=b", action::pass},
                                                                          {"POST", "", action::pass},
                                                                          {"PROPFIND", "", action::pipe}};
    for (const auto& [method, cookie, wanted] : table) {
        fake_context in;
        in.known["req.method"] = method;
        if (!cookie.empty()) in.known["req.http.Cookie"] = cookie;
        EXPECT_EQ(run("", subroutine::recv, in).what, wanted) << method;
    }
    fake_context in;
    EXPECT_EQ(run("", subroutine::pass, in).what, action::pass);
    EXPECT_EQ(run("", subroutine::hash, in).what, action::lookup);
    EXPECT_EQ(run("", subroutine::miss, in).what, action::fetch);
    EXPECT_EQ(run("", subroutine::backend_fetch, in).what, action::fetch);
    EXPECT_EQ(run("", subroutine::backend_error, in).what, action::abandon) << "a failed fetch is the client's error";
}

TEST(vcl_3, a_response_without_a_lifetime_is_hit_for_pass) {
    fake_context in;
    in.known["beresp.ttl"] = duration{std::chrono::seconds(0)};
    EXPECT_EQ(run("", subroutine::backend_response, in).what, action::pass);
    EXPECT_EQ(in.text("beresp.ttl"), "120.000");
    in.known["beresp.ttl"] = duration{std::chrono::seconds(5)};
    EXPECT_EQ(run("", subroutine::backend_response, in).what, action::deliver);
}

TEST(vcl_3, error_answers_by_vcl_error) {
    const std::vector<std::tuple<std::string, int, std::string>> table{
        {"error;", 503, "Service Unavailable"},   {"error 404;", 404, "Not Found"},   {"error 404 \"Not \" \"here\";", 404, "Not here"},
        {"error 750 req.url;", 750, "/a"},        {"error (405) \"No\";", 405, "No"}, {"return (error);", 503, "Service Unavailable"},
        {"return (error 403 \"No\");", 403, "No"}};
    for (const auto& [statement, status, reason] : table) {
        fake_context in;
        in.known["req.url"] = std::string("/a");
        const auto end = run("sub vcl_recv { " + statement + " }", subroutine::recv, in);
        EXPECT_EQ(end.what, action::synth) << statement;
        EXPECT_EQ(end.status, status) << statement;
        EXPECT_EQ(end.reason, reason) << statement;
    }
}

TEST(vcl_3, names_are_those_of_vcl_4_for_the_cache) {
    fake_context in;
    in.known["obj.status"] = std::int64_t{404};
    in.known["obj.reason"] = std::string("Gone fishing");
    const auto end = run(R"(sub vcl_error { set obj.http.X = obj.response; synthetic {"<"} obj.status {">"}; return (deliver); })",
                         subroutine::synth, in);
    EXPECT_EQ(end.what, action::deliver);
    EXPECT_EQ(in.text("obj.http.X"), "Gone fishing");
    EXPECT_EQ(in.body, "<404>");

    run("sub vcl_recv { set req.backend = app; remove req.http.Cookie; set req.request = \"GET\"; rollback; ban_url(\"^/a\"); }",
        subroutine::recv, in);
    EXPECT_EQ(in.log, (std::vector<std::string>{"set obj.http.X = Gone fishing", "set req.backend_hint = app", "unset req.http.Cookie",
                                                "set req.method = GET", "std.rollback req", "ban req.url ~ ^/a"}));
    in.log.clear();
    run("sub vcl_hit { purge; error 200 \"Purged\"; }", subroutine::hit, in);
    EXPECT_EQ(in.log, std::vector<std::string>{"purge.hard"});
}

TEST(vcl_3, the_fetch_ends_in_restart_or_saint_mode) {
    fake_context in;
    in.known["beresp.status"] = std::int64_t{500};
    const auto end =
        run("sub vcl_fetch { if (beresp.status >= 500 && req.url !~ \"x\") { set beresp.saintmode = 20 s; return (restart); } }",
            subroutine::backend_response, in);
    EXPECT_EQ(end.what, action::restart);
    EXPECT_EQ(in.text("beresp.saintmode"), "20.000");
}

TEST(vcl_3, directors_are_objects_with_their_backends) {
    const auto loaded = load(R"(
        director d random { { .backend = one; .weight = 3; } { .backend = { .host = "192.0.2.2"; } .weight = 1; } }
        backend one { .host = "192.0.2.1"; .saintmode_threshold = 5; }
        director r round-robin { { .backend = one; } { .backend = d; } }
        sub vcl_recv { if (req.restarts == 0) { set req.backend = d; } else { set req.backend = r; } })");
    ASSERT_TRUE(loaded);
    ASSERT_EQ(loaded->objects().size(), 2U);
    EXPECT_EQ(loaded->objects()[0].type, "random");
    EXPECT_EQ(loaded->objects()[0].calls[0].arguments, (std::vector<value>{backend_ref{"one"}, 3.0}));
    EXPECT_EQ(loaded->objects()[0].calls[1].arguments, (std::vector<value>{backend_ref{"d[1]"}, 1.0}));
    EXPECT_EQ(loaded->objects()[1].calls[1].arguments, (std::vector<value>{backend_ref{"d"}}));
    EXPECT_EQ(loaded->default_backend(), "d");
    EXPECT_EQ(loaded->backends()[0].saintmode_threshold, 10);
    EXPECT_EQ(loaded->backends()[1].saintmode_threshold, 5);
}

TEST(vcl_3, what_is_of_another_version_is_said_to_be) {
    const std::vector<std::pair<std::string, std::string>> table{
        {app + "sub vcl_recv { set req.method = \"GET\"; }", "that is VCL 4, in VCL 3 it is req.request"},
        {app + "sub vcl_recv { set req.backend_hint = app; }", "that is VCL 4, in VCL 3 it is req.backend"},
        {app + "sub vcl_backend_response { }", "there is no vcl_backend_response in VCL 3; there it is vcl_fetch"},
        {app + "sub vcl_backend_fetch { }", "there is no vcl_backend_fetch in VCL 3"},
        {app + "sub vcl_fetch { set beresp.cacheable = false; }", "since VCL 3 that is said by beresp.ttl"},
        {app + "sub vcl_fetch { return (pass); }",
         "return (pass) is not possible in vcl_fetch; it may return deliver, error, hit_for_pass, restart"},
        {app + "sub vcl_fetch { return (hit_for_pas); }", "did you mean hit_for_pass?"},
        {app + "sub vcl_fetch { set req.keep = 1s; }", "req.keep is not supported here"},
        {app + "sub vcl_recv { set obj.ttl = 1s; }", "obj.ttl cannot be set in vcl_recv, only in vcl_hit"},
        {app + "sub vcl_recv { purge; }", "purge.hard cannot be used in vcl_recv, only in vcl_hit, vcl_miss"},
        {app + "sub vcl_fetc { }", "did you mean vcl_fetch?"},
        {app + "sub vcl_recv { remove req.htp.X; }", "did you mean req.http.X?"},
        {"director d client { { .backend = { .host = \"h\"; } } }", "directors of type client are not supported here"},
        {"director d roundrobin { { .backend = { .host = \"h\"; } } }", "did you mean round-robin?"},
        {"director d round-robin { { .backend = { .host = \"h\"; } .weight = 2; } }", "of type round-robin knows no weights"},
        {app + "director d round-robin { { .backend = ap; } }", "undefined backend ap"},
        {app + "director d random { .retries = 5; { .backend = app; } }", "attributes of a director are not supported here"},
        {app + "sub vcl_recv { return lookup; }", "expected ( behind return"},
        {"vcl 4.1; backend a { .host = \"h\"; .saintmode_threshold = 5; }", "unknown attribute .saintmode_threshold"},
        {"vcl 4.1; " + app + "sub vcl_recv { if (req.backend.healthy) { } }", "std.healthy(req.backend_hint)"},
        {"vcl 4.1; " + app + "sub vcl_recv { set req.request = \"GET\"; }", "that is VCL 3, now it is req.method"},
        {"vcl 4.1; " + app + "sub vcl_recv { remove req.http.X; }", "remove is now written unset"},
    };
    for (const auto& [source, message] : table)
        EXPECT_NE(first_error(source).find(message), std::string::npos) << source << "\n" << first_error(source);
}

}  // namespace
}  // namespace badorigin::cache::vcl
