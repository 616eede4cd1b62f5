// Secrets replaced: the same value by the same word everywhere, so that what was equal stays equal and what differed differs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/message.h"

namespace badorigin::traffic {

class secrets {
public:
    explicit secrets(bool keep) : keep_{keep} {}

    /// Notes the secrets of a message, so that they are found wherever else they stand.
    void collect(const http::message& m);
    std::string field(std::string_view name, std::string_view value);
    /// Query parameters that look like tokens; user names and passwords before a host.
    std::string target(std::string_view text);
    /// Replaces what is known to be secret.
    std::string text(std::string_view text) const;
    /// A body with its secrets replaced; nothing where it is better given by size: it speaks of passwords, or holds what may be a token.
    std::optional<std::string> body(std::string_view bytes) const;
    std::size_t count() const { return words_.size(); }

private:
    std::string word(std::string_view value);
    std::string pairs(std::string_view text, char separator, bool all);

    bool keep_;
    std::map<std::string, std::string, std::less<>> words_;
    std::unordered_map<std::string, std::vector<std::string_view>> found_by_;  ///< first bytes → values of words_ that begin so
};

}  // namespace badorigin::traffic
