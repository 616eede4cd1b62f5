#include "harness/judge/query.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "harness/judge/query_node.h"
#include "http/message.h"

namespace badorigin::judge {

namespace {

using node = query::node;

bool is_blank(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// The n-th word, from 1.
std::optional<std::string_view> word(std::string_view text, int n) {
    while (true) {
        text = trimmed(text);
        if (text.empty()) return std::nullopt;
        auto end = static_cast<std::size_t>(std::ranges::find_if(text, is_blank) - text.begin());
        if (--n == 0) return text.substr(0, end);
        text.remove_prefix(end);
    }
}

/// What of a record a comparison looks at; nothing: the record is none that it speaks of.
std::optional<std::string_view> subject(const node& n, const record& r) {
    if (n.level) {
        bool fits = n.level_bound == node::bound::exactly   ? r.level == *n.level
                    : n.level_bound == node::bound::or_more ? r.level >= *n.level
                                                            : r.level <= *n.level;
        if (!fits) return std::nullopt;
    }
    if (!n.tags.contains(r.tag)) return std::nullopt;
    std::string_view value = r.value;
    if (!n.prefix.empty()) {
        auto colon = value.find(':');
        if (colon == std::string_view::npos || !http::same_name(value.substr(0, colon), n.prefix)) return std::nullopt;
        value = trimmed(value.substr(colon + 1));
    }
    return n.field > 0 ? word(value, n.field) : value;
}

bool compare_number(const node& n, std::string_view value) {
    using op = node::operation;
    double number = 0;
    auto text = trimmed(value);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || end != text.data() + text.size()) return false;
    switch (n.how) {
        case op::equal:
            return number == n.number;
        case op::unequal:
            return number != n.number;
        case op::less:
            return number < n.number;
        case op::at_most:
            return number <= n.number;
        case op::greater:
            return number > n.number;
        default:
            return number >= n.number;
    }
}

bool compare(const node& n, std::string_view value) {
    using op = node::operation;
    switch (n.how) {
        case op::exists:
            return true;
        case op::same_text:
            return value == n.text;
        case op::other_text:
            return value != n.text;
        case op::found:
            return n.expression->found_in(value);
        case op::not_found:
            return !n.expression->found_in(value);
        default:
            return compare_number(n, value);
    }
}

bool evaluate(const node& n, const record_group& group) {
    switch (n.kind) {
        case node::kind::both:
            return evaluate(*n.left, group) && evaluate(*n.right, group);
        case node::kind::either:
            return evaluate(*n.left, group) || evaluate(*n.right, group);
        case node::kind::negation:
            return !evaluate(*n.left, group);
        case node::kind::comparison:
            break;
    }
    return std::ranges::any_of(group.records, [&](const record& r) {
        auto value = subject(n, r);
        return value && compare(n, *value);
    });
}

}  // namespace

bool query::matches(const record_group& group) const {
    return evaluate(*top_, group);
}

}  // namespace badorigin::judge
