// The built-in VCL, which stands behind what the user wrote.
#pragma once

#include <string>
#include <string_view>

namespace badorigin::cache::vcl {

std::string builtin_source();
/// What stands before it, where the RFCs count for more than Varnish's way: RFC 9111 decides what is stored, not cookies.
std::string_view rfc_source();
/// Of VCL 3, and of VCL 4 what its state machine needs beside that.
std::string builtin_source_of_3();
std::string_view builtin_behind_3();
/// The content of an error's answer, as an expression of VCL: of the response's variables, and the request's; `joint` stands between
/// strings.
std::string error_page(std::string_view response, std::string_view reason, std::string_view request, std::string_view joint);

}  // namespace badorigin::cache::vcl
