#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "harness/judge/query_lexer.h"
#include "harness/judge/query_node.h"
#include "harness/scenario/yaml.h"
#include "http/message.h"

namespace badorigin::judge {

namespace {

using node = query::node;
using node_ptr = std::shared_ptr<const node>;
using kind = enum query_token::kind;

/// Recursive descent; or binds weakest, then and, then not. The first mistake ends it, by a type of its own inside this file.
class parser {
public:
    explicit parser(std::vector<query_token> tokens) : tokens_{std::move(tokens)} {}

    std::expected<node_ptr, query_error> parse() {
        auto top = alternatives();
        if (!top) return top;
        if (current().kind != kind::end) return fail("expected \"and\", \"or\" or the end");
        return top;
    }

private:
    const query_token& current() const { return tokens_[next_]; }
    bool word_is(std::string_view word) const { return current().kind == kind::word && current().text == word; }
    bool take(std::string_view symbol) {
        if (!current().is(symbol)) return false;
        ++next_;
        return true;
    }
    std::unexpected<query_error> fail(std::string message) const { return fail(current(), std::move(message)); }
    static std::unexpected<query_error> fail(const query_token& at, std::string message) {
        return std::unexpected{query_error{std::move(message), at.at, std::max<std::size_t>(1, at.length)}};
    }

    std::expected<node_ptr, query_error> chain(std::string_view word, enum node::kind what,
                                               std::expected<node_ptr, query_error> (parser::*operand)()) {
        constexpr int most_words = 1000;  // each makes the tree one deeper
        auto left = (this->*operand)();
        while (left && word_is(word)) {
            if (++words_ > most_words) return fail(fmt::format("a query may have {} and, or", most_words));
            ++next_;
            auto right = (this->*operand)();
            if (!right) return right;
            auto made = std::make_shared<node>();
            made->kind = what;
            made->left = *left;
            made->right = *right;
            left = std::move(made);
        }
        return left;
    }
    std::expected<node_ptr, query_error> alternatives() { return chain("or", node::kind::either, &parser::conjunction); }
    std::expected<node_ptr, query_error> conjunction() { return chain("and", node::kind::both, &parser::negation); }

    std::expected<node_ptr, query_error> negation() {
        constexpr int deep = 200;
        if (depth_ > deep) return fail("nested too deeply");
        if (word_is("not")) {
            ++next_;
            ++depth_;
            auto inner = negation();
            --depth_;
            if (!inner) return inner;
            auto made = std::make_shared<node>();
            made->kind = node::kind::negation;
            made->left = *inner;
            return made;
        }
        if (!take("(")) return comparison();
        ++depth_;
        auto inner = alternatives();
        --depth_;
        if (inner && !take(")")) return fail("expected )");
        return inner;
    }

    std::expected<node_ptr, query_error> comparison() {
        auto made = std::make_shared<node>();
        if (auto wrong = level(*made)) return std::unexpected{*wrong};
        if (auto wrong = tags(*made)) return std::unexpected{*wrong};
        if (auto wrong = prefix(*made)) return std::unexpected{*wrong};
        if (auto wrong = field(*made)) return std::unexpected{*wrong};
        if (auto wrong = operation(*made)) return std::unexpected{*wrong};
        return made;
    }

    using mistake = std::optional<query_error>;

    static std::optional<int> whole(std::string_view text) {
        int value = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || text.starts_with('-')) return std::nullopt;
        return value;
    }

    mistake level(node& n) {
        if (!take("{")) return {};
        std::string text = current().text;
        if (text.ends_with('+'))
            n.level_bound = node::bound::or_more;
        else if (text.ends_with('-'))
            n.level_bound = node::bound::or_less;
        if (n.level_bound != node::bound::exactly) text.pop_back();
        auto value = whole(text);
        if (current().kind != kind::word || !value) return fail("expected a level such as {2}, {2+} or {2-}").error();
        n.level = value;
        ++next_;
        if (!take("}")) return fail("expected }").error();
        return {};
    }

    mistake tags(node& n) {
        const auto& list = current();
        if (list.kind != kind::word) return fail("expected the name of a tag").error();
        for (auto word : {"and", "or", "not"})
            if (list.text == word) return fail(fmt::format("expected the name of a tag before \"{}\"", word)).error();
        std::string_view rest = list.text;
        for (std::size_t from = 0; from <= rest.size();) {
            auto comma = std::min(rest.find(',', from), rest.size());
            auto name = rest.substr(from, comma - from);
            query_token part{kind::word, std::string{name}, list.at + from, name.size(), false};
            if (auto wrong = add_tags(n, part)) return wrong;
            from = comma + 1;
        }
        ++next_;
        return {};
    }

