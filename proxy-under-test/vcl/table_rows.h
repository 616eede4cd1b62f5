// Short ways to write a row of the tables of functions and objects.
#pragma once

#include "proxy-under-test/vcl/table.h"

namespace badorigin::cache::vcl::row {

inline parameter needs(std::string_view name, type of) {
    return {.name = name, .of = of};
}
inline parameter may(std::string_view name, type of) {
    return {.name = name, .of = of, .optional = true};
}
inline parameter or_else(std::string_view name, type of, value otherwise) {
    return {.name = name, .of = of, .optional = true, .otherwise = std::move(otherwise)};
}
inline parameter one_of(std::string_view name, std::string_view choices, std::string_view otherwise) {
    return {.name = name, .of = type::choice, .optional = true, .otherwise = std::string(otherwise), .choices = choices};
}
inline parameter refused(std::string_view name, type of) {
    return {.name = name, .of = of, .optional = true, .refused = true};
}
inline function refused(function of) {
    of.refused = true;
    return of;
}

/// Depends on its arguments alone.
inline function calculated(std::string_view name, type result, std::vector<parameter> parameters, value (*how)(arguments),
                           std::string_view about, bool exactly_one = false) {
    return {.name = name,
            .result = result,
            .parameters = std::move(parameters),
            .evaluated = function::by::pure,
            .pure = how,
            .exactly_one = exactly_one,
            .about = about};
}
/// Asks the cache.
inline function asked(std::string_view name, type result, std::vector<parameter> parameters, std::string_view about,
                      places where = everywhere) {
    return {.name = name, .result = result, .parameters = std::move(parameters), .where = where, .about = about};
}
inline function own(std::string_view name, type result, std::vector<parameter> parameters, function::by how, std::string_view about,
                    places where = everywhere) {
    return {.name = name, .result = result, .parameters = std::move(parameters), .evaluated = how, .where = where, .about = about};
}

}  // namespace badorigin::cache::vcl::row
