#include "http/fields.h"

namespace badorigin::http {
namespace {

constexpr std::size_t usual_lines = 8, usual_text = 256;

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

std::size_t fields::find(std::string_view name, std::uint32_t sort, std::size_t from) const {
    for (; from < lines_.size(); ++from) {
        if (lines_[from].sort != sort) continue;
        const std::string_view own = at(lines_[from]).name;
        if (own == name || same_name(own, name)) break;
    }
    return from;
}

}  // namespace badorigin::http
