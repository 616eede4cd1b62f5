#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

std::optional<std::string> read(std::string_view variable) {
    static const std::map<std::string, std::string, std::less<>> object{
        {"req.url", "/a/b"},   {"req.http.Host", "example.com"}, {"obj.http.X", "one two"}, {"obj.status", "404"}, {"obj.age", "61.500"},
        {"obj.ttl", "-1.000"}, {"obj.grace", "10.000"}};
    const auto found = object.find(variable);
    return found == object.end() ? std::nullopt : std::optional(found->second);
}

TEST(vcl_ban, tests_of_a_stored_object) {
    const std::vector<std::pair<std::string, bool>> table{
        {"req.url == /a/b", true},
        {"req.url == /a", false},
        {"req.url != /a", true},
        {"req.url ~ ^/a", true},
        {"req.url !~ ^/a", false},
        {"obj.http.X == \"one two\"", true},
        {"obj.http.X ~ \"^one\\s\"", true},
        {"obj.http.Unset == \"\"", false},
        {"obj.http.Unset != \"\"", true},
        {"obj.http.Unset ~ .*", false},
        {"obj.http.Unset !~ .", true},
        {"req.url ~ / && req.http.Host == example.com", true},
        {"req.url ~ / && req.http.Host == example.org", false},
        {"req.url ~ / && req.http.Host ~ com && obj.status == 404", true},
        {"obj.status >= 400", true},
        {"obj.status < 400", false},
        {"obj.status ~ ^4", true},
        {"obj.age > 1m", true},
        {"obj.age > 1h", false},
        {"obj.age <= 61.5", true},
        {"obj.ttl < 0s", true},
        {"obj.grace == 10s", true},
        {"obj.keep > 0s", false},
    };
    for (const auto& [text, wanted] : table) {
        const auto ban = ban_expression::parse(text);
        ASSERT_TRUE(ban) << text << ": " << ban.error();
        EXPECT_EQ(ban->matches(read), wanted) << text;
        EXPECT_EQ(ban->text(), text);
    }
}

TEST(vcl_ban, malformed_expressions_say_why) {
    const std::vector<std::pair<std::string, std::string>> table{
        {"", "expected a field"},
        {"req.url", "expected a field"},
        {"req.url ~", "expected a field"},
        {"req.uri ~ x", "unknown field req.uri; did you mean req.url?"},
        {"req.http. == x", "unknown field"},
        {"req.url < x", "< is no operator for req.url"},
        {"obj.age ~ 3", "~ is no operator for obj.age"},
        {"obj.age > soon", "soon is no duration"},
        {"obj.status == ok", "ok is no number"},
        {"req.url ~ (", "missing closing parenthesis"},
        {"req.url ~ x || req.url ~ y", "expected && between tests, found ||"},
        {"req.url ~ x &&", "nothing stands behind &&"},
        {"req.url ~ \"x", "a quote is not closed"},
    };
    for (const auto& [text, message] : table) {
        const auto ban = ban_expression::parse(text);
        ASSERT_FALSE(ban) << text;
        EXPECT_NE(ban.error().find(message), std::string::npos) << text << ": " << ban.error();
    }
}

}  // namespace
}  // namespace badorigin::cache::vcl
