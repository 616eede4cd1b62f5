// What is wrong is said at its place, with what would be right.
#include <fmt/core.h>

#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

struct wrong {
    std::string source;
    int line, column;
    std::string message;  ///< a part of it
};

std::vector<error> errors_of(const std::string& source) {
    auto loaded = program::load(source, "policy.vcl");
    return loaded ? std::vector<error>{} : loaded.error();
}

void expect_first_error(const std::string& source, const wrong& wanted) {
    const auto errors = errors_of(source);
    ASSERT_FALSE(errors.empty()) << "loaded:\n" << source;
    EXPECT_EQ(errors[0].at.line, wanted.line) << errors[0].text();
    EXPECT_EQ(errors[0].at.column, wanted.column) << errors[0].text();
    EXPECT_NE(errors[0].message.find(wanted.message), std::string::npos) << errors[0].text() << "\nwanted: " << wanted.message;
}

class wrong_program : public testing::TestWithParam<wrong> {};
TEST_P(wrong_program, is_refused_at_its_place) {
    expect_first_error(GetParam().source, GetParam());
}

const std::string head = "vcl 4.1; import std; import directors; backend app { .host = \"h\"; }\n";

const std::vector<wrong> whole_programs{
    {"backend a none;", 1, 11, "expected { of the backend"},
    {"", 1, 1, "needs at least one"},
    {"vcl 3.0; backend a none;", 1, 5, "reads vcl 4.0, vcl 4.1 and"},
    {"vcl 4.1 backend a none;", 1, 9, "expected ; behind the version"},
    {"vcl 4.1;", 1, 1, "needs at least one"},
    {"vcl 4.1; backend a none; vcl 4.1;", 1, 26, "stands once"},
    {"vcl 4.1; backend a none;\nvcl 4.1;\nbackend b none;", 2, 1, "stands once"},
    {"vcl 4.1;\nbackand a none;", 2, 1, "did you mean backend?"},
    {"vcl 4.1; director d round-robin { }", 1, 10, "directors are objects"},
    {"vcl 4.1; backend a { .port = \"80\"; }", 1, 18, "backend a has no .host"},
    {"vcl 4.1; backend a { .host = \"h\"; .prot = \"80\"; }", 1, 35, "did you mean port?"},
    {"vcl 4.1; backend a { .host = 5; }", 1, 30, ".host wants a STRING"},
    {"vcl 4.1; backend a { .host = \"h\"; .connect_timeout = 5; }", 1, 54, ".connect_timeout wants a DURATION"},
    {"vcl 4.1; backend a { .host = \"h\"; .path = \"/s\"; }", 1, 35, ".path is not supported"},
    {"vcl 4.1; backend a { .host = \"h\"; .probe = nope; }", 1, 35, "undefined probe nope"},
    {"vcl 4.1; backend a { .host = \"h\"; .probe = { .window = 3; .threshold = 5; } }", 1, 59, "larger than .window"},
    {"vcl 4.1; backend a { .host = \"h\"; ", 1, 20, "never closed"},
    {"vcl 4.1; backend a none; backend a none;", 1, 34, "defined twice"},
    {"vcl 4.1; backend a none; acl l { \"10.0.0.1\"/8; }", 1, 34, "bits behind its mask"},
    {"vcl 4.1; backend a { .host = \"127.0.0.1\"; .proxy_header = 3; }", 1, 59, ".proxy_header must be between 1 and 2"},
    {"vcl 4.1; backend a none; acl l { \"no.such.name.invalid\"; }", 1, 34, "neither an address nor a host"},
    {"vcl 4.1; backend a none; acl l { \"10.0.0.0\"/33; }", 1, 34, "wider than the address"},
    {"vcl 4.1; backend a none; import sdt;", 1, 33, "unknown module sdt"},
    {"vcl 4.1; backend a none; sub vcl_recieve { }", 1, 30, "did you mean vcl_recv?"},
    {"vcl 4.1; backend a none; sub vcl_fetch { }", 1, 30, "now it is vcl_backend_response"},
    {"vcl 4.1; backend a none; sub x { } sub x { }", 1, 40, "defined twice"},
    {"vcl 4.1; backend a none; sub x { call y; } sub y { call x; }", 1, 57, "calls itself"},
    {"vcl 4.1; backend a none; sub vcl_recv { set req.url = \"/\"\n}", 1, 58, "expected ; at the end"},
    {"vcl 4.1; backend a none; sub vcl_recv {", 1, 39, "never closed"},
    {"vcl 4.1; backend a none; sub vcl_recv { std.log(\"x\"); }", 1, 41, "needs `import std;`"},
    {"vcl 4.1; backend a none; sub vcl_init { new d = directors.hash(); }", 1, 49, "needs `import directors;`"},
    {"vcl 4.1; backend a none; acl l +log { }", 1, 33, "not supported here"},
    {"vcl 4.1; backend a none; acl l { }", 1, 30, "the acl l is not used"},
    {"vcl 4.1; backend a none; backend b none;", 1, 34, "the backend b is not used"},
    {"vcl 4.1; backend a none; probe p { }", 1, 32, "the probe p is not used"},
    {"vcl 4.1; backend a none; import std from \"x\";", 1, 37, "not supported here"},
    {"vcl 4.0; backend a none; sub vcl_recv { set req.proto = \"x\"; }", 1, 45, "not supported here"},
    {"vcl 4.0; backend a none; sub vcl_deliver { set resp.do_esi = false; }", 1, 48, "not in vcl 4.0, only in 4.1"},
    {"vcl 4.1; backend a none; sub vcl_recv { set req.esi = false; }", 1, 45, "not in vcl 4.1, only in 4.0"},
};
INSTANTIATE_TEST_SUITE_P(whole, wrong_program, testing::ValuesIn(whole_programs));

