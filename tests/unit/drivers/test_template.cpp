#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/drivers/support.h"

namespace badorigin::drivers {
namespace {

using testing::HasSubstr;

proxy_settings settings() {
    proxy_settings some;
    some.placeholders = {{"ttl", "30s"}};
    some.origins = {{"app", "127.0.0.1:9001"}, {"six", "[::1]:9002"}, {"a.b", "127.0.0.2:9003"}};
    some.listen = "127.0.0.1:8080";
    some.working_directory = "bundle/proxy";
    return some;
}

std::string fill(const std::string& text) {
    return fill_template(text, settings(), "varnish.vcl");
}

TEST(fill_template, origins_listen_and_promises_are_filled) {
    EXPECT_EQ(fill(".host = \"{origin:app.host}\"; .port = \"{origin:app.port}\";"), ".host = \"127.0.0.1\"; .port = \"9001\";");
    EXPECT_EQ(fill("{origin:app} {listen} {listen.host} {listen.port} {ttl}"), "127.0.0.1:9001 127.0.0.1:8080 127.0.0.1 8080 30s");
    EXPECT_EQ(fill("{workdir}/pid"), "bundle/proxy/pid");
}

TEST(fill_template, an_ipv6_host_comes_without_its_brackets) {
    EXPECT_EQ(fill("{origin:six.host}|{origin:six.port}|{origin:six}"), "::1|9002|[::1]:9002");
}

TEST(fill_template, an_origin_may_have_a_dot_in_its_name) {
    EXPECT_EQ(fill("{origin:a.b} {origin:a.b.port}"), "127.0.0.2:9003 9003");
}

TEST(fill_template, braces_of_the_proxy_s_own_language_stay) {
    const std::string vcl =
        "sub vcl_recv {\n  if (req.url) { set req.http.x = {\"a {b} c\"}; }\n}\nsub x {}\nserver { listen 80; }\n{unknown} {{ttl";
    EXPECT_EQ(fill(vcl), vcl);
    EXPECT_EQ(fill("{{ttl}}"), "{30s}");
}

TEST(fill_template, an_unknown_origin_is_told_with_file_line_and_the_known_ones) {
    const auto complaint = complaint_of([] { fill("vcl 4.1;\n\nbackend x { .host = \"{origin:ap.host}\"; }\n"); });
    EXPECT_THAT(complaint, HasSubstr("varnish.vcl:3: {origin:ap.host} names no origin"));
    EXPECT_THAT(complaint, HasSubstr("a.b, app, six"));
}

TEST(fill_template, an_unknown_part_is_told) {
    EXPECT_THAT(complaint_of([] { fill("\n{listen.prt}"); }), HasSubstr("varnish.vcl:2: {listen.prt} is unknown"));
    EXPECT_THAT(complaint_of([] { fill("{origin:app.prt}"); }), HasSubstr("varnish.vcl:1: {origin:app.prt} is unknown"));
}

}  // namespace
}  // namespace badorigin::drivers
