#include <algorithm>
#include <array>

#include "proxy-under-test/vcl/convert.h"
#include "proxy-under-test/vcl/parser_state.h"

namespace badorigin::cache::vcl {

namespace {

expression_pointer make(expression::kind what, place at) {
    auto result = std::make_unique<expression>();
    result->what = what;
    result->at = at;
    return result;
}

/// One operand stays itself; several become a row.
expression_pointer row(expression::kind what, std::vector<expression_pointer> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    auto result = make(what, parts.front()->at);
    result->parts = std::move(parts);
    return result;
}

}  // namespace

expression_pointer expression_parser::parse_expression() {
    const deeper one(*this);
    std::vector<expression_pointer> parts;
    do parts.push_back(parse_both());
    while (accept("||"));
    return row(expression::kind::either, std::move(parts));
}

expression_pointer expression_parser::parse_both() {
    std::vector<expression_pointer> parts;
    do parts.push_back(parse_inverted());
    while (accept("&&"));
    return row(expression::kind::both, std::move(parts));
}

expression_pointer expression_parser::parse_inverted() {
    if (!sees("!")) return parse_comparison();
    const deeper one(*this);
    auto result = make(expression::kind::invert, take().at);
    result->parts.push_back(parse_inverted());
    return result;
}

expression_pointer expression_parser::parse_comparison() {
    static constexpr std::array<std::string_view, 8> operators{"==", "!=", "<=", ">=", "<", ">", "~", "!~"};
    auto left = parse_sum();
    if (peek().what != token::kind::symbol) return left;
    if (sees("=")) fail(peek().at, "= assigns and does not compare; write ==");
    if (std::ranges::find(operators, peek().text) == operators.end()) return left;
    const auto& op = take();
    auto result = make(op.text.ends_with('~') ? expression::kind::match : expression::kind::compare, op.at);
    result->text = op.text;
    result->parts.push_back(std::move(left));
    result->parts.push_back(parse_sum());
    return result;
}

expression_pointer expression_parser::parse_sum() {
    auto result = make(expression::kind::sum, peek().at);
    result->parts.push_back(parse_product());
    while (true) {
        const auto& next = peek();
        const bool joined = next.what != token::kind::symbol && next.what != token::kind::end;
        if (joined && !three()) {
            if (next.what == token::kind::text) fail(next.at, "strings are joined by +; side by side they stood in VCL 3");
            break;
        }
        if (!joined && !next.is("+") && !next.is("-")) break;
        result->operators.push_back(joined ? ' ' : next.text.front());
        result->operators_at.push_back(next.at);
        if (!joined) take();
        result->parts.push_back(parse_product());
    }
    if (result->parts.size() == 1) return std::move(result->parts.front());
    return result;
}

expression_pointer expression_parser::parse_product() {
    auto result = make(expression::kind::product, peek().at);
    result->parts.push_back(parse_operand());
    while (sees("*") || sees("/") || sees("%")) {
        result->operators_at.push_back(peek().at);
        result->operators.push_back(take().text.front());
        result->parts.push_back(parse_operand());
    }
    if (result->parts.size() == 1) return std::move(result->parts.front());
    return result;
}

/// With .lower() or .upper() behind it; behind a plain variable they are part of its word.
expression_pointer expression_parser::parse_operand() {
    auto result = parse_single();
    while (sees(".")) {
        auto call = make(expression::kind::call, take().at);
        const auto& method = expect(token::kind::word, "lower() or upper()");
        if (method.text != "lower" && method.text != "upper")
            fail(method.at, fmt::format("there is no {} of a text{}", method.shown(), suggestion(method.text, {"lower", "upper"})));
        call->text = method.text;
        call->change_case = method.text.front();
        parse_arguments(*call);
        if (!call->parts.empty()) fail(call->parts[0]->at, fmt::format("{} takes no arguments", call->text));
        call->parts.push_back(std::move(result));
        result = std::move(call);
    }
    return result;
}

expression_pointer expression_parser::parse_single() {
    const auto& first = peek();
    switch (first.what) {
        case token::kind::text: {
            auto result = make(expression::kind::literal, first.at);
            result->quoted = true;
            result->constant = take().text;
            return result;
        }
        case token::kind::integer:
        case token::kind::real:
        case token::kind::duration:
        case token::kind::bytes: {
            auto result = make(expression::kind::literal, first.at);
            result->constant = take_number();
            return result;
        }
        case token::kind::word: {
            auto result = make(expression::kind::word, first.at);
            result->text = take().text;
            if (result->text == "true" || result->text == "false") {
                result->what = expression::kind::literal;
                result->constant = result->text == "true";
            } else if (sees("(")) {
                result->what = expression::kind::call;
                parse_arguments(*result);
            }
            return result;
        }
        default:
            break;
    }
    if (accept("(")) {
        auto result = parse_expression();
        expect(")", "at the end of the parentheses");
        return result;
    }
    if (sees("-")) {
        const deeper one(*this);
        auto result = make(expression::kind::negate, take().at);
        result->parts.push_back(parse_single());
        return result;
    }
    fail(first.at, fmt::format("expected an expression, found {}", first.shown()));
}

value expression_parser::take_number() {
    const auto& number = take();
    const bool plain = number.what == token::kind::integer || number.what == token::kind::real;
    const auto unit = plain && peek().what == token::kind::word ? duration_unit(peek().text) : 0;
    if (unit == 0) return number.number;
    take();
    return duration{nanoseconds_of(as_real(number.number) * unit)};
}

void expression_parser::parse_arguments(expression& call) {
    expect("(", "before the arguments");
    while (!sees(")")) {
        std::string name;
        if (peek().what == token::kind::word && peek(1).is("=")) {
            name = take().text;
            take();
        }
        call.argument_names.push_back(std::move(name));
        call.parts.push_back(parse_expression());
        if (!sees(")")) expect(",", "or ) behind an argument");
    }
    take();
}

}  // namespace badorigin::cache::vcl
