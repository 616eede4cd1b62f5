#include "proxy-under-test/vcl/regex.h"

#include <algorithm>
#include <array>
#include <cstdint>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace badorigin::cache::vcl {

namespace {

/// What matching needs besides the code. One for each thread, as programs are shared between threads.
struct match_space {
    pcre2_match_data* data = pcre2_match_data_create(10, nullptr);
    pcre2_match_context* limits = pcre2_match_context_create(nullptr);
    match_space() { pcre2_set_match_limit(limits, 200'000); }  // an expression gone wild counts as "no match"
    ~match_space() {
        pcre2_match_data_free(data);
        pcre2_match_context_free(limits);
    }
    match_space(const match_space&) = delete;
    match_space& operator=(const match_space&) = delete;
};

match_space& space() {
    thread_local match_space of_this_thread;
    return of_this_thread;
}

/// The groups of the match, or nothing. At most ten, as \9 is the last that can be named.
std::size_t* find(const void* code, std::string_view subject, std::size_t from, std::uint32_t flags = 0) {
    const auto found = pcre2_match(static_cast<const pcre2_code*>(code), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), from,
                                   flags, space().data, space().limits);
    return found < 0 ? nullptr : pcre2_get_ovector_pointer(space().data);
}

void expand(std::string& result, std::string_view with, std::string_view subject, const std::size_t* groups, std::uint32_t known) {
    for (std::size_t i = 0; i < with.size(); ++i) {
        const char next = i + 1 < with.size() ? with[i + 1] : '\0';
        if (with[i] != '\\' || !((next >= '0' && next <= '9') || next == '&')) {
            result += with[i];
            if (with[i] == '\\' && next == '\\') ++i;  // two stand for one
            continue;
        }
        ++i;
        const auto group = next == '&' ? 0U : static_cast<std::uint32_t>(next - '0');
        if (group > known || group > 9 || groups[2 * group] == PCRE2_UNSET || groups[2 * group] > groups[2 * group + 1]) continue;
        result += subject.substr(groups[2 * group], groups[2 * group + 1] - groups[2 * group]);
    }
}

}  // namespace

void regex::code_deleter::operator()(void* code) const {
    pcre2_code_free(static_cast<pcre2_code*>(code));
}

std::expected<std::shared_ptr<const regex>, regex::failure> regex::compile(std::string_view pattern) {
    int problem = 0;
    PCRE2_SIZE offset = 0;
    auto* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &problem, &offset, nullptr);
    if (code == nullptr) {
        std::array<PCRE2_UCHAR, 256> message{};
        pcre2_get_error_message(problem, message.data(), message.size());
        return std::unexpected(failure{reinterpret_cast<const char*>(message.data()), offset});
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where there is no JIT, matching interprets
    auto result = std::shared_ptr<regex>(new regex);
    result->code_.reset(code);
    return result;
}

bool regex::matches(std::string_view subject) const {
    return find(code_.get(), subject, 0) != nullptr;
}

std::string regex::substitute(std::string_view subject, std::string_view with, bool all) const {
    std::uint32_t known = 0;
    pcre2_pattern_info(static_cast<const pcre2_code*>(code_.get()), PCRE2_INFO_CAPTURECOUNT, &known);
    std::string result;
    std::size_t copied = 0, from = 0;
    std::uint32_t flags = 0;
    while (from <= subject.size()) {
        const auto* groups = find(code_.get(), subject, from, flags);
        if (groups == nullptr || groups[0] > groups[1] || groups[0] < copied) break;
        result += subject.substr(copied, groups[0] - copied);
        expand(result, with, subject, groups, known);
        copied = groups[1];
        if (!all) break;
        // As in Varnish, only the first match may be empty: others would be found for ever.
        from = groups[1];
        flags = PCRE2_NOTEMPTY;
    }
    result += subject.substr(copied);
    return result;
}

}  // namespace badorigin::cache::vcl
