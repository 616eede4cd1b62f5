// A named list of addresses. The entry with the longest mask decides, in whatever order they were written.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace badorigin::cache::vcl {

struct address {
    bool six = false;
    std::array<std::uint8_t, 16> octets{};
    static std::optional<address> parse(std::string_view text);  ///< numeric IPv4 or IPv6
    /// Numeric, or every address of a host's name where `resolve`. Empty: there is none.
    static std::vector<address> named(const std::string& host, bool resolve);
    std::string text() const;
    int width() const { return six ? 128 : 32; }
};

class acl {
public:
    std::string name;

    /// Bits of the address behind the mask are ignored; `has_host_bits` tells whether there are any.
    void add(address of, int mask, bool negated) { entries_.push_back({of, mask, negated}); }
    static bool has_host_bits(const address& of, int mask);
    bool contains(std::string_view ip) const;

private:
    struct entry {
        address of;
        int mask;
        bool negated;
    };
    std::vector<entry> entries_;
};

}  // namespace badorigin::cache::vcl