/// In line 3 of a policy, within the subroutine named.
struct wrong_statement {
    std::string where, statement;
    int column;
    std::string message;
};
class wrong_in_subroutine : public testing::TestWithParam<wrong_statement> {};
TEST_P(wrong_in_subroutine, is_refused_at_its_place) {
    const auto& [where, statement, column, message] = GetParam();
    expect_first_error(head + "sub " + where + " {\n" + statement + "\n}", {"", 3, column, message});
}

const std::vector<wrong_statement> wrong_statements{
    {"vcl_recv", "if (req.metod == \"GET\") { }", 5, "unknown variable req.metod; did you mean req.method?"},
    {"vcl_recv", "set req.http = \"x\";", 5, "unknown variable req.http"},
    {"vcl_recv", "set req.htp.Foo = \"x\";", 5, "did you mean req.http.Foo?"},
    {"vcl_recv", "set req.backend = app;", 5, "that is VCL 3, now it is req.backend_hint"},
    {"vcl_recv", "set beresp.ttl = 5s;", 5, "beresp.ttl cannot be set in vcl_recv, only in vcl_backend_response, vcl_backend_error"},
    {"vcl_recv", "if (obj.hits) { }", 5, "obj.hits cannot be read in vcl_recv, only in vcl_hit, vcl_deliver"},
    {"vcl_backend_response", "if (req.url) { }", 5, "only in the subroutines of the client side"},
    {"vcl_recv", "unset req.url;", 7, "cannot be unset"},
    {"vcl_recv", "unset beresp.http.X;", 7, "beresp.http.X cannot be unset in vcl_recv"},
    {"vcl_deliver", "set obj.ttl = 1s;", 5, "obj.ttl cannot be set"},
    {"vcl_recv", "set req.proto = \"x\";", 5, "cannot be set since vcl 4.1"},
    {"vcl_deliver", "set req.http.X = resp.body;", 18, "resp.body cannot be read"},
    {"vcl_backend_response", "set beresp.ttl = 30;", 18, "beresp.ttl wants DURATION, found INT (write the unit: 30s)"},
    {"vcl_backend_response", "set beresp.ttl = \"30s\";", 18, "beresp.ttl wants DURATION, found STRING"},
    {"vcl_backend_response", "set beresp.ttl += 1;", 19, "beresp.ttl += wants DURATION, found INT"},
    {"vcl_backend_response", "set beresp.status = \"404\";", 21, "wants INT, found STRING (std.integer converts)"},
    {"vcl_backend_response", "set beresp.uncacheable += true;", 5, "+= is not possible with beresp.uncacheable"},
    {"vcl_backend_response", "set beresp.http.X -= \"a\";", 5, "-= is not possible"},
    {"vcl_recv", "set req.backend_hint = \"app\";", 24, "named without quotes"},
    {"vcl_recv", "set req.backend_hint = ap;", 24, "did you mean app?"},
    {"vcl_recv", "set req.http.X = now-5s;", 18, "needs blanks around it"},
    {"vcl_recv", "set req.http.X = now * 2;", 22, "* is not possible between TIME and INT"},
    {"vcl_recv", "set req.http.X = 5s + 1;", 21, "+ is not possible between DURATION and INT"},
    {"vcl_recv", "set req.http.X = 2 * 10s;", 20, "* is not possible between INT and DURATION"},
    {"vcl_recv", "if (1 < 1.5) { }", 7, "< is not possible between INT and REAL"},
    {"vcl_recv", "set req.http.X = std.toupper(\"a\").lowr();", 35, "did you mean lower?"},
    {"vcl_recv", "set req.http.X = \"a\" - \"b\";", 22, "- is not possible between STRING and STRING"},
    {"vcl_recv", "set req.http.X = -req.url;", 18, "- is not possible before STRING"},
    {"vcl_recv", "if (req.restarts == \"1\") { }", 18, "== is not possible between INT and STRING"},
    {"vcl_recv", "if (req.url < 1) { }", 13, "< is not possible between STRING and INT"},
    {"vcl_recv", "set req.http.\"a b\" = \"\";", 5, "does not name a header"},
    {"vcl_recv", "if (req.url = \"/\") { }", 13, "write =="},
    {"vcl_recv", "if (now) { }", 5, "expected a condition (BOOL), found TIME"},
    {"vcl_recv", "if (req.url ~ \"a(b\") { }", 15, "missing closing parenthesis (at offset 3)"},
    {"vcl_recv", "if (req.url ~ req.url) { }", 15, "must be a string written out"},
    {"vcl_recv", "if (req.restarts ~ \"1\") { }", 18, "wants a STRING or an IP"},
    {"vcl_recv", "if (client.ip ~ insiders) { }", 17, "undefined acl insiders"},
    {"vcl_recv", "if (client.ip ~ \"10\") { }", 17, "wants the name of an acl"},
    {"vcl_recv", "set req.url = regsub(req.url, \"[\", \"\");", 31, "does not compile"},
    {"vcl_recv", "set req.url = regsub(req.url, \"a\");", 15, "wants a further argument: with (STRING)"},
    {"vcl_recv", "set req.url = std.tolower(req.url, 1);", 36, "takes 1 argument, not 2"},
    {"vcl_recv", "set req.url = std.tolwer(req.url);", 15, "unknown function std.tolwer; did you mean std.tolower?"},
    {"vcl_recv", "header.append(req.http.X, \"a\");", 1, "no module or object header"},
    {"vcl_recv", "set req.ttl = std.duration(\"1s\", real = 1.0);", 15, "converts exactly one value, here are 2"},
    {"vcl_recv", "set req.ttl = std.duration(seconds = 1);", 38, "no argument named seconds"},
    {"vcl_recv", "std.collect(req.url);", 13, "wants a header"},
    {"vcl_recv", "std.rollback(app);", 14, "wants req or bereq"},
    {"vcl_recv", "std.log();", 1, "wants a further argument: s (STRING)"},
    {"vcl_recv", "hash_data(req.url);", 1, "hash_data cannot be used in vcl_recv, only in vcl_hash"},
    {"vcl_deliver", "synthetic(\"x\");", 1, "only in vcl_synth, vcl_backend_error"},
    {"vcl_deliver", "std.cache_req_body(1KB);", 1, "only in vcl_recv"},
    {"vcl_recv", "return (deliver);", 9,
     "return (deliver) is not possible in vcl_recv; it may return fail, hash, pass, pipe, purge, restart, synth"},
    {"vcl_hash", "return (pass);", 9, "it may return fail, lookup"},
    {"vcl_backend_response", "return (restart);", 9, "it may return abandon, deliver, error, fail, pass, retry"},
    {"vcl_recv", "return (lokup);", 9, "unknown action lokup; did you mean lookup?"},
    {"vcl_recv", "return (vcl(other));", 9, "switching to another policy is not supported"},
    {"vcl_recv", "return;", 1, "return without an action"},
    {"vcl_recv", "return (synth);", 9, "synth needs a status"},
    {"vcl_recv", "return (synth(99));", 15, "99 is no status"},
    {"vcl_recv", "return (synth(\"200\"));", 15, "wants INT, found STRING"},
    {"vcl_recv", "return (restart(1));", 17, "takes no arguments"},
    {"vcl_recv", "return (pass(1s));", 9, "pass(DURATION)"},
    {"vcl_recv", "call tidyy;", 6, "undefined subroutine tidyy"},
    {"vcl_recv", "call vcl_deliver;", 6, "cannot be called"},
    {"vcl_recv", "error 404;", 1, "now written return (synth"},
    {"vcl_recv", "remove req.http.X;", 1, "now written unset"},
    {"vcl_recv", "sett req.url = \"\";", 1, "did you mean set?"},
    {"vcl_recv", "set req.url \"/\";", 13, "expected = or +="},
    {"vcl_recv", "set req.url = ;", 15, "expected an expression, found “;”"},
    {"vcl_recv", "set req.url = \"a\" + ;", 21, "expected an expression"},
    {"vcl_recv", "if req.url { }", 4, "expected ( behind if"},
    {"vcl_recv", "if (req.url { }", 13, "expected ) behind the condition"},
    {"vcl_recv", "else { }", 1, "else without an if"},
    {"vcl_recv", "new x = directors.hash();", 1, "only possible in vcl_init"},
    {"vcl_init", "new x = directors.hsah();", 9, "unknown type of object directors.hsah; did you mean directors.hash?"},
    {"vcl_init", "new app = directors.hash();", 5, "name of something else"},
    {"vcl_init", "new x = directors.hash(); x.add_backnd(app);", 27, "has no method add_backnd; did you mean x.add_backend?"},
    {"vcl_init", "x.add_backend(app); new x = directors.hash();", 1, "used before its `new`"},
    {"vcl_init", "new x = directors.random(); x.add_backend(app);", 29, "wants a further argument: weight (REAL)"},
    {"vcl_init", "new x = directors.shard(); x.backend(by = COLOUR);", 43, "wants one of HASH URL KEY"},
};
INSTANTIATE_TEST_SUITE_P(statements, wrong_in_subroutine, testing::ValuesIn(wrong_statements));

