#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

fake_context request() {
    fake_context in;
    in.known["req.url"] = std::string("/a/b?x=1");
    in.known["req.restarts"] = std::int64_t{2};
    in.known["req.esi_level"] = std::int64_t{0};
    in.known["client.ip"] = ip{"192.0.2.7"};
    in.known["obj.ttl"] = duration{std::chrono::seconds(-3)};
    in.known["obj.age"] = duration{std::chrono::seconds(12)};
    in.known["req.http.Empty"] = std::string();
    in.known["req.http.Name"] = std::string("value");
    in.known["req.backend_hint"] = backend_ref{"app"};
    in.known["now"] = time_point{std::chrono::seconds(784111777)};
    in.known["req.is_hitmiss"] = true;
    in.known["resp.is_streaming"] = false;
    return in;
}

TEST(vcl_evaluator, expressions_in_string_context) {
    const std::vector<std::pair<std::string, std::string>> table{
        {R"("a" + "b" + "c" + req.http.Name)", "abcvalue"},
        {"req.http.Unset", ""},
        {R"("<" + req.http.Unset + ">")", "<>"},
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"1 + 2 + \"x\" + 1 + 2", "3x12"},
        {"7 / 2", "3"},
        {"7 % 4", "3"},
        {"7 / 0", "0"},
        {"7 % 0", "0"},
        {"-7 + 2", "-5"},
        {"1.5 + 1", "2.500"},
        {"1.5 * 2", "3.000"},
        {"1m + 30s", "90.000"},
        {"30s * 2", "60.000"},
        {"std.toupper(\"a\").lower()", "a"},
        {"1m / 4", "15.000"},
        {"-10ms", "-0.010"},
        {"now + 1d", "Mon, 07 Nov 1994 08:49:37 GMT"},
        {"now - 1h", "Sun, 06 Nov 1994 07:49:37 GMT"},
        {"now - now", "0.000"},
        {"1KB + 1B", "1025"},
        {"1KB - 2KB", "0"},
        {"9223372036854775807 + 1", "9223372036854775807"},
        {"9223372036854775807 * 9223372036854775807", "9223372036854775807"},
        {"(0 - 9223372036854775807 - 1) / -1", "9223372036854775807"},
        {"true", "true"},
        {"req.url == \"/\"", "false"},
        {"client.ip", "192.0.2.7"},
        {"req.backend_hint", "app"},
        {"app", "app"},
        {"req.http.Name.upper()", "VALUE"},
        {"req.http.name.lower()", ""},
        {"obj.age + 0.5s", "12.500"},
        {"{\"long \"string\"\"}", "long \"string\""},
        {"regsub(req.url, \"^/([a-z])/([a-z])\", \"/\\2-\\1[\\0]\")", "/b-a[/a/b]?x=1"},
        {R"(regsub(req.url, "\?.*$", ""))", "/a/b"},
        {R"(regsub(req.url, "nothing", "x"))", "/a/b?x=1"},
        {R"(regsuball(req.url, "[ab]", "<\&>"))", "/<a>/<b>?x=1"},
        {R"(regsuball("abc", "", "-"))", "-abc"},
        {R"(regsuball("abc", "x*", "-"))", "-abc"},
        {R"(regsub("abc", "(z)?b", "[\1\9\x]"))", "a[\\x]c"},
        {R"(regsuball("aaa", "^a", "b"))", "baa"},
        {R"(regsub(req.http.Unset, "^$", "empty"))", "empty"},
    };
    for (const auto& [expression, wanted] : table) {
        auto in = request();
        EXPECT_EQ(text_of(expression, in), wanted) << expression;
    }
}

