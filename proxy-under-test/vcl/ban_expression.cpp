// field operator argument [&& …], blanks between all of them; an argument with blanks stands in double quotes.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/core.h>

#include "proxy-under-test/vcl/lexer.h"
#include "proxy-under-test/vcl/program.h"
#include "proxy-under-test/vcl/regex.h"
#include "proxy-under-test/vcl/source.h"

namespace badorigin::cache::vcl {

namespace {

bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The words of an expression, without the quotes around those that had them.
std::expected<std::vector<std::string>, std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        if (blank(text[at])) {
            ++at;
            continue;
        }
        std::string word;
        if (text[at] == '"') {
            for (++at; at < text.size() && text[at] != '"'; ++at) {
                if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\')) {
                    word += text[++at];
                } else {
                    word += text[at];
                }
            }
            if (at == text.size()) return std::unexpected("a quote is not closed");
            ++at;
        } else {
            while (at < text.size() && !blank(text[at])) word += text[at++];
        }
        words.push_back(std::move(word));
    }
    return words;
}

enum class kind { text, number, time };

std::optional<kind> kind_of(std::string_view variable) {
    for (const auto prefix : {std::string_view("req.http."), std::string_view("obj.http.")}) {
        if (variable.starts_with(prefix) && variable.size() > prefix.size()) return kind::text;
    }
    if (variable == "req.url") return kind::text;
    if (variable == "obj.status") return kind::number;
    for (const auto* name : {"obj.age", "obj.ttl", "obj.grace", "obj.keep"}) {
        if (variable == name) return kind::time;
    }
    return std::nullopt;
}

/// "12.500", "30s", "1.5h": seconds.
std::optional<double> seconds_of(std::string_view text) {
    double number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{}) return std::nullopt;
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (unit.empty()) return number;
    const auto factor = duration_unit(unit);
    return factor > 0 ? std::optional(number * factor) : std::nullopt;
}

bool holds(std::string_view op, double left, double right) {
    if (op == "==") return left == right;
    if (op == "!=") return left != right;
    if (op == "<") return left < right;
    if (op == "<=") return left <= right;
    if (op == ">") return left > right;
    return left >= right;
}

bool allowed(kind of, std::string_view op) {
    if (op == "==" || op == "!=") return true;
    if (op == "~" || op == "!~") return of != kind::time;
    return of != kind::text && (op == "<" || op == "<=" || op == ">" || op == ">=");
}

}  // namespace

std::expected<ban_expression, std::string> ban_expression::parse(std::string_view text) {
    const auto words = words_of(text);
    if (!words) return std::unexpected(words.error());
    ban_expression result;
    result.text_ = text;
    for (std::size_t at = 0; at < words->size() || at == 0; at += 4) {
        if (at + 3 > words->size()) return std::unexpected("expected a field, an operator and an argument, with blanks between them");
        test next{.variable = (*words)[at], .operand = (*words)[at + 2], .op = (*words)[at + 1], .regex = nullptr};
        const auto of = kind_of(next.variable);
        if (!of) {
            return std::unexpected(
                fmt::format("unknown field {}{}", next.variable,
                            suggestion(next.variable, {"req.url", "obj.status", "obj.age", "obj.ttl", "obj.grace", "obj.keep"})));
        }
        if (!allowed(*of, next.op)) return std::unexpected(fmt::format("{} is no operator for {}", next.op, next.variable));
        if (*of != kind::text && !next.op.ends_with('~') && !seconds_of(next.operand)) {
            return std::unexpected(fmt::format("{} is no {}", next.operand, *of == kind::time ? "duration" : "number"));
        }
        if (next.op.ends_with('~')) {
            auto compiled = regex::compile(next.operand);
            if (!compiled) return std::unexpected(fmt::format("{} (at offset {})", compiled.error().message, compiled.error().offset));
            next.regex = std::const_pointer_cast<vcl::regex>(*compiled);
        }
        result.tests_.push_back(std::move(next));
        if (at + 3 < words->size() && (*words)[at + 3] != "&&") {
            return std::unexpected(fmt::format("expected && between tests, found {}", (*words)[at + 3]));
        }
        if (at + 4 == words->size()) return std::unexpected("nothing stands behind &&");
    }
    return result;
}

bool ban_expression::matches(const std::function<std::optional<std::string>(std::string_view)>& read) const {
    return std::ranges::all_of(tests_, [&](const test& each) {
        const auto found = read(each.variable);
        if (!found) return each.op.starts_with('!');
        if (each.regex) return static_cast<const vcl::regex*>(each.regex.get())->matches(*found) == (each.op == "~");
        if (kind_of(each.variable) == kind::text) return (*found == each.operand) == (each.op == "==");
        const auto left = seconds_of(*found), right = seconds_of(each.operand);
        return left && right && holds(each.op, *left, *right);
    });
}

}  // namespace badorigin::cache::vcl
