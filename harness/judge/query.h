// The VSL query language (FIELD-REPORTS R2.2): `{level}taglist:prefix[field] operator operand`, joined by not, and, or and parentheses.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "harness/judge/records.h"

namespace badorigin::judge {

struct query_error {
    std::string message;                             ///< what is wrong and what was expected
    std::size_t at = 0, length = 1;                  ///< where in the query
    std::string text(std::string_view query) const;  ///< message, query, and a caret line
};

class query {
public:
    static std::expected<query, query_error> parse(std::string_view text);
    bool matches(const record_group& group) const;

    struct node;

private:
    explicit query(std::shared_ptr<const node> top) : top_{std::move(top)} {}
    std::shared_ptr<const node> top_;
};

}  // namespace badorigin::judge
