#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "harness/scenario/parts.h"

namespace badorigin::scenario {

std::optional<std::string> regex_error(std::string_view pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    auto* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &error, &offset, nullptr);
    if (compiled != nullptr) {
        pcre2_code_free(compiled);
        return std::nullopt;
    }
    std::array<PCRE2_UCHAR, 200> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    return fmt::format("{} at offset {}", reinterpret_cast<const char*>(message.data()), offset);
}

}  // namespace badorigin::scenario
