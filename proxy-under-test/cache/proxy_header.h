// The PROXY protocol, versions 1 and 2, on a listener (R2.15): who the client is, said by what stands before the cache.
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

}  // namespace badorigin::cache
