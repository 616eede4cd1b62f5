#include "proxy-under-test/cache/stored_object.h"

#include <algorithm>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

std::uint64_t bytes_of(const stored_object& object) {
    constexpr std::uint64_t index = 256;  // the key's slot, and a node each in the lists by use and by end of life
    auto sum = sizeof object + index + object.content.size() + 2 * object.key.size() + object.head.reason.size();
    for (const auto& [name, value] : object.head.fields) sum += sizeof(field) + name.size() + value.size();
    for (const auto& [name, value] : object.variant) sum += sizeof(field) + name.size() + value.size();
    return sum;
}

std::vector<field> variant_of(std::string_view vary, const field_list& request) {
    std::vector<field> out;
    for (const auto name : list_elements(vary)) out.push_back({lower(name), request.joined(name)});
    return out;
}

bool variant_matches(const stored_object& object, const field_list& request) {
    if (planted(bug::ignore_vary)) return true;
    return std::ranges::all_of(object.variant,
                               [&](const field& chosen) { return chosen.name != "*" && request.joined(chosen.name) == chosen.value; });
}

}  // namespace badorigin::cache
