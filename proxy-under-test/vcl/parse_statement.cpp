#include "proxy-under-test/vcl/parser_state.h"

namespace badorigin::cache::vcl {

namespace {

const std::vector<std::string> statements{"set", "unset", "if", "call", "return", "new", "synthetic", "hash_data", "ban"};

}  // namespace

block statement_parser::braces(std::string_view of_what) {
    const deeper one(*this);
    const auto opened = peek().at;
    expect("{", of_what);
    block result;
    while (!sees("}")) {
        if (at_end()) fail(opened, "this { is never closed");
        if (auto next = statement_or_nothing()) result.push_back(std::move(next));
    }
    take();
    return result;
}

std::unique_ptr<statement> statement_parser::statement_or_nothing() {
    const auto before = here_;
    try {
        return parse_statement();
    } catch (const gave_up&) {
        if (depth_ >= deepest) throw;
        skip_statement(before);
        return nullptr;
    }
}

/// Behind the next ; or before the } that closes the block the statement stands in.
void statement_parser::skip_statement(std::size_t from) {
    here_ = from;
    int open = 0;
    while (!at_end()) {
        if (open == 0 && sees("}")) return;
        if (sees("{")) ++open;
        if (sees("}") && --open == 0) {
            take();
            return;
        }
        if (open == 0 && sees(";")) {
            take();
            return;
        }
        take();
    }
}

std::unique_ptr<statement> statement_parser::start(statement::kind what) {
    auto result = std::make_unique<statement>();
    result->what = what;
    result->at = peek().at;
    return result;
}

std::unique_ptr<statement> statement_parser::parse_statement() {
    const auto& first = peek();
    if (first.is(";")) {
        take();
        return nullptr;
    }
    if (first.what != token::kind::word) fail(first.at, fmt::format("expected a statement, found {}", first.shown()));
    if (first.text == "set") return set();
    if (first.text == "unset") return unset();
    if (first.text == "if") return condition();
    if (first.text == "call") return call();
    if (first.text == "return") return finish();
    if (first.text == "new") return create();
    if (three()) {
        if (auto found = statement_of_3()) return found;
    }
    if (first.text == "remove") fail(first.at, "remove is now written unset");
    if (first.text == "error") fail(first.at, "error is now written return (synth(status, reason));");
    if (first.text == "purge") fail(first.at, "purge is now written return (purge); in vcl_recv");
    if (first.text.starts_with("els")) fail(first.at, fmt::format("{} without an if before it", first.text));
    if (!peek(1).is("(")) fail(first.at, fmt::format("unknown statement {}{}", first.shown(), suggestion(first.text, statements)));
    return expression_statement();
}

std::unique_ptr<statement> statement_parser::expression_statement() {
    auto result = start(statement::kind::expression);
    auto called = std::make_unique<expression>();
    called->what = expression::kind::call;
    called->at = peek().at;
    called->text = take().text;
    parse_arguments(*called);
    result->parts.push_back(std::move(called));
    semicolon();
    return result;
}

void statement_parser::semicolon() {
    if (accept(";")) return;
    // The place of a forgotten ; is behind the last token: the next one may be lines away.
    fail(tokens_[here_ > 0 ? here_ - 1 : 0].behind, fmt::format("expected ; at the end of the statement, found {}", peek().shown()));
}

std::unique_ptr<statement> statement_parser::set() {
    auto result = start(statement::kind::set);
    take();
    const auto& target = expect(token::kind::word, "the variable to set");
    result->name = target.text;
    result->name_at = target.at;
    const auto& op = peek();
    if (!(op.is("=") || op.is("+=") || op.is("-=") || op.is("*=") || op.is("/="))) {
        fail(op.at, fmt::format("expected = or += -= *= /= behind the variable, found {}", op.shown()));
    }
    result->op = take().text;
    result->parts.push_back(parse_expression());
    semicolon();
    return result;
}

std::unique_ptr<statement> statement_parser::unset() {
    auto result = start(statement::kind::unset);
    take();
    const auto& target = expect(token::kind::word, "the variable to unset");
    result->name = target.text;
    result->name_at = target.at;
    semicolon();
    return result;
}

std::unique_ptr<statement> statement_parser::condition() {
    auto result = start(statement::kind::condition);
    take();
    branch(*result);
    while (true) {
        if (sees("elseif") || sees("elsif") || sees("elif")) {
            take();
            branch(*result);
        } else if (sees("else") && peek(1).is("if")) {
            take();
            take();
            branch(*result);
        } else if (accept("else")) {
            result->blocks.push_back(braces("behind else"));
            return result;
        } else {
            return result;
        }
    }
}

void statement_parser::branch(statement& of) {
    expect("(", "behind if");
    of.parts.push_back(parse_expression());
    expect(")", "behind the condition");
    of.blocks.push_back(braces("behind the condition"));
}

std::unique_ptr<statement> statement_parser::call() {
    auto result = start(statement::kind::call);
    take();
    const auto& callee = expect_name("the name of a subroutine");
    result->name = callee.text;
    result->name_at = callee.at;
    semicolon();
    return result;
}

std::unique_ptr<statement> statement_parser::finish() {
    auto result = start(statement::kind::finish);
    take();
    if (accept(";")) {
        result->plain = true;
        return result;
    }
    expect("(", "behind return");
    const auto& word = expect_name("an action");
    result->name = word.text;
    result->name_at = word.at;
    if (three() && word.text == "error") {
        error_arguments(*result, ")");
    } else if (sees("(")) {
        expression call;
        parse_arguments(call);
        for (std::size_t i = 0; i < call.parts.size(); ++i) {
            if (!call.argument_names[i].empty()) fail(call.parts[i]->at, "the arguments of an action have no names");
        }
        result->parts = std::move(call.parts);
    }
    expect(")", "behind the action");
    semicolon();
    return result;
}

std::unique_ptr<statement> statement_parser::create() {
    auto result = start(statement::kind::create);
    take();
    const auto& object = expect_name("the name of the new object");
    result->name = object.text;
    result->name_at = object.at;
    expect("=", "behind the object's name");
    auto called = std::make_unique<expression>();
    called->what = expression::kind::call;
    called->at = peek().at;
    called->text = result->type_name = expect(token::kind::word, "the type of the object, such as directors.round_robin").text;
    parse_arguments(*called);
    result->parts.push_back(std::move(called));
    semicolon();
    return result;
}

}  // namespace badorigin::cache::vcl
