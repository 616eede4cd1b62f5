#include "proxy-under-test/vcl/evaluator.h"

#include <algorithm>
#include <compare>
#include <functional>
#include <utility>

#include "proxy-under-test/vcl/arithmetic.h"
#include "proxy-under-test/vcl/reason_phrase.h"
#include "proxy-under-test/vcl/variable_number.h"

namespace badorigin::cache::vcl {

namespace {

bool in_order(const std::string& op, std::partial_ordering order) {
    if (op == "==") return order == 0;
    if (op == "!=") return order != 0;
    if (op == "<") return order < 0;
    if (op == "<=") return order <= 0;
    if (op == ">") return order > 0;
    return order >= 0;
}

std::string change_case(std::string text, char to) {
    for (auto& c : text) {
        if (to == 'l' && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        if (to == 'u' && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    }
    return text;
}

bool truth_of(const value& is) {
    if (const auto* boolean = std::get_if<bool>(&is)) return *boolean;
    if (const auto* integer = std::get_if<std::int64_t>(&is)) return *integer != 0;
    if (const auto* length = std::get_if<duration>(&is)) return length->value.count() > 0;
    if (const auto* backend = std::get_if<backend_ref>(&is)) return !backend->name.empty();
    return is_set(is);
}

/// What a value becomes where the checker let a near type stand: an integer for a real, anything for a string.
value converted(value from, type to) {
    switch (to) {
        case type::string:
        case type::header:
        case type::body:
            return std::holds_alternative<std::string>(from) ? std::move(from) : value(to_string(from));
        case type::real:
            return as_real(from);
        default:
            return from;
    }
}

}  // namespace

outcome evaluator::run(const custom_subroutine& entry) {
    result_ = {};
    execute(entry);
    return std::move(result_);
}

evaluator::flow evaluator::execute(const custom_subroutine& of) {
    for (const auto& body : of.bodies) {
        if (const auto after = execute(body); after != flow::next) return after;
    }
    return flow::next;
}

evaluator::flow evaluator::execute(const block& of) {
    for (const auto& each : of) {
        if (const auto after = execute(*each); after != flow::next) return after;
    }
    return flow::next;
}

evaluator::flow evaluator::execute(const statement& of) {
    switch (of.what) {
        case statement::kind::set:
            set(of);
            return flow::next;
        case statement::kind::unset:
            in_.unset(of.writes);
            return flow::next;
        case statement::kind::expression:
            evaluate(*of.parts.front());
            return flow::next;
        case statement::kind::create:
            create(of);
            return flow::next;
        case statement::kind::call:
            return execute(*of.callee) == flow::finished ? flow::finished : flow::next;
        case statement::kind::finish:
            if (of.plain) return flow::leave;
            finish(of);
            return flow::finished;
        case statement::kind::condition:
            for (std::size_t i = 0; i < of.parts.size(); ++i) {
                if (holds(*of.parts[i])) return execute(of.blocks[i]);
            }
            return of.blocks.size() > of.parts.size() ? execute(of.blocks.back()) : flow::next;
    }
    return flow::next;
}

void evaluator::set(const statement& of) {
    auto to = evaluate(*of.parts.front());
    const auto& target = *of.target;
    if (target.of == type::body) {
        body_ = of.op == "+=" ? body_ + to_string(to) : to_string(to);
        in_.synthetic(body_);
        return;
    }
    if (of.op != "=") {
        const auto before = in_.read(of.writes);
        if (target.of == type::string || target.of == type::header) {
            to = to_string(before) + to_string(to);
        } else if (of.op == "+=" || of.op == "-=") {
            to = add(before, to, of.op.front());
        } else {
            to = scale(before, to, of.op.front());
        }
    }
    if (target.of == type::boolean) to = truth_of(to);
    in_.write(of.writes, converted(std::move(to), target.of));
    if (!of.phrase.name.empty()) in_.write(of.phrase, std::string(reason_phrase(as_integer(in_.read(of.writes)))));
}

void evaluator::finish(const statement& of) {
    result_.what = of.rule->what;
    switch (of.rule->arguments) {
        case action_rule::takes::nothing:
            return;
        case action_rule::takes::optional_duration:
            if (!of.parts.empty()) {
                static const auto how_long = resolved("beresp.ttl");  // hit-for-pass lasts
                in_.write(how_long, evaluate(*of.parts[0]));
            }
            return;
        case action_rule::takes::optional_message:
            if (!of.parts.empty()) result_.reason = text(*of.parts[0]);
            return;
        case action_rule::takes::status_and_reason:
        case action_rule::takes::optional_status_and_reason:
            result_.status = 503;
            if (!of.parts.empty()) {
                const auto status = as_integer(evaluate(*of.parts[0]));
                result_.status = status < 0 || status > 65535 || status % 1000 < 100 ? 503 : static_cast<int>(status);
            }
            result_.reason = of.parts.size() > 1 ? text(*of.parts[1]) : std::string{};
            if (result_.reason.empty()) result_.reason = reason_phrase(result_.status);
            return;
    }
}

value evaluator::evaluate(const expression& of) {
    switch (of.what) {
        case expression::kind::literal:
            return of.constant;
        case expression::kind::word:
            return read(of.reads);
        case expression::kind::call:
            return call(of);
        case expression::kind::sum:
            return sum(of);
        case expression::kind::product:
            return product(of);
        case expression::kind::negate: {
            auto inner = evaluate(*of.parts[0]);
            if (const auto* real = std::get_if<double>(&inner)) return -*real;
            if (const auto* length = std::get_if<duration>(&inner))
                return duration{std::chrono::nanoseconds(negate(length->value.count()))};
            return negate(as_integer(inner));
        }
        case expression::kind::compare:
        case expression::kind::match:
        case expression::kind::invert:
        case expression::kind::both:
        case expression::kind::either:
            return holds(of);
    }
    return {};
}

bool evaluator::holds(const expression& of) {
    switch (of.what) {
        case expression::kind::compare:
            return compare(of);
        case expression::kind::match: {
            std::string made;
            const auto subject = look(*of.parts[0], made).value_or(std::string_view{});
            const bool found = of.members != nullptr ? of.members->contains(subject) : of.pattern->matches(subject);
            return found == (of.text == "~");
        }
        case expression::kind::invert:
            return !holds(*of.parts[0]);
        case expression::kind::both:
            return std::ranges::all_of(of.parts, [&](const auto& each) { return holds(*each); });
        case expression::kind::either:
            return std::ranges::any_of(of.parts, [&](const auto& each) { return holds(*each); });
        case expression::kind::word:
            if (of.of == type::header) return in_.held(of.reads) != nullptr;
            [[fallthrough]];
        default:
            return truth_of(evaluate(of));
    }
}

std::optional<std::string_view> evaluator::look(const expression& of, std::string& made) {
    if (of.what == expression::kind::literal) {
        if (const auto* text = std::get_if<std::string>(&of.constant)) return *text;
    } else if (of.what == expression::kind::word) {
        if (const auto* text = in_.held(of.reads)) return *text;
        if (of.of == type::header) return std::nullopt;
    }
    auto is = evaluate(of);
    if (!is_set(is)) return std::nullopt;
    return made = to_string(std::move(is));
}

value evaluator::read(const variable_name& of) {
    if (!(of == "now")) return in_.read(of);
    if (!is_set(now_)) now_ = in_.read(of);
    return now_;
}

value evaluator::call(const expression& of) {
    if (of.change_case != 0) return change_case(text(*of.parts[0]), of.change_case);
    const auto& callee = *of.calls;
    std::string made;
    const auto first = [&] { return look(*of.parts[0], made).value_or(std::string_view{}); };
    using by = function::by;
    switch (callee.evaluated) {
        case by::regsub:
        case by::regsuball:
            return of.pattern->substitute(first(), text(*of.parts[2]), callee.evaluated == by::regsuball);
        case by::hash_data:
            in_.hash_data(first());
            return {};
        case by::synthetic:
            body_ = text(*of.parts[0]);
            in_.synthetic(body_);
            return {};
        case by::ban:
            last_ban_ = text(*of.parts[0]);
            return in_.ban(last_ban_);
        case by::ban_error: {
            const auto parsed = last_ban_.empty() ? std::unexpected(std::string{}) : ban_expression::parse(last_ban_);
            return parsed ? std::string{} : parsed.error();
        }
        case by::cookie:
            return cookie(of);
        case by::pure:
        case by::context:
            break;
    }
    std::vector<value> given(of.parts.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
        if (of.parts[i] != nullptr) given[i] = converted(evaluate(*of.parts[i]), callee.parameters[i].of);
    }
    if (callee.pure != nullptr) return callee.pure(given);
    return in_.call(of.text, given);
}

value evaluator::cookie(const expression& of) {
    auto& jar = in_.cookies();
    const auto method = of.calls->name.substr(std::string_view("cookie.").size());
    const auto first = of.parts.empty() || of.pattern ? std::string{} : text(*of.parts[0]);
    const auto named = [&](const std::string& name) { return names_cookie(first, name); };
    const auto matched = [&](const std::string& name) { return of.pattern->matches(name); };
    const auto or_unset = [](const std::string* found) { return found ? value(*found) : value{}; };
    if (method == "get") return or_unset(jar.get(first));
    if (method == "get_re") return or_unset(jar.first(matched));
    if (method == "isset") return jar.get(first) != nullptr;
    if (method == "get_string") return jar.text();
    if (method == "parse") jar.parse(first);
    if (method == "set") jar.set(first, text(*of.parts[1]));
    if (method == "delete") jar.drop([&](const std::string& name) { return name == first; });
    if (method == "clean") jar.drop([](const std::string&) { return true; });
    if (method == "filter") jar.drop(named);
    if (method == "keep") jar.drop(std::not_fn(named));
    if (method == "filter_re") jar.drop(matched);
    if (method == "keep_re") jar.drop(std::not_fn(matched));
    return {};
}

value evaluator::sum(const expression& of) {
    auto sofar = evaluate(*of.parts[0]);
    std::size_t at = 1;
    for (; at < of.text_from; ++at) sofar = add(sofar, evaluate(*of.parts[at]), of.operators[at - 1]);
    if (at == of.parts.size()) return sofar;
    auto joined = to_string(std::move(sofar));
    for (std::string made; at < of.parts.size(); ++at) joined += look(*of.parts[at], made).value_or(std::string_view{});
    return joined;
}

value evaluator::product(const expression& of) {
    auto sofar = evaluate(*of.parts[0]);
    for (std::size_t i = 1; i < of.parts.size(); ++i) sofar = scale(sofar, evaluate(*of.parts[i]), of.operators[i - 1]);
    return sofar;
}

bool evaluator::compare(const expression& of) {
    const auto &left = *of.parts[0], &right = *of.parts[1];
    const auto by = [&](auto as) { return in_order(of.text, as(evaluate(left)) <=> as(evaluate(right))); };
    switch (left.of) {
        case type::integer:
            return right.of == type::integer ? by(as_integer) : by(as_real);
        case type::real:
            return by(as_real);
        case type::boolean:
            return by(as_integer);
        case type::duration:
        case type::time:
            return by(as_nanoseconds);
        case type::bytes:
            return by(as_bytes);
        default:
            return compare_texts(of);
    }
}

bool evaluator::compare_texts(const expression& of) {
    std::string made_left, made_right;
    const auto left = look(*of.parts[0], made_left), right = look(*of.parts[1], made_right);
    if (!left || !right) return of.text == "!=";  // what is not there is equal to nothing
    return in_order(of.text, *left <=> *right);
}

}  // namespace badorigin::cache::vcl
