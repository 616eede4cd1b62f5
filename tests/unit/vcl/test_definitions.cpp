#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

using namespace std::chrono_literals;

TEST(vcl_definitions, a_backend_with_everything) {
    const auto loaded = load(R"(vcl 4.1;
probe p { .request = "GET / HTTP/1.1" "Host: x" "Connection: close"; .interval = 1s; .timeout = 300ms; .window = 5; .threshold = 4;
          .initial = 1; .expected_response = 204; }
backend a { .host = "::1"; .port = 8080; .host_header = "x"; .connect_timeout = 1s; .first_byte_timeout = 2m; .between_bytes_timeout = 10ms;
            .max_connections = 7; .proxy_header = 2; .probe = p; })");
    const auto& a = loaded->backends().at(0);
    EXPECT_EQ(a.name, "a");
    EXPECT_EQ(a.host, "::1");
    EXPECT_EQ(a.port, "8080");
    EXPECT_EQ(a.host_header, "x");
    EXPECT_EQ(a.connect_timeout, 1s);
    EXPECT_EQ(a.first_byte_timeout, 2min);
    EXPECT_EQ(a.between_bytes_timeout, 10ms);
    EXPECT_EQ(a.max_connections, 7);
    EXPECT_EQ(a.proxy_header, 2);
    EXPECT_EQ(a.at.line, 4);
    EXPECT_EQ(a.at.column, 9);
    ASSERT_TRUE(a.probe);
    EXPECT_EQ(a.probe->request, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(a.probe->interval, 1s);
    EXPECT_EQ(a.probe->timeout, 300ms);
    EXPECT_EQ(a.probe->window, 5);
    EXPECT_EQ(a.probe->threshold, 4);
    EXPECT_EQ(a.probe->initial, 1);
    EXPECT_EQ(a.probe->expected_response, 204);
}

TEST(vcl_definitions, defaults) {
    const auto loaded = load(
        "vcl 4.1; backend a { .host = \"h\"; } backend b { .host = \"h\"; .probe = { .url = \"/up\"; .threshold = 5; } } "
        "sub vcl_recv { set req.backend_hint = b; }");
    const auto& a = loaded->backends().at(0);
    EXPECT_EQ(a.port, "80");
    EXPECT_FALSE(a.connect_timeout);
    EXPECT_FALSE(a.probe);
    const auto& b = loaded->backends().at(1);
    ASSERT_TRUE(b.probe);
    EXPECT_EQ(b.probe->url, "/up");
    EXPECT_EQ(b.probe->interval, 5s);
    EXPECT_EQ(b.probe->initial, 4) << "one good answer is wanted before a backend counts as healthy";
}

TEST(vcl_definitions, the_one_named_default_is_the_default) {
    const auto loaded = load(
        "vcl 4.1; backend a { .host = \"h\"; } backend default none; backend b { .host = \"h\"; } "
        "sub vcl_recv { set req.backend_hint = a; set req.backend_hint = b; }");
    EXPECT_EQ(loaded->backends().at(0).name, "default");
    EXPECT_EQ(loaded->backends().at(0).host, "");
    EXPECT_EQ(loaded->backends().at(1).name, "a");
    EXPECT_EQ(loaded->backends().at(2).name, "b");
}

TEST(vcl_definitions, a_probe_named_default_is_for_all_that_have_none) {
    const auto loaded = load("vcl 4.1; probe default { .url = \"/d\"; } backend a { .host = \"h\"; }");
    ASSERT_TRUE(loaded->backends().at(0).probe);
    EXPECT_EQ(loaded->backends().at(0).probe->url, "/d");
}

TEST(vcl_definitions, objects_are_what_vcl_init_made_of_them) {
    const auto loaded = load(R"(vcl 4.1; import std; import directors; import saintmode;
backend a { .host = "h"; } backend b { .host = "h"; }
sub vcl_init {
    new sm = saintmode.saintmode(a, 3);
    new plain = saintmode.saintmode(b);
    if (std.integer("1", 0) == 1) { new d = directors.random(); }
    d.add_backend(sm.backend(), 2);
    call more;
}
sub more { d.add_backend(plain.backend(), 0.5); })");
    const auto& objects = loaded->objects();
    ASSERT_EQ(objects.size(), 3U);
    EXPECT_EQ(objects[0].name, "sm");
    EXPECT_EQ(objects[0].module, "saintmode");
    EXPECT_EQ(objects[0].type, "saintmode");
    EXPECT_EQ(objects[0].arguments, (std::vector<value>{backend_ref{"a"}, std::int64_t{3}}));
    EXPECT_EQ(objects[1].arguments, (std::vector<value>{backend_ref{"b"}, std::int64_t{10}}));
    EXPECT_EQ(objects[2].type, "random");
    ASSERT_EQ(objects[2].calls.size(), 2U);
    EXPECT_EQ(objects[2].calls[0].method, "add_backend");
    EXPECT_EQ(objects[2].calls[0].arguments, (std::vector<value>{backend_ref{"sm"}, 2.0}));
    EXPECT_EQ(objects[2].calls[1].arguments, (std::vector<value>{backend_ref{"plain"}, 0.5}));
}

TEST(vcl_definitions, vcl_init_can_refuse_to_load) {
    const auto loaded = program::load("vcl 4.1; backend a none; sub vcl_init { return (fail(\"not today\")); }", "p.vcl");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error()[0].message, "vcl_init failed: not today");
}

