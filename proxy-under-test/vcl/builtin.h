// The built-in VCL, which stands behind what the user wrote.
#pragma once

#include <string_view>

namespace badorigin::cache::vcl {

std::string_view builtin_source();

}  // namespace badorigin::cache::vcl
