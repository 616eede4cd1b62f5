#include "http/fields.h"

#include "http/grammar.h"
#include "http/message.h"

namespace badorigin::http {
namespace {

constexpr std::size_t usual_lines = 8, usual_text = 256;

/// Equal for names that are the same, and for few others.
std::uint32_t sort_of(std::string_view name) {
    if (name.empty()) return 0;
    const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(to_lower(name[at]))); };
    return static_cast<std::uint32_t>(name.size()) * 0x9e3779b1u ^ byte(0) * 0x85ebca6bu ^ byte(name.size() / 2) * 0xc2b2ae35u ^
           byte(name.size() - 1) * 0x27d4eb2fu;
}

std::uint64_t bit_of(std::uint32_t sort) {
    return std::uint64_t{1} << (sort >> 26);
}

}  // namespace

void fields::push_back(const field& f) {
    if (lines_.empty()) {
        lines_.reserve(usual_lines);
        text_.reserve(usual_text);
    }
    const std::uint32_t sort = sort_of(f.name);
    sorts_ |= bit_of(sort);
    lines_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(f.name.size()),
                      static_cast<std::uint32_t>(f.value.size()), sort, f.offset});
    text_ += f.name;
    text_ += f.value;
}

std::size_t fields::find(std::string_view name, std::size_t from) const {
    const std::uint32_t sort = sort_of(name);
    if ((sorts_ & bit_of(sort)) == 0) return lines_.size();
    for (; from < lines_.size(); ++from)
        if (lines_[from].sort == sort && same_name((*this)[from].name, name)) break;
    return from;
}

}  // namespace badorigin::http
