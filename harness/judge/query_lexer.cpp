#include "harness/judge/query_lexer.h"

#include <array>
#include <cctype>

#include <fmt/format.h>

namespace badorigin::judge {

namespace {

/// R2.2: letters, digits, + - _ . *; the comma joins the names of a tag list.
bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view{"+-_.*,"}.find(c) != std::string_view::npos;
}

constexpr std::array<std::string_view, 15> symbols{"==", "!=", "<=", ">=", "!~", "<", ">", "~", "{", "}", "[", "]", "(", ")", ":"};

}  // namespace

std::expected<std::vector<query_token>, query_error> query_tokens(std::string_view text) {
    std::vector<query_token> all;
    std::size_t at = 0;
    bool glued = false;
    auto add = [&](enum query_token::kind kind, std::string value, std::size_t length) {
        all.push_back({kind, std::move(value), at, length, glued});
        at += length;
        glued = true;
    };
    while (at < text.size()) {
        char c = text[at];
        if (std::isspace(static_cast<unsigned char>(c))) {
            ++at;
            glued = false;
        } else if (c == '"' || c == '\'') {
            std::string value;
            std::size_t end = at + 1;
            for (; end < text.size() && text[end] != c; ++end) {
                // only the quote itself is escaped here; every other backslash is the regular expression's
                if (text[end] == '\\' && end + 1 < text.size() && text[end + 1] == c) ++end;
                value += text[end];
            }
            if (end >= text.size()) return std::unexpected{query_error{"the quoted text has no end", at, text.size() - at}};
            add(query_token::kind::quoted, std::move(value), end + 1 - at);
        } else if (is_word(c)) {
            std::size_t end = at;
            while (end < text.size() && is_word(text[end])) ++end;
            add(query_token::kind::word, std::string{text.substr(at, end - at)}, end - at);
        } else {
            std::string_view found;
            for (auto s : symbols)
                if (found.empty() && text.substr(at).starts_with(s)) found = s;
            if (found.empty())
                return std::unexpected{query_error{
                    fmt::format("'{}' has no meaning here; text with other characters than letters, digits, + - _ . * must be quoted", c),
                    at, 1}};
            add(query_token::kind::symbol, std::string{found}, found.size());
        }
    }
    all.push_back({query_token::kind::end, "", text.size(), 1, false});
    return all;
}

}  // namespace badorigin::judge
