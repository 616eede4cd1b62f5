// A number for each variable, so that the cache compares numbers with those of what a policy names, and no names, while it serves.
#pragma once

#include <algorithm>
#include <stdexcept>

#include "proxy-under-test/vcl/table_variables.h"
#include "proxy-under-test/vcl/table_vcl3.h"

namespace badorigin::cache::vcl {

/// By the name that the cache has for it: its place in the table of VCL 4 or, behind that, of VCL 3. In a constant expression, a name
/// that is in neither does not compile.
constexpr std::size_t number_of(std::string_view name) {
    const auto place_in = [&](const auto& table) {
        return static_cast<std::size_t>(std::ranges::find(table, name, &variable::name) - table.begin());
    };
    const auto in_4 = place_in(version_4::table_of_variables), in_3 = place_in(version_3::table_of_variables);
    if (in_4 < version_4::table_of_variables.size()) return in_4;
    if (in_3 == version_3::table_of_variables.size()) throw std::logic_error("no variable has this name");
    return version_4::table_of_variables.size() + in_3;
}

/// What `of == "req.url"` makes of the text when it is compiled.
struct table_name {
    consteval table_name(const char* name) : number(number_of(name)) {}
    std::size_t number;
};
inline bool operator==(const variable_name& of, table_name name) {
    return of.number == name.number;
}

}  // namespace badorigin::cache::vcl