TEST(vcl_evaluator, conditions) {
    const std::vector<std::pair<std::string, bool>> table{
        {"req.http.Name", true},
        {"req.http.Empty", true},
        {"req.http.Unset", false},
        {"!req.http.Unset", true},
        {"req.http.Unset == \"\"", false},
        {"req.http.Empty == \"\"", true},
        {"req.http.Unset != \"x\"", true},
        {"req.restarts", true},
        {"req.esi_level", false},
        {"obj.ttl", false},
        {"obj.age", true},
        {"req.backend_hint", true},
        {"req.backend_hint == app", true},
        {"req.backend_hint != app", false},
        {"req.is_hitmiss == true", true},
        {"!resp.is_streaming", true},
        {"req.restarts > 1 && req.restarts < 3", true},
        {"req.restarts >= 3 || req.restarts <= 2", true},
        {"true || false && false", true},
        {"(true || false) && false", false},
        {"!req.restarts == 3", true},  // ! takes the whole comparison
        {"obj.ttl < 0s", true},
        {"obj.ttl + 3s == 0s", true},
        {"now > now - 1s", true},
        {"1KB == 1024B", true},
        {"1.0 < 1.5", true},
        {"req.url ~ \"^/a\"", true},
        {"req.url !~ \"^/a\"", false},
        {"req.url ~ \"(?i)^/A\"", true},
        {"req.http.Unset ~ \"^$\"", true},
        {"req.restarts == 2", true},
        {"req.http.Name == \"val\" + \"ue\"", true},
        {"client.ip == client.ip", true},
        {"client.ip == \"192.0.2.7\"", true},
        {"req.http.Name < \"w\"", true},
        {"req.http.\"Name\" == \"value\"", true},
    };
    for (const auto& [condition, wanted] : table) {
        auto in = request();
        EXPECT_EQ(holds(condition, in), wanted) << condition;
    }
}

TEST(vcl_evaluator, the_right_side_of_and_and_or_is_left_alone_when_the_left_decides) {
    auto in = request();
    holds("req.http.Unset && std.healthy(app)", in);
    holds("req.http.Name || std.healthy(app)", in);
    EXPECT_EQ(in.calls.count("std.healthy"), 0U);
    holds("req.http.Name && std.healthy(app)", in);
    EXPECT_EQ(in.calls.count("std.healthy"), 1U);
}

TEST(vcl_evaluator, the_longest_mask_of_an_acl_decides) {
    const auto loaded = load(R"(vcl 4.1; backend a { .host = "h"; }
        acl inside { "192.0.2.0"/24; ! "192.0.2.23"; "2001:db8::"/32; ("no.such.name"); "localhost"; }
        sub vcl_recv { if (client.ip ~ inside) { return (pass); } if (client.ip !~ inside) { return (pipe); } })");
    const std::vector<std::pair<std::string, bool>> table{{"192.0.2.1", true},   {"192.0.2.23", false},  {"192.0.3.1", false},
                                                          {"2001:db8::1", true}, {"2001:db9::1", false}, {"127.0.0.1", true},
                                                          {"::1", true},         {"nonsense", false},    {"", false}};
    for (const auto& [address, inside] : table) {
        fake_context in;
        in.known["client.ip"] = ip{address};
        EXPECT_EQ(loaded->run(subroutine::recv, in).what, inside ? action::pass : action::pipe) << address;
    }
}

TEST(vcl_evaluator, a_sum_of_a_thousand_strings_does_not_nest) {
    std::string source = "\"x\"";
    for (int i = 1; i < 5000; ++i) source += " + \"x\"";
    EXPECT_EQ(text_of(source).size(), 5000U);
}

TEST(vcl_evaluator, an_expression_gone_wild_counts_as_no_match) {
    fake_context in;
    in.known["req.url"] = std::string(200, 'a') + "!";
    EXPECT_FALSE(holds("req.url ~ \"^(a+)+$\"", in));
}

TEST(vcl_evaluator, a_program_can_run_without_any_variable) {
    fake_context in;
    for (int which = 0; which <= static_cast<int>(subroutine::fini); ++which) {
        const auto loaded = load("vcl 4.1; backend a { .host = \"h\"; }");
        EXPECT_NE(loaded->run(static_cast<subroutine>(which), in).what, action::none) << name(static_cast<subroutine>(which));
    }
}

}  // namespace
}  // namespace badorigin::cache::vcl
