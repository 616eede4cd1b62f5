// Heads made of their fields alone.
#pragma once

#include <initializer_list>

#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

inline response_head response_with(std::initializer_list<field> fields, int status = 200) {
    response_head out{.status = status, .reason = "OK", .version = 11, .fields = {}};
    for (const auto& [name, value] : fields) out.fields.append(name, value);
    return out;
}

inline request_head request_with(std::initializer_list<field> fields) {
    request_head out{.method = "GET", .target = "/", .version = 11, .fields = {}};
    for (const auto& [name, value] : fields) out.fields.append(name, value);
    return out;
}

}  // namespace badorigin::cache
