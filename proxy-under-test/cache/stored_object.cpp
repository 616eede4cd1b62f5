#include "proxy-under-test/cache/stored_object.h"

#include <algorithm>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

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