    static mistake add_tags(node& n, const query_token& name) {
        std::string_view text = name.text;
        if (text.empty()) return fail(name, "expected the name of a tag").error();
        bool at_start = text.starts_with('*'), at_end = text.size() > 1 && text.ends_with('*');
        auto middle = text.substr(at_start, text.size() - at_start - at_end);
        if (at_start && at_end) return fail(name, "a star may stand at the start or at the end of a tag's name, not at both").error();
        if (middle.find('*') != std::string_view::npos)
            return fail(name, "a star may stand at the start or at the end of a tag's name only").error();
        bool found = false;
        for (auto tag : record_tags()) {
            if (tag.size() < middle.size()) continue;
            bool same = at_start ? http::same_name(tag.substr(tag.size() - middle.size()), middle)
                        : at_end ? http::same_name(tag.substr(0, middle.size()), middle)
                                 : http::same_name(tag, middle);
            if (same) n.tags.insert(tag);
            found = found || same;
        }
        if (found) return {};
        std::vector<std::string> known;
        for (auto tag : record_tags()) known.emplace_back(tag);
        auto near = scenario::near_miss(text, known);
        return fail(name, fmt::format("there is no tag \"{}\"{}", text, near.empty() ? "" : fmt::format(", did you mean {}?", near)))
            .error();
    }

    mistake prefix(node& n) {
        if (!current().is(":") || !current().glued) return {};
        ++next_;
        if ((current().kind != kind::word && current().kind != kind::quoted) || !current().glued || current().text.empty())
            return fail("expected a prefix after the colon").error();
        if (auto wrong = unlisted()) return wrong;
        n.prefix = current().text;
        ++next_;
        return {};
    }

    /// The comma joins the names of tags and nothing else.
    mistake unlisted() const {
        const auto comma = current().kind == kind::word ? current().text.find(',') : std::string::npos;
        if (comma == std::string::npos) return {};
        return fail({kind::word, ",", current().at + comma, 1, true}, "a text with a comma must be quoted").error();
    }

    mistake field(node& n) {
        if (!take("[")) return {};
        auto value = whole(current().text);
        if (current().kind != kind::word || !value || *value < 1) return fail("expected the number of a field, from 1").error();
        n.field = *value;
        ++next_;
        if (!take("]")) return fail("expected ]").error();
        return {};
    }

    mistake operation(node& n) {
        using op = node::operation;
        struct row {
            std::string_view symbol;
            op how;
        };
        constexpr std::array numeric{row{"==", op::equal},    row{"!=", op::unequal}, row{"<=", op::at_most},
                                     row{">=", op::at_least}, row{"<", op::less},     row{">", op::greater}};
        for (const auto& r : numeric)
            if (take(r.symbol)) {
                n.how = r.how;
                return number(n);
            }
        for (const auto& r : {row{"~", op::found}, row{"!~", op::not_found}})
            if (take(r.symbol)) {
                n.how = r.how;
                return expression(n);
            }
        for (const auto& r : {row{"eq", op::same_text}, row{"ne", op::other_text}})
            if (word_is(r.symbol)) {
                ++next_;
                n.how = r.how;
                return text(n, "a text");
            }
        if (current().kind == kind::end || current().is(")") || word_is("and") || word_is("or")) return {};
        return fail("expected an operator: == != < <= > >= eq ne ~ !~").error();
    }

    mistake text(node& n, std::string_view what) {
        if (current().kind != kind::word && current().kind != kind::quoted)
            return fail(fmt::format("expected {} after the operator", what)).error();
        if (auto wrong = unlisted()) return wrong;
        n.text = current().text;
        ++next_;
        return {};
    }
    mistake number(node& n) {
        const auto& token = current();
        if (token.kind == kind::word) {
            std::string_view digits = token.text;
            if (digits.starts_with('+')) digits.remove_prefix(1);
            auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n.number, std::chars_format::fixed);
            if (error == std::errc{} && end == digits.data() + digits.size()) {
                ++next_;
                return {};
            }
        }
        return fail("expected a number after the operator; texts are compared by eq and ne").error();
    }
    mistake expression(node& n) {
        auto token = current();
        if (auto wrong = text(n, "a regular expression")) return wrong;
        auto compiled = pattern::compile(n.text);
        if (!compiled) {
            token.at += compiled.error().offset + (token.kind == kind::quoted ? 1 : 0);
            token.length = 1;
            return fail(token, "the regular expression is wrong: " + compiled.error().message).error();
        }
        n.expression = *compiled;
        return {};
    }

    std::vector<query_token> tokens_;
    std::size_t next_ = 0;
    int depth_ = 0, words_ = 0;
};

}  // namespace

std::expected<query, query_error> query::parse(std::string_view text) {
    auto tokens = query_tokens(text);
    if (!tokens) return std::unexpected{tokens.error()};
    auto top = parser{std::move(*tokens)}.parse();
    if (!top) return std::unexpected{top.error()};
    return query{*top};
}

std::string query_error::text(std::string_view query) const {
    return fmt::format("{}\n{}\n{}{}", message, query, std::string(at, ' '), std::string(std::max<std::size_t>(1, length), '^'));
}

}  // namespace badorigin::judge
