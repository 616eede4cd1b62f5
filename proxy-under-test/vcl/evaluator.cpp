#include "proxy-under-test/vcl/evaluator.h"

#include <compare>
#include <functional>
#include <utility>

#include "proxy-under-test/vcl/arithmetic.h"
#include "proxy-under-test/vcl/reason_phrase.h"

namespace badorigin::cache::vcl {

namespace {

bool holds(const std::string& op, std::partial_ordering order) {
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
            in_.unset(of.name);
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
                if (truth_of(evaluate(*of.parts[i]))) return execute(of.blocks[i]);
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
        const auto before = in_.read(of.name);
        if (target.of == type::string || target.of == type::header) {
            to = to_string(before) + to_string(to);
        } else if (of.op == "+=" || of.op == "-=") {
            to = add(before, to, of.op.front());
        } else {
            to = scale(before, to, of.op.front());
        }
    }
    if (target.of == type::boolean) to = truth_of(to);
    in_.write(of.name, converted(std::move(to), target.of));
    // A new status brings its phrase along, as in Varnish.
    if (of.name.ends_with(".status") && target.of == type::integer) {
        in_.write(of.name.substr(0, of.name.find('.')) + ".reason", std::string(reason_phrase(as_integer(in_.read(of.name)))));
    }
}

void evaluator::finish(const statement& of) {
    result_.what = of.rule->what;
    switch (of.rule->arguments) {
        case action_rule::takes::nothing:
            return;
        case action_rule::takes::optional_duration:
            if (!of.parts.empty()) in_.write("beresp.ttl", evaluate(*of.parts[0]));  // how long hit-for-pass lasts
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
            return read(of);
        case expression::kind::call:
            return call(of);
        case expression::kind::sum:
            return sum(of);
        case expression::kind::product:
            return product(of);
        case expression::kind::compare:
            return compare(of);
        case expression::kind::match: {
            const auto subject = text(*of.parts[0]);
            const bool found = of.members != nullptr ? of.members->contains(subject) : of.pattern->matches(subject);
            return found == (of.text == "~");
        }
        case expression::kind::negate: {
            auto inner = evaluate(*of.parts[0]);
            if (const auto* real = std::get_if<double>(&inner)) return -*real;
            if (const auto* length = std::get_if<duration>(&inner))
                return duration{std::chrono::nanoseconds(negate(length->value.count()))};
            return negate(as_integer(inner));
        }
        case expression::kind::invert:
            return !truth_of(evaluate(*of.parts[0]));
        case expression::kind::both:
            for (const auto& each : of.parts) {
                if (!truth_of(evaluate(*each))) return false;
            }
            return true;
        case expression::kind::either:
            for (const auto& each : of.parts) {
                if (truth_of(evaluate(*each))) return true;
            }
            return false;
    }
    return {};
}

value evaluator::read(const expression& of) {
    if (of.text != "now") return in_.read(of.text);
    if (!is_set(now_)) now_ = in_.read("now");
    return now_;
}

value evaluator::call(const expression& of) {
    if (of.change_case != 0) return change_case(text(*of.parts[0]), of.change_case);
    const auto& callee = *of.calls;
    using by = function::by;
    switch (callee.evaluated) {
        case by::regsub:
        case by::regsuball:
            return of.pattern->substitute(text(*of.parts[0]), text(*of.parts[2]), callee.evaluated == by::regsuball);
        case by::hash_data:
            in_.hash_data(text(*of.parts[0]));
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
    return in_.call(of.object.empty() ? std::string(callee.name) : of.object + '.' + std::string(callee.name), given);
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
    for (; at < of.parts.size(); ++at) joined += text(*of.parts[at]);
    return joined;
}

value evaluator::product(const expression& of) {
    auto sofar = evaluate(*of.parts[0]);
    for (std::size_t i = 1; i < of.parts.size(); ++i) sofar = scale(sofar, evaluate(*of.parts[i]), of.operators[i - 1]);
    return sofar;
}

bool evaluator::compare(const expression& of) {
    const auto left = evaluate(*of.parts[0]), right = evaluate(*of.parts[1]);
    switch (of.parts[0]->of) {
        case type::integer:
            if (of.parts[1]->of == type::integer) return holds(of.text, as_integer(left) <=> as_integer(right));
            [[fallthrough]];
        case type::real:
            return holds(of.text, as_real(left) <=> as_real(right));
        case type::boolean:
            return holds(of.text, as_integer(left) <=> as_integer(right));
        case type::duration:
        case type::time:
            return holds(of.text, as_nanoseconds(left) <=> as_nanoseconds(right));
        case type::bytes:
            return holds(of.text, as_bytes(left) <=> as_bytes(right));
        default:
            if (!is_set(left) || !is_set(right)) return of.text == "!=";  // what is not there is equal to nothing
            if (const auto *a = std::get_if<std::string>(&left), *b = std::get_if<std::string>(&right); a && b)
                return holds(of.text, *a <=> *b);
            return holds(of.text, to_string(left) <=> to_string(right));
    }
}

}  // namespace badorigin::cache::vcl