TEST(vcl_wrong, text_shows_the_line_and_a_caret) {
    const auto errors = errors_of("vcl 4.1; backend a none;\nsub vcl_recv {\n\tset req.urll = \"/\";\n}");
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].text(), "policy.vcl:3:6: unknown variable req.urll; did you mean req.url?\n\tset req.urll = \"/\";\n\t    ^");
}

TEST(vcl_wrong, all_errors_are_found_in_source_order) {
    const auto errors = errors_of(head + R"(sub vcl_recv {
    set req.urll = "/";
    set beresp.ttl = 1s;
    return (deliver);
}
sub vcl_deliver { set resp.status = "x"; call nothing; })");
    ASSERT_EQ(errors.size(), 5U) << all_errors(errors);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(errors[i].at.line, static_cast<int>(i) + 3);
    EXPECT_EQ(errors[3].at.line, 7);
    EXPECT_EQ(errors[4].at.line, 7);
}

TEST(vcl_wrong, parsing_goes_on_behind_a_broken_statement) {
    const auto errors = errors_of(head +
                                  "sub vcl_recv {\nset = 1;\nif (x { set req.url = \"\"; }\nset req.url \"\";\n}\nsub a { b }\nbackend b { "
                                  "host = 1; }\nacl c { 1; }");
    ASSERT_EQ(errors.size(), 6U) << all_errors(errors);
    const std::vector<int> lines{3, 4, 5, 7, 8, 9};
    for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(errors[i].at.line, lines[i]) << errors[i].text();
}

