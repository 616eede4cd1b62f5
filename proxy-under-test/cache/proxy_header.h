// The PROXY protocol, versions 1 and 2 (R2.15): on a listener what stands before the cache says who the client is; an origin whose backend
// has a .proxy_header is told by the cache.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace badorigin::cache {

struct proxy_header {
    bool complete = false;  ///< false: more bytes are needed
    bool names_ends = false;
    std::string client_ip, server_ip;
    std::uint16_t client_port = 0, server_port = 0;
};

/// From the front of `input`, from which a whole header is removed. Error: what is no such header.
std::expected<proxy_header, std::string> take_proxy_header(std::string& input);

/// For an origin. Ends of two kinds (IPv4, IPv6) have no common family: then it says that they are not known.
std::string make_proxy_header(int version, const proxy_header& of);

}  // namespace badorigin::cache
