#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "proxy-under-test/vcl/checker.h"
#include "proxy-under-test/vcl/lexer.h"

namespace badorigin::cache::vcl {

namespace {

bool numeric(type of) {
    return of == type::integer || of == type::real;
}
bool printable(type of) {
    return of != type::nothing && of != type::http && of != type::body && of != type::choice;
}

type type_of(const value& literal) {
    static constexpr std::array types{type::nothing, type::boolean, type::integer, type::real,    type::duration,
                                      type::time,    type::bytes,   type::ip,      type::backend, type::string};
    return types[literal.index()];
}

/// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
    });
}

/// What `left op right` gives, or nothing where it is not possible.
std::optional<type> sum_of(type left, char op, type right) {
    if (left == right && (numeric(left) || left == type::duration || left == type::bytes)) return left;
    if (numeric(left) && numeric(right)) return type::real;
    if (left == type::time && right == type::duration) return type::time;
    if (left == type::time && right == type::time && op == '-') return type::duration;
    return std::nullopt;
}

std::optional<type> product_of(type left, char op, type right) {
    if (op == '%') return left == type::integer && right == type::integer ? std::optional(left) : std::nullopt;
    const bool scaled = left == type::real || left == type::duration || left == type::bytes;
    return left == right && numeric(left) ? left : scaled && numeric(right) ? std::optional(left) : std::nullopt;
}

std::vector<std::string> variable_names(std::string_view near, int version) {
    std::vector<std::string> names;
    const auto tail = near.substr(near.rfind('.') + 1);
    for (const auto& each : version < 40 ? variables_of_3() : variables()) {
        std::string name(each.name);
        if (const auto star = name.find('*'); star != std::string::npos) name.replace(star, 1, tail);
        names.push_back(std::move(name));
    }
    return names;
}

}  // namespace

const variable* checker::known_variable(const std::string& name, place at) {
    const auto version = version_at(at);
    const auto* found = find_variable(name, version);
    if (found == nullptr) {
        const bool dash = name.find('-') != std::string::npos && name.find(".http.") == std::string::npos;
        complain(at, fmt::format("unknown variable {}{}", name,
                                 dash ? "; a minus between two values needs blanks around it"
                                      : former_or_suggestion(name, variable_names(name, version), version)));
        return nullptr;
    }
    if (found->of == type::header && !is_token(std::string_view(name).substr(found->name.size() - 1))) {
        complain(at, fmt::format("{} does not name a header: those are letters, digits and !#$%&'*+-.^_`|~", name));
        return nullptr;
    }
    if (version < found->since || version > found->until) {
        complain(at, fmt::format("{} is not in vcl 4.{}, only in 4.{}", name, version - 40, 41 - version));
        return nullptr;
    }
    if (found->here == support::none) {
        complain(at, fmt::format("{} is not supported here", name));
        return nullptr;
    }
    return found;
}

bool checker::check(expression& in) {
    switch (in.what) {
        case expression::kind::literal:
            in.of = type_of(in.constant);
            return true;
        case expression::kind::word:
            return check_word(in);
        case expression::kind::call:
            return check_call(in);
        case expression::kind::sum:
            return check_sum(in);
        case expression::kind::product:
            return check_product(in);
        case expression::kind::compare:
            return check_comparison(in);
        case expression::kind::match:
            return check_match(in);
        case expression::kind::negate:
            if (!check(*in.parts[0])) return false;
            in.of = in.parts[0]->of;
            if (!numeric(in.of) && in.of != type::duration) return complain(in.at, fmt::format("- is not possible before {}", name(in.of)));
            return true;
        case expression::kind::invert:
        case expression::kind::both:
        case expression::kind::either: {
            bool good = true;
            for (auto& each : in.parts) good = condition(*each) && good;
            in.of = type::boolean;
            return good;
        }
    }
    return false;
}

bool checker::condition(expression& in) {
    if (!check(in)) return false;
    switch (in.of) {
        case type::boolean:
        case type::string:
        case type::header:
        case type::backend:
        case type::integer:
        case type::duration:
            return true;
        default:
            return complain(in.at, fmt::format("expected a condition (BOOL), found {}", name(in.of)));
    }
}

bool checker::want(expression& in, type wanted, const std::string& by_whom) {
    if (!check(in)) return false;
    if (in.of == wanted || (wanted == type::string && printable(in.of)) || (wanted == type::real && in.of == type::integer) ||
        (wanted == type::boolean && textual(in.of))) {
        return true;
    }
    if (wanted == type::ip && in.what == expression::kind::literal && in.quoted) {  // an address written out
        const auto& text = std::get<std::string>(in.constant);
        const auto found = address::named(text, true);
        if (found.empty()) return complain(in.at, fmt::format("{} is neither an address nor a host that can be found", quoted(text)));
        in.of = type::ip;
        in.constant = ip{found.front().text(), 80};
        return true;
    }
    const auto hint = wanted == type::duration && numeric(in.of)  ? " (write the unit: 30s)"
                      : wanted == type::integer && textual(in.of) ? " (std.integer converts)"
                      : wanted == type::backend && textual(in.of) ? " (a backend is named without quotes)"
                                                                  : "";
    return complain(in.at, fmt::format("{} wants {}, found {}{}", by_whom, name(wanted), name(in.of), hint));
}

bool checker::check_word(expression& in) {
    if (find_variable(in.text, version_at(in.at)) != nullptr) {
        const auto* found = known_variable(in.text, in.at);
        return found != nullptr && check_variable(in, *found);
    }
    if (backends_.contains(in.text)) {
        in.of = type::backend;
        in.constant = backend_ref{in.text};
        used_.insert(in.text);
        in.what = expression::kind::literal;
        return true;
    }
    if (in.text.starts_with("storage.") && in.text.find('.', 8) == std::string::npos && in.text.size() > 8) {
        in.of = type::storage;
        in.constant = in.text.substr(8);
        in.what = expression::kind::literal;
        return true;
    }
    return unknown_word(in);
}

