#pragma once

#include <string>
#include <string_view>

namespace badorigin::report {

/// Bytes from the wire for a terminal, which takes UTF-8: control bytes as \r, \n, \x1b, and so what is no character.
std::string escaped(std::string_view bytes);
/// Bytes for XML and HTML, which are UTF-8 and have no place for most control characters: what is neither stands as \x1b; line feeds and
/// tabs stay. Whoever writes the markup escapes < and & yet.
std::string markup_text(std::string_view bytes);

}  // namespace badorigin::report
