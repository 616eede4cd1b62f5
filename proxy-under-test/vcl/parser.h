// Tokens to a tree. Includes are read here, as they stand in the middle of the tokens.
#pragma once

#include <string>

#include "proxy-under-test/vcl/ast.h"
#include "proxy-under-test/vcl/source.h"

namespace badorigin::cache::vcl {

/// Parses source `which` and what it includes into `into`; several definitions of one subroutine are joined. What is wrong goes to
/// `all`. `include_directory` is where included names are looked for that do not begin with "./".
void parse(sources& all, std::uint32_t which, const std::string& include_directory, tree& into);

}  // namespace badorigin::cache::vcl