bool checker::check_variable(expression& in, const variable& found) {
    if (found.readable == nowhere) return complain(in.at, fmt::format("{} cannot be read", in.text));
    note(use::what::read, in.at, found.readable, in.text);
    in.of = found.of;
    in.reads = resolved(found, in.text);
    if (!found.is.empty()) in.text = found.is;
    return true;
}

bool checker::unknown_word(const expression& in) {
    if (objects_.contains(in.text)) return complain(in.at, fmt::format("{0} is an object; its backend is {0}.backend()", in.text));
    if (acls_.contains(in.text)) return complain(in.at, fmt::format("the acl {} can only stand to the right of ~ or !~", in.text));
    if (in.text.find_first_of(".-") != std::string::npos) {
        known_variable(in.text, in.at);
        return false;
    }
    std::vector<std::string> names(backends_.begin(), backends_.end());
    names.emplace_back("now");
    for (const auto* each : {"true", "false"}) names.emplace_back(each);
    return complain(in.at, fmt::format("{} is neither a variable nor a backend{}", in.text, suggestion(in.text, names)));
}

bool checker::check_sum(expression& in) {
    if (!check(*in.parts[0])) return false;
    auto sofar = in.parts[0]->of;
    if (!printable(sofar)) return complain(in.parts[0]->at, fmt::format("{} cannot be added to", name(sofar)));
    in.text_from = textual(sofar) ? 1 : in.parts.size();
    for (std::size_t i = 1; i < in.parts.size(); ++i) {
        const auto op = in.operators[i - 1];
        if (!check(*in.parts[i])) return false;
        const auto next = in.parts[i]->of;
        if (!printable(next)) return complain(in.parts[i]->at, fmt::format("{} cannot be added", name(next)));
        if (op == ' ' || (op == '+' && (textual(sofar) || textual(next)))) {
            sofar = type::string;
            in.text_from = std::min(in.text_from, i);
        } else if (const auto result = sum_of(sofar, op, next)) {
            sofar = *result;
        } else {
            return complain(in.operators_at[i - 1], fmt::format("{} is not possible between {} and {}", op, name(sofar), name(next)));
        }
    }
    in.of = sofar;
    return true;
}

bool checker::check_product(expression& in) {
    if (!check(*in.parts[0])) return false;
    in.of = in.parts[0]->of;
    for (std::size_t i = 1; i < in.parts.size(); ++i) {
        if (!check(*in.parts[i])) return false;
        const auto result = product_of(in.of, in.operators[i - 1], in.parts[i]->of);
        if (!result) {
            return complain(in.operators_at[i - 1],
                            fmt::format("{} is not possible between {} and {}", in.operators[i - 1], name(in.of), name(in.parts[i]->of)));
        }
        in.of = *result;
    }
    return true;
}

bool checker::check_comparison(expression& in) {
    const bool left_good = check(*in.parts[0]);
    if (!check(*in.parts[1]) || !left_good) return false;
    in.of = type::boolean;
    const auto left = in.parts[0]->of, right = in.parts[1]->of;
    const bool equality = in.text == "==" || in.text == "!=";
    const bool ordered =
        numeric(left) || (textual(left) && textual(right)) || left == type::duration || left == type::time || left == type::bytes;
    const bool same = left == right || (textual(left) && textual(right)) || (left == type::ip && textual(right));
    if (!same || (!ordered && !equality))
        return complain(in.at, fmt::format("{} is not possible between {} and {}", in.text, name(left), name(right)));
    if (!ordered && !textual(left) && left != type::boolean && left != type::ip && left != type::backend && left != type::storage) {
        return complain(in.at, fmt::format("{} cannot be compared", name(left)));
    }
    return true;
}

bool checker::check_match(expression& in) {
    if (!check(*in.parts[0])) return false;
    in.of = type::boolean;
    const auto left = in.parts[0]->of;
    const auto& right = *in.parts[1];
    if (left == type::ip) {
        if (right.what != expression::kind::word)
            return complain(right.at, fmt::format("{} after an IP wants the name of an acl", in.text));
        const auto found = acls_.find(right.text);
        if (found == acls_.end()) {
            std::vector<std::string> names;
            for (const auto& each : acls_) names.push_back(each.first);
            return complain(right.at, fmt::format("undefined acl {}{}", right.text, suggestion(right.text, names)));
        }
        in.members = found->second.get();
        used_.insert(right.text);
        return true;
    }
    if (!textual(left)) return complain(in.at, fmt::format("{} wants a STRING or an IP on its left, found {}", in.text, name(left)));
    if (right.what == expression::kind::word && acls_.contains(right.text)) {
        return complain(in.at, fmt::format("an acl matches an IP, not a STRING (std.ip({}, …) converts)", in.parts[0]->text));
    }
    return compile(right, in.pattern);
}

bool checker::compile(const expression& literal, std::shared_ptr<const regex>& into) {
    if (literal.what != expression::kind::literal || !literal.quoted)
        return complain(literal.at, "a regular expression must be a string written out here");
    const auto& pattern = std::get<std::string>(literal.constant);
    auto compiled = regex::compile(pattern);
    if (!compiled) {
        return complain(literal.at, fmt::format("this regular expression does not compile: {} (at offset {})", compiled.error().message,
                                                compiled.error().offset));
    }
    into = std::move(*compiled);
    return true;
}

}  // namespace badorigin::cache::vcl
