#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

/// What is left of the cookies after these statements.
std::string left_of(const std::string& header, const std::string& statements) {
    fake_context in;
    in.known["resp.http.Cookie"] = header;
    const auto loaded = deliver_with("cookie.parse(resp.http.Cookie); " + statements + " set resp.http.result = cookie.get_string();");
    if (!loaded) return "did not load";
    loaded->run(subroutine::deliver, in);
    return in.text("resp.http.result");
}

TEST(vcl_cookies, statements_change_what_was_parsed) {
    const std::vector<std::tuple<std::string, std::string, std::string>> table{
        {"a=1; b=2", "", "a=1; b=2"},
        {" a=1 ;b=2;; c = 3 ", "", "a=1; b=2; c=3"},
        {"a=1; nothing; b=", "", "a=1; b="},
        {"a=x=y", "", "a=x=y"},
        {"", "", ""},
        {"a=1; b=2", "cookie.set(\"b\", \"3\"); cookie.set(\"c\", \"4\");", "a=1; b=3; c=4"},
        {"a=1; b=2", "cookie.delete(\"a\");", "b=2"},
        {"a=1; b=2", "cookie.clean();", ""},
        {"a=1; b=2", "cookie.parse(\"c=3\");", "c=3"},
        {"a=1; b=2; c=3", "cookie.filter(\"a, c\");", "b=2"},
        {"a=1; b=2; c=3", "cookie.keep(\"a,c\");", "a=1; c=3"},
        {"_ga=1; _gid=2; session=3", "cookie.filter_re(\"^_g\");", "session=3"},
        {"_ga=1; _gid=2; session=3", "cookie.keep_re(\"^_g\");", "_ga=1; _gid=2"},
    };
    for (const auto& [header, statements, wanted] : table) EXPECT_EQ(left_of(header, statements), wanted) << header << statements;
}

TEST(vcl_cookies, one_cookie_can_be_asked_for) {
    fake_context in;
    in.jar.parse("a=1; long_name=2; empty=");
    EXPECT_EQ(text_of("cookie.get(\"a\")", in), "1");
    EXPECT_EQ(text_of("cookie.get_re(\"^long\")", in), "2");
    EXPECT_TRUE(holds("cookie.isset(\"empty\")", in));
    EXPECT_FALSE(holds("cookie.isset(\"b\")", in));
    EXPECT_FALSE(holds("cookie.get(\"b\")", in)) << "what is not there is unset";
}

}  // namespace
}  // namespace badorigin::cache::vcl
