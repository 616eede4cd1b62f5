// A compiled PCRE2 expression, with JIT where the machine has it.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace badorigin::cache::vcl {

class regex {
public:
    struct failure {
        std::string message;  ///< PCRE2's words
        std::size_t offset;   ///< in the pattern
    };
    static std::expected<std::shared_ptr<const regex>, failure> compile(std::string_view pattern);

    bool matches(std::string_view subject) const;
    /// \0 … \9 and \& in `with` are the groups of the match; where nothing matches, the subject as it is.
    std::string substitute(std::string_view subject, std::string_view with, bool all) const;

private:
    regex() = default;
    struct code_deleter {
        void operator()(void* code) const;
    };
    std::unique_ptr<void, code_deleter> code_;  ///< a pcre2_code, whose header stays out of this one
};

}  // namespace badorigin::cache::vcl
