#include "harness/judge/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <array>

#include <pcre2.h>

namespace badorigin::judge {

namespace {
PCRE2_SPTR bytes_of(std::string_view text) {
    return reinterpret_cast<PCRE2_SPTR>(text.data());
}
}  // namespace

std::expected<pattern, pattern::failure> pattern::compile(std::string_view expression) {
    int error = 0;
    std::size_t offset = 0;
    auto* code = pcre2_compile(bytes_of(expression), expression.size(), 0, &error, &offset, nullptr);
    if (!code) {
        std::array<PCRE2_UCHAR, 256> text{};
        pcre2_get_error_message(error, text.data(), text.size());
        return std::unexpected{failure{reinterpret_cast<const char*>(text.data()), offset}};
    }
    pattern made;
    made.code_ = std::shared_ptr<const void>{code, [](const void* p) { pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(p))); }};
    return made;
}

bool pattern::found_in(std::string_view text) const {
    const auto* code = static_cast<const pcre2_code*>(code_.get());
    std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> match{pcre2_match_data_create(1, nullptr), pcre2_match_data_free};
    return pcre2_match(code, bytes_of(text), text.size(), 0, 0, match.get(), nullptr) >= 0;
}

}  // namespace badorigin::judge