TEST(vcl_definitions, includes_are_read_where_they_stand) {
    const folder files;
    files.write("b.vcl",
                "vcl 4.0; include \"./c.vcl\"; sub vcl_recv { set req.http.X = req.http.X + \"b\"; set req.http.Y = req.esi_level; }");
    files.write("c.vcl", "backend a { .host = \"h\"; }");
    const auto loaded = program::load(
        "vcl 4.1; sub vcl_recv { set req.http.X = \"a\"; } include \"b.vcl\"; sub vcl_recv { set req.http.X = req.http.X + \"c\"; return "
        "(pass); }",
        "policy.vcl", files.path());
    ASSERT_TRUE(loaded) << all_errors(loaded.error());
    fake_context in;
    (*loaded)->run(subroutine::recv, in);
    EXPECT_EQ(in.text("req.http.X"), "abc");
}

TEST(vcl_definitions, include_with_a_pattern_takes_all_in_order) {
    const folder files;
    files.write("1.vcl", "backend one none;");
    files.write("2.vcl", "backend two none;");
    const auto loaded =
        program::load("vcl 4.1; include +glob \"*.vcl\"; sub vcl_recv { set req.backend_hint = two; }", "policy", files.path());
    ASSERT_TRUE(loaded) << all_errors(loaded.error());
    ASSERT_EQ((*loaded)->backends().size(), 2U);
    EXPECT_EQ((*loaded)->backends()[1].name, "two");
}

TEST(vcl_definitions, wrong_includes) {
    const folder files;
    files.write("loop.vcl", "include \"loop.vcl\";");
    files.write("broken.vcl", "\nbackend x {\n  .hots = \"h\";\n}");
    files.write("newer.vcl", "vcl 4.1;");
    const auto first = [&](const std::string& source) {
        const auto loaded = program::load(source, "policy.vcl", files.path());
        return loaded ? std::string("loaded") : all_errors(loaded.error());
    };
    EXPECT_NE(first("vcl 4.1; include \"loop.vcl\";").find("includes itself"), std::string::npos);
    EXPECT_NE(first("vcl 4.1; include \"none.vcl\";").find("policy.vcl:1:18: cannot read"), std::string::npos);
    EXPECT_NE(first("vcl 4.0; include \"newer.vcl\";").find("may not be newer"), std::string::npos);
    const auto broken = first("vcl 4.1; include \"broken.vcl\";");
    EXPECT_NE(broken.find("broken.vcl:3:3: unknown attribute .hots of a backend; did you mean host?\n  .hots = \"h\";\n  ^"),
              std::string::npos)
        << broken;
}

}  // namespace
}  // namespace badorigin::cache::vcl
