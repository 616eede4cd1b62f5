// A PCRE2 expression, searched in a text.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace badorigin::judge {

class pattern {
public:
    struct failure {
        std::string message;
        std::size_t offset = 0;  ///< in the expression
    };
    static std::expected<pattern, failure> compile(std::string_view expression);
    bool found_in(std::string_view text) const;

private:
    std::shared_ptr<const void> code_;
};

}  // namespace badorigin::judge
