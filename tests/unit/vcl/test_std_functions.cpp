#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

TEST(vcl_std, pure_functions) {
    const std::vector<std::pair<std::string, std::string>> table{
        {R"(std.tolower("AbC-1"))", "abc-1"},
        {R"(std.toupper("a" + 1))", "A1"},
        {"std.round(1.5)", "2.000"},
        {R"(std.querysort("/a?z=1&b=2&&a=3"))", "/a?a=3&b=2&z=1"},
        {R"(std.querysort("/a"))", "/a"},
        {R"(std.querysort("/a?"))", "/a?"},
        {R"(std.strstr("hello world", "o w"))", "o world"},
        {R"(std.strstr("hello", "x"))", ""},
        {R"(std.duration("1.5m", 0s))", "90.000"},
        {R"(std.duration(" 10ms ", 1s))", "0.010"},
        {R"(std.duration("10", 1s))", "1.000"},
        {R"(std.duration("", fallback = 7s))", "7.000"},
        {"std.duration(integer = 5)", "5.000"},
        {"std.duration(real = 0.25)", "0.250"},
        {R"(std.integer("42", 0))", "42"},
        {R"(std.integer("-42.9", 7))", "7"},
        {R"(std.integer("42x", 7))", "7"},
        {"std.integer(bool = true)", "1"},
        {"std.integer(duration = 90s)", "90"},
        {"std.integer(real = 1.9)", "1"},
        {R"(std.real("1.25", 0.0))", "1.250"},
        {R"(std.real("x", 3))", "3.000"},
        {"std.real(time = now)", "784111777.000"},
        {R"(std.bytes("1.5k", 0B))", "1536"},
        {R"(std.bytes("10", 0B))", "10"},
        {R"(std.bytes("x", 3KB))", "3072"},
        {R"(std.time("Sun, 06 Nov 1994 08:49:37 GMT", now + 1h))", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {R"(std.time("Sunday, 06-Nov-94 08:49:37 GMT", now + 1h))", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {R"(std.time("Sun Nov  6 08:49:37 1994", now + 1h))", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {R"(std.time("784111777", now + 1h))", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {R"(std.time("nonsense", now + 1h))", "Sun, 06 Nov 1994 09:49:37 GMT"},
        {"std.strftime(now, \"%Y-%m\")", "1994-11"},
        {R"(std.ip("192.0.2.1", client.ip))", "192.0.2.1"},
        {R"(std.ip("2001:db8::1", client.ip))", "2001:db8::1"},
        {R"(std.ip("nonsense", client.ip))", "192.0.2.99"},
        {R"(std.ip("nonsense"))", "0.0.0.0"},
        {R"(std.fnmatch("/a/*", "/a/b"))", "true"},
        {R"(std.fnmatch("/a/*", "/a/b/c"))", "false"},
        {R"(std.fnmatch("/a/*", "/a/b/c", pathname = false))", "true"},
        {"std.real2integer(1.5, 0)", "2"},
        {"std.time2integer(now, 0)", "784111777"},
        {R"(std.file_exists("/no/such/file"))", "false"},
        {R"(std.getenv("NO_SUCH_VARIABLE_HERE"))", ""},
        {"std.port(client.ip)", "5555"},
        {R"(std.port(std.ip("192.0.2.1", p = "8080")))", "8080"},
        {R"(std.ip("no.such.name.invalid", client.ip))", "192.0.2.99"},
        {R"(std.ip("localhost"))", "127.0.0.1"},
        {R"(std.ip("localhost", client.ip, resolve = false))", "192.0.2.99"},
        {"cookie.format_date(now, 1h)", "Sun, 06 Nov 1994 09:49:37 GMT"},
    };
    for (const auto& [expression, wanted] : table) {
        fake_context in;
        in.known["now"] = time_point{std::chrono::seconds(784111777)};
        in.known["client.ip"] = ip{"192.0.2.99", 5555};
        EXPECT_EQ(text_of(expression, in), wanted) << expression;
        EXPECT_TRUE(in.calls.empty()) << expression << " must not reach the cache";
    }
}

TEST(vcl_std, what_needs_the_cache_reaches_it) {
    fake_context in;
    in.answers["std.random"] = 0.5;
    EXPECT_EQ(text_of("std.random(0, 1)", in), "0.500");
    EXPECT_EQ(in.calls["std.random"], (std::vector<value>{0.0, 1.0}));
    in.answers["std.healthy"] = true;
    EXPECT_TRUE(holds("std.healthy(app)", in));
    EXPECT_EQ(in.calls["std.healthy"], std::vector<value>{backend_ref{"app"}});
}

}  // namespace
}  // namespace badorigin::cache::vcl
