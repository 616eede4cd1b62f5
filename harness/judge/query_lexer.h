#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "harness/judge/query.h"

namespace badorigin::judge {

/// A word, a quoted text, an operator or a bracket, with its place.
struct query_token {
    enum class kind : std::uint8_t { word, quoted, symbol, end };
    query_token::kind kind = kind::end;
    std::string text;  ///< quoted: without the quotes and escapes
    std::size_t at = 0, length = 0;
    bool glued = false;  ///< no blank before it
    bool is(std::string_view symbol) const { return kind == kind::symbol && text == symbol; }
};

std::expected<std::vector<query_token>, query_error> query_tokens(std::string_view text);

}  // namespace badorigin::judge
