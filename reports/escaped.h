#pragma once

#include <string>
#include <string_view>

namespace badorigin::report {

/// Bytes from the wire for a terminal: control bytes as \r, \n, \x1b.
std::string escaped(std::string_view bytes);

}  // namespace badorigin::report