TEST(vcl_wrong, a_helper_is_judged_by_who_calls_it) {
    const auto helper = head + "sub helper { set req.url = \"/\"; return (pass); }\n";
    ASSERT_EQ(errors_of(helper).size(), 1U);
    EXPECT_EQ(errors_of(helper)[0].message, "the subroutine helper is not used");
    EXPECT_TRUE(errors_of(helper + "sub vcl_recv { call helper; }").empty());
    const auto errors = errors_of(helper + "sub between { call helper; } sub vcl_backend_fetch { call between; }");
    ASSERT_EQ(errors.size(), 2U) << all_errors(errors);
    EXPECT_NE(errors[0].message.find("cannot be set in vcl_backend_fetch (called from vcl_backend_fetch)"), std::string::npos)
        << errors[0].text();
    EXPECT_EQ(errors[0].at.line, 2);
}

TEST(vcl_wrong, nesting_has_a_limit) {
    const auto nested = [](int depth, const std::string& open, const std::string& close) {
        std::string left, right;
        for (int i = 0; i < depth; ++i) left += open, right += close;
        return std::pair(left, right);
    };
    for (const auto& [open, close] :
         std::vector<std::pair<std::string, std::string>>{{"(", ")"}, {"!", ""}, {"-", ""}, {"std.tolower(", ")"}}) {
        for (const int depth : {20, 100'000}) {
            const auto [left, right] = nested(depth, open, close);
            const auto errors = errors_of(head + "sub vcl_recv { if (" + left + "1" + right + ") { } }");
            EXPECT_EQ(errors.empty(), depth == 20) << open;
            if (!errors.empty()) { EXPECT_EQ(errors[0].message, "nested more than 100 deep") << open; }
        }
    }
    const auto [left, right] = nested(100'000, "if (true) { ", "}");
    const auto errors = errors_of(head + "sub vcl_recv { " + left + right + " }");
    ASSERT_FALSE(errors.empty());
    EXPECT_EQ(errors[0].message, "nested more than 100 deep");
}

TEST(vcl_wrong, calls_have_a_limit_in_depth_and_number) {
    const auto chain = [](int length, int times) {
        std::string source = head + "sub vcl_recv { call s0; }\n";
        for (int i = 0; i < length; ++i) {
            source += fmt::format("sub s{} {{ ", i);
            for (int j = 0; i + 1 < length && j < times; ++j) source += fmt::format("call s{}; ", i + 1);
            source += "}\n";
        }
        return errors_of(source);
    };
    EXPECT_TRUE(chain(90, 1).empty());
    const auto deep = chain(5000, 1);
    ASSERT_FALSE(deep.empty());
    EXPECT_NE(deep[0].message.find("calls are nested more than 100 deep"), std::string::npos) << deep[0].text();
    const auto many = chain(40, 2);
    ASSERT_FALSE(many.empty());
    EXPECT_NE(many[0].message.find("more than a million statements"), std::string::npos) << many[0].text();
}

TEST(vcl_wrong, every_cut_of_a_policy_is_refused_or_loaded) {
    const std::string source = R"(vcl 4.1; import std; backend a { .host = "h"; .probe = { .url = "/"; } } acl l { ! "10.0.0.0"/8; }
sub vcl_recv { if (client.ip ~ l && !req.http.X || req.restarts * -2 >= 3) { set req.url = regsub(req.url, "a", {"b"}); } else { return (synth(404, "x" now)); } }
sub vcl_init { return (ok); })";
    for (std::size_t length = 0; length < source.size(); ++length) {
        for (const auto& each : errors_of(source.substr(0, length))) EXPECT_FALSE(each.message.empty()) << length;
    }
}

}  // namespace
}  // namespace badorigin::cache::vcl
