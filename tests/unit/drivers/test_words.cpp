#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy-under-test/drivers/listening.h"
#include "proxy-under-test/drivers/varnish_cli.h"
#include "tests/unit/drivers/support.h"

namespace badorigin::drivers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(split_command_line, quotes_as_a_shell_does) {
    EXPECT_THAT(split_command_line(R"( nginx -c {config}  -g 'daemon off;' "a \"b\" \n" c\ d '' )"),
                ElementsAre("nginx", "-c", "{config}", "-g", "daemon off;", R"(a "b" \n)", "c d", ""));
    EXPECT_THAT(complaint_of([] { split_command_line("nginx -g 'daemon off;"); }), HasSubstr("open '"));
}

TEST(near_miss, suggests_what_is_near_and_nothing_else) {
    EXPECT_EQ(near_miss("varnsh", {"bundled", "varnish"}), "varnish");
    EXPECT_EQ(near_miss("bundeld", {"bundled", "varnish"}), "bundled");
    EXPECT_EQ(near_miss("squid", {"bundled", "varnish", "cmd", "at"}), "");
}

TEST(cli_ban, words_are_quoted_for_the_cli) {
    EXPECT_EQ(cli_ban("req.url ~ ^/x"), "ban req.url ~ ^/x");
    EXPECT_EQ(cli_ban(R"(req.url ~ "^/a\.b c" && obj.http.x == "y")"), R"(ban req.url ~ "^/a\\.b\\x20c" && obj.http.x == "y")");
    EXPECT_EQ(cli_ban(R"(obj.http.x == "a\"b")"), R"(ban obj.http.x == "a\"b")");
}

TEST(cli_ban, what_the_cli_cannot_carry_is_told) {
    EXPECT_THAT(complaint_of([] { cli_ban(R"(obj.http.x == "a b")"); }), HasSubstr("no blank"));
    EXPECT_THAT(complaint_of([] { cli_ban(R"(obj.http.x == "a)"); }), HasSubstr("open quote"));
}

TEST(require_free, a_taken_port_is_told) {
    const small_origin other;
    const auto port = other.address().substr(other.address().rfind(':') + 1);
    EXPECT_THAT(complaint_of([&] { require_free(other.address()); }), HasSubstr("port " + port + " is taken by another process"));
    EXPECT_EQ(complaint_of([] { require_free(free_address()); }), "");
    EXPECT_THAT(complaint_of([] { require_free("192.0.2.1:80"); }), HasSubstr("cannot listen at 192.0.2.1:80"));
    EXPECT_THAT(complaint_of([] { require_free("8080"); }), HasSubstr("HOST:PORT"));
}

TEST(is_listening, sees_who_listens_without_a_connection) {
    const small_origin other;
    EXPECT_TRUE(is_listening(other.address()));
    EXPECT_FALSE(is_listening(free_address()));
    EXPECT_EQ(other.requests(), 0);
}

}  // namespace
}  // namespace badorigin::drivers
