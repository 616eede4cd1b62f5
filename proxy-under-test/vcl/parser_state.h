// What the two halves of the parser share: the tokens, the place in them, and how an error is given up and recovered from.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "proxy-under-test/vcl/ast.h"
#include "proxy-under-test/vcl/lexer.h"
#include "proxy-under-test/vcl/source.h"

namespace badorigin::cache::vcl {

/// Thrown after a complaint, and caught where parsing can go on: at the next statement or the next declaration.
struct gave_up {};

class parser_state {
public:
    parser_state(sources& all, std::uint32_t which) : all_(all), which_(which), tokens_(tokenize(all, which)) {}

protected:
    static constexpr int deepest = 100;

    /// Counts nesting for as long as it lives; beyond the limit it complains and gives up.
    class deeper {
    public:
        explicit deeper(parser_state& in) : in_(in) {
            if (++in_.depth_ > deepest) {
                --in_.depth_;
                in_.fail(in_.peek().at, fmt::format("nested more than {} deep", deepest));
            }
        }
        ~deeper() { --in_.depth_; }
        deeper(const deeper&) = delete;
        deeper& operator=(const deeper&) = delete;

    private:
        parser_state& in_;
    };

    const token& peek(std::size_t ahead = 0) const { return tokens_[std::min(here_ + ahead, tokens_.size() - 1)]; }
    bool at_end() const { return peek().what == token::kind::end; }
    bool sees(std::string_view symbol_or_word) const { return peek().is(symbol_or_word); }
    const token& take() {
        const auto& result = peek();
        if (here_ + 1 < tokens_.size()) ++here_;
        return result;
    }
    bool accept(std::string_view symbol_or_word) {
        if (!sees(symbol_or_word)) return false;
        take();
        return true;
    }
    [[noreturn]] void fail(place at, std::string message) {
        all_.complain(at, std::move(message));
        throw gave_up{};
    }
    /// `after`: where in the language we are, as in "the condition of if".
    void expect(std::string_view symbol, std::string_view after) {
        if (!accept(symbol)) fail(peek().at, fmt::format("expected {} {}, found {}", symbol, after, peek().shown()));
    }
    const token& expect(token::kind what, std::string_view wanted) {
        if (peek().what != what) fail(peek().at, fmt::format("expected {}, found {}", wanted, peek().shown()));
        return take();
    }
    const token& expect_name(std::string_view of_what) {
        const auto& found = expect(token::kind::word, of_what);
        if (found.text.find('.') != std::string::npos)
            fail(found.at, fmt::format("expected {}, which holds no dots; found {}", of_what, found.shown()));
        return found;
    }

    /// VCL 3, which has no version marker.
    bool three() const { return all_[which_].version < 40; }

    sources& all_;
    std::uint32_t which_;
    std::vector<token> tokens_;
    std::size_t here_ = 0;
    int depth_ = 0;
};

/// Expressions, by precedence: || then && then ! then comparison then + - and juxtaposition then * / % then what stands alone.
class expression_parser : public parser_state {
public:
    using parser_state::parser_state;

protected:
    expression_pointer parse_expression();
    expression_pointer parse_single();
    /// The number here, with the unit that may stand behind a blank.
    value take_number();
    /// Behind the name: "(a, b, name=c)".
    void parse_arguments(expression& call);

private:
    expression_pointer parse_both();
    expression_pointer parse_inverted();
    expression_pointer parse_comparison();
    expression_pointer parse_sum();
    expression_pointer parse_product();
    expression_pointer parse_operand();
};

class statement_parser : public expression_parser {
public:
    using expression_parser::expression_parser;

protected:
    /// "{ statements }"; a broken statement is complained about and left out.
    block braces(std::string_view of_what);
    void semicolon();

private:
    std::unique_ptr<statement> statement_or_nothing();
    void skip_statement(std::size_t from);
    std::unique_ptr<statement> start(statement::kind what);
    std::unique_ptr<statement> parse_statement();
    std::unique_ptr<statement> set();
    std::unique_ptr<statement> unset();
    std::unique_ptr<statement> condition();
    void branch(statement& of);
    std::unique_ptr<statement> call();
    std::unique_ptr<statement> finish();
    std::unique_ptr<statement> create();
    std::unique_ptr<statement> expression_statement();
    /// What VCL 3 has beside the statements of VCL 4; nothing where this is none of it (parse_vcl3.cpp).
    std::unique_ptr<statement> statement_of_3();
    std::unique_ptr<statement> error();
    void error_arguments(statement& of, std::string_view until);
    std::unique_ptr<statement> implied_call(std::string function, std::vector<expression_pointer> parts);
};

}  // namespace badorigin::cache::vcl
