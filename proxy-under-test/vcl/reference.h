// The tables of the language as text, one row a line with tabs between, for docs/generate.
#pragma once

#include <string>

namespace badorigin::cache::vcl {

/// "variable	NAME	TYPE	read	set	unset	versions	support	about", "action	…", "function	…", "method	…", "object
/// …".
std::string reference();
/// "std.ip(STRING s, [IP fallback], BOOL resolve, [STRING p])"
struct function;
std::string signature(std::string_view name, const function& of);

}  // namespace badorigin::cache::vcl
