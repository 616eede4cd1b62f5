#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "harness/judge/pattern.h"
#include "harness/judge/query.h"

namespace badorigin::judge {

/// One comparison, or a combination of two.
struct query::node {
    enum class kind : std::uint8_t { both, either, negation, comparison };
    enum class operation : std::uint8_t {
        exists,
        equal,
        unequal,
        less,
        at_most,
        greater,
        at_least,
        same_text,
        other_text,
        found,
        not_found
    };
    enum class bound : std::uint8_t { exactly, or_more, or_less };

    node::kind kind = kind::comparison;
    std::shared_ptr<const node> left, right;  ///< right is null for a negation

    std::optional<int> level;
    bound level_bound = bound::exactly;
    std::set<std::string_view> tags;
    std::string prefix;  ///< empty: none
    int field = 0;       ///< from 1; 0: the whole record
    operation how = operation::exists;
    double number = 0;
    std::string text;
    std::optional<pattern> expression;
};

}  // namespace badorigin::judge
