// A PROXY header as a scenario writes it: "1 192.0.2.1 4321 198.51.100.1 80" (version, client, its port, server, its port), or "2 -".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace badorigin::peers {

/// On the wire; "-": UNKNOWN in version 1, LOCAL in version 2. Nothing: the text is something else.
std::optional<std::string> proxy_header_bytes(std::string_view text);

}  // namespace badorigin::peers
