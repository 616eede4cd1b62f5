// The statements that VCL 3 has and VCL 4 has not, as trees of those that both have.
#include "proxy-under-test/vcl/parser_state.h"

namespace badorigin::cache::vcl {

std::unique_ptr<statement> statement_parser::statement_of_3() {
    const auto& word = peek().text;
    if (word == "remove") return unset();
    if (word == "error") return error();
    if (word == "purge" && peek(1).is(";")) return implied_call("purge.hard", {});
    if (word == "rollback" && peek(1).is(";")) {
        auto request = std::make_unique<expression>();
        request->what = expression::kind::word;
        request->at = peek().at;
        request->text = "req";
        std::vector<expression_pointer> parts;
        parts.push_back(std::move(request));
        return implied_call("std.rollback", std::move(parts));
    }
    if (word == "synthetic") {
        auto result = start(statement::kind::expression);
        auto called = std::make_unique<expression>();
        called->what = expression::kind::call;
        called->at = peek().at;
        called->text = take().text;
        called->parts.push_back(parse_expression());
        called->argument_names.emplace_back();
        result->parts.push_back(std::move(called));
        semicolon();
        return result;
    }
    if (word == "ban_url" && peek(1).is("(")) {
        auto result = expression_statement();
        auto& called = *result->parts.front();
        called.text = "ban";
        if (called.parts.size() != 1) fail(called.at, "ban_url takes one argument: a regular expression for URLs");
        auto joined = std::make_unique<expression>();
        joined->what = expression::kind::sum;
        joined->at = called.parts.front()->at;
        auto field = std::make_unique<expression>();
        field->at = joined->at;
        field->constant = std::string("req.url ~ ");
        field->quoted = true;
        joined->parts.push_back(std::move(field));
        joined->operators.push_back(' ');
        joined->operators_at.push_back(joined->at);
        joined->parts.push_back(std::move(called.parts.front()));
        called.parts.front() = std::move(joined);
        return result;
    }
    return nullptr;
}

std::unique_ptr<statement> statement_parser::implied_call(std::string function, std::vector<expression_pointer> parts) {
    auto result = start(statement::kind::expression);
    auto called = std::make_unique<expression>();
    called->what = expression::kind::call;
    called->at = take().at;
    called->text = std::move(function);
    called->implied = true;
    called->argument_names.resize(parts.size());
    called->parts = std::move(parts);
    result->parts.push_back(std::move(called));
    semicolon();
    return result;
}

/// error; error 404; error 404 "Not" "here";
std::unique_ptr<statement> statement_parser::error() {
    auto result = start(statement::kind::finish);
    result->name_at = peek().at;
    result->name = take().text;
    error_arguments(*result, ";");
    semicolon();
    return result;
}

void statement_parser::error_arguments(statement& of, std::string_view until) {
    if (!sees(until)) of.parts.push_back(parse_single());
    if (!sees(until)) of.parts.push_back(parse_expression());
}

}  // namespace badorigin::cache::vcl
