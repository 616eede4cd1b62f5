#include <gtest/gtest.h>

#include "proxy-under-test/vcl/lexer.h"

namespace badorigin::cache::vcl {
namespace {

using kind = token::kind;

struct lexed {
    sources all;
    std::vector<token> tokens;
    explicit lexed(const std::string& text) { tokens = tokenize(all, all.add("t.vcl", text, ".")); }
};

struct expected_token {
    kind what;
    std::string text;
    int line, column;
};

void expect_tokens(const std::string& source, const std::vector<expected_token>& wanted) {
    const lexed found(source);
    EXPECT_TRUE(found.all.clean()) << source;
    ASSERT_EQ(found.tokens.size(), wanted.size() + 1) << source;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(found.tokens[i].what, wanted[i].what) << source << " token " << i;
        EXPECT_EQ(found.tokens[i].text, wanted[i].text) << source << " token " << i;
        EXPECT_EQ(found.tokens[i].at.line, wanted[i].line) << source << " token " << i;
        EXPECT_EQ(found.tokens[i].at.column, wanted[i].column) << source << " token " << i;
    }
    EXPECT_EQ(found.tokens.back().what, kind::end);
}

TEST(vcl_lexer, words_keep_their_dots_and_dashes) {
    expect_tokens("set req.http.X-Y_z;", {{kind::word, "set", 1, 1}, {kind::word, "req.http.X-Y_z", 1, 5}, {kind::symbol, ";", 1, 19}});
    expect_tokens("req.http.\"a b\"", {{kind::word, "req.http.a b", 1, 1}});
}

TEST(vcl_lexer, comments_and_lines_move_the_position) {
    expect_tokens("# one\n// two\n/* three\nfour */ a\r\n\tb", {{kind::word, "a", 4, 9}, {kind::word, "b", 5, 2}});
}

TEST(vcl_lexer, four_forms_of_strings) {
    expect_tokens(R"("a\b" c)", {{kind::text, "a\\b", 1, 1}, {kind::word, "c", 1, 7}});
    expect_tokens("{\"a\n\"b\"} c", {{kind::text, "a\n\"b", 1, 1}, {kind::word, "c", 2, 6}});
    expect_tokens("\"\"\"x\"y\n\"\"\" c", {{kind::text, "x\"y\n", 1, 1}, {kind::word, "c", 2, 5}});
    expect_tokens("{xyz\"a\"}b\"xyz} c", {{kind::text, "a\"}b", 1, 1}, {kind::word, "c", 1, 16}});
    expect_tokens("\"\"", {{kind::text, "", 1, 1}});
}

TEST(vcl_lexer, longest_symbol_wins) {
    expect_tokens("!~ != ! <=>= && || += . %", {{kind::symbol, "!~", 1, 1},
                                                {kind::symbol, "!=", 1, 4},
                                                {kind::symbol, "!", 1, 7},
                                                {kind::symbol, "<=", 1, 9},
                                                {kind::symbol, ">=", 1, 11},
                                                {kind::symbol, "&&", 1, 14},
                                                {kind::symbol, "||", 1, 17},
                                                {kind::symbol, "+=", 1, 20},
                                                {kind::symbol, ".", 1, 23},
                                                {kind::symbol, "%", 1, 25}});
}

TEST(vcl_lexer, numbers_have_the_type_of_their_unit) {
    using namespace std::chrono_literals;
    const std::vector<std::pair<std::string, value>> table{
        {"7", std::int64_t{7}},      {"1.5", 1.5},
        {"10ms", duration{10ms}},    {"1.5s", duration{1500ms}},
        {"2m", duration{2min}},      {"1h", duration{1h}},
        {"1d", duration{24h}},       {"1w", duration{168h}},
        {"1y", duration{365 * 24h}}, {"3B", bytes{3}},
        {"1KB", bytes{1024}},        {"2mb", bytes{2 * 1024 * 1024}},
        {"1GB", bytes{1ULL << 30}},  {"1TB", bytes{1ULL << 40}},
    };
    for (const auto& [text, wanted] : table) {
        const lexed found(text);
        ASSERT_EQ(found.tokens.size(), 2U) << text;
        EXPECT_EQ(found.tokens[0].number, wanted) << text;
        EXPECT_TRUE(found.all.clean()) << text;
    }
}

TEST(vcl_lexer, complains_at_the_place_and_goes_on) {
    struct wrong {
        std::string source, message;
        int line, column;
    };
    const std::vector<wrong> table{
        {"a\n  \"open\nb", "does not end on its line", 2, 3},
        {"a {\"open", "long string has no end", 1, 3},
        {"a /* open", "comment has no end", 1, 3},
        {"a 5xy b", "unknown unit", 1, 3},
        {"a & b", "single &", 1, 3},
        {"a 'x'", "double quotes", 1, 3},
        {"a \x01 b", "0x01", 1, 3},
        {"99999999999999999999", "too large", 1, 1},
        {"999999999999y", "too long", 1, 1},
        {"C{ int x; }C b", "inline C", 1, 1},
        {"a @", "@ does not belong here", 1, 3},
        {std::string("\"a\0b\"", 5), "NUL", 1, 1},
    };
    for (const auto& [source, message, line, column] : table) {
        const lexed found(source);
        const auto errors = found.all.errors();
        ASSERT_FALSE(errors.empty()) << source;
        EXPECT_NE(errors[0].message.find(message), std::string::npos) << errors[0].text();
        EXPECT_EQ(errors[0].at.line, line) << source;
        EXPECT_EQ(errors[0].at.column, column) << source;
        EXPECT_EQ(found.tokens.back().what, kind::end) << source;
    }
}

TEST(vcl_lexer, every_cut_of_a_program_ends_in_an_end_token) {
    const std::string source = "vcl 4.1; sub a { set req.http.\"x y\" = {\"a\"} + \"\"\"b\"\"\" + 1.5s; } /* c */ # d";
    for (std::size_t length = 0; length <= source.size(); ++length)
        EXPECT_EQ(lexed(source.substr(0, length)).tokens.back().what, kind::end);
}

}  // namespace
}  // namespace badorigin::cache::vcl
