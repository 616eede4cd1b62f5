#include <gtest/gtest.h>

#include "harness/traffic/secrets.h"

namespace badorigin::traffic {
namespace {

TEST(Secrets, same_value_is_the_same_word_wherever_it_stands) {
    secrets hidden{false};
    const auto cookie = hidden.field("Cookie", "sid=abcdef123; theme=dark");
    EXPECT_EQ(cookie, "sid=secret-1; theme=secret-2");
    EXPECT_EQ(hidden.field("Set-Cookie", "sid=abcdef123; Path=/; HttpOnly"), "sid=secret-1; Path=/; HttpOnly");
    EXPECT_EQ(hidden.text("you are abcdef123."), "you are secret-1.");
    EXPECT_EQ(hidden.count(), 2u);
}

TEST(Secrets, scheme_of_an_authorization_stays) {
    secrets hidden{false};
    EXPECT_EQ(hidden.field("authorization", "Bearer xyz"), "Bearer secret-1");
    EXPECT_EQ(hidden.field("Proxy-Authorization", "xyz"), "secret-1");
    EXPECT_EQ(hidden.field("X-Api-Key", "other"), "secret-2");
    EXPECT_EQ(hidden.field("WWW-Authenticate", "Basic realm=\"shop\""), "Basic realm=\"shop\"");
}

TEST(Secrets, parameters_that_look_like_tokens_are_replaced_and_others_stay) {
    secrets hidden{false};
    EXPECT_EQ(hidden.target("/page?id=17&access_token=a&q=red+shoes"), "/page?id=17&access_token=secret-1&q=red+shoes");
    EXPECT_EQ(hidden.target("/page?x=9f86d081884c7d659a2feaa0c55ad015&y=plain"), "/page?x=secret-2&y=plain");
    EXPECT_EQ(hidden.target("http://ann:pass@shop.example/?sid=1"), "http://shop.example/?sid=secret-3");
    EXPECT_EQ(hidden.field("Location", "/next?token=a"), "/next?token=secret-1");
    EXPECT_EQ(hidden.target("/"), "/");
}

TEST(Secrets, body_that_speaks_of_a_password_or_holds_a_token_is_given_by_size) {
    secrets hidden{false};
    hidden.field("Cookie", "sid=crumbs-of-ann");
    EXPECT_EQ(hidden.body("first"), "first");
    EXPECT_EQ(hidden.body("hello crumbs-of-ann"), "hello secret-1");
    EXPECT_EQ(hidden.body("password=abc"), std::nullopt);
    EXPECT_EQ(hidden.body("{\"id\": \"9f86d081884c7d659a2feaa0c55ad015\"}"), std::nullopt);
    EXPECT_EQ(hidden.body("<p>your password, crumbs-of-ann</p>"), "<p>your password, secret-1</p>");
}

TEST(Secrets, parameters_of_a_form_are_found_wherever_else_they_stand) {
    secrets hidden{false};
    http::message m;
    m.content_start = "user=ann&password=swordfish";
    hidden.collect(m);
    EXPECT_EQ(hidden.text("swordfish for ann"), "secret-1 for ann");
}

TEST(Secrets, kept_on_request) {
    secrets hidden{true};
    EXPECT_EQ(hidden.field("Cookie", "sid=abcdef123"), "sid=abcdef123");
    EXPECT_EQ(hidden.target("/?token=a"), "/?token=a");
    EXPECT_EQ(hidden.body("password=abc"), "password=abc");
    EXPECT_EQ(hidden.count(), 0u);
}

}  // namespace
}  // namespace badorigin::traffic
