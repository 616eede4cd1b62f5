// The PROXY protocol, versions 1 and 2: what may stand before the first request of a connection and says who the client is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace badorigin::http {

struct proxy_header {
    enum class found : std::uint8_t { nothing, part, whole };
    found what = found::nothing;  ///< nothing: the bytes begin with no such header, or one that is malformed; part: more are needed
    std::size_t size = 0;         ///< in bytes
    int version = 0;
    bool names_ends = false;              ///< else UNKNOWN, LOCAL or a family without ports: the ends are those of the connection
    std::string source{}, destination{};  ///< "192.0.2.1", "2001:db8::1"
    unsigned source_port = 0, destination_port = 0;

    /// "1 192.0.2.1 4321 198.51.100.1 80"; "2 -" without ends.
    std::string text() const;
};

/// At the begin of a connection's bytes from the client.
proxy_header read_proxy_header(std::string_view bytes);

}  // namespace badorigin::http
