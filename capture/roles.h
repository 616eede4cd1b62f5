// Which connections are the client leg of a proxy and which its origin leg, told from the traffic alone.
//
// A proxy is where requests arrive that are then asked again elsewhere. Between hosts its address shows it: it accepts connections with
// requests and opens others with the same requests. On one host all addresses are alike, so there the ports are told apart by time: while
// a request to one listening endpoint is unanswered, the same request begins and ends at another. Where neither shows (only one side was
// captured, or the clocks are apart) fields that proxies add decide, or which of two equal exchanges took longer. Behind network address
// translation the first way is blind, the others are not.
#pragma once

#include <expected>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "capture/exchange.h"

namespace badorigin::capture {

struct roles {
    std::set<endpoint> proxies;      ///< where the proxy nearest to the clients listens
    std::set<endpoint> origins;      ///< that it asks, as far as requests that were asked again show them
    std::set<address> opens_from;    ///< addresses that it opens connections from
    bool by_endpoint_alone = false;  ///< an address does not tell the proxy from its clients: of its connections those to `origins` count
    std::vector<std::string> names() const;  ///< of the proxies
    std::vector<std::string> notes;
    friend bool operator==(const roles&, const roles&) = default;

    capture::leg leg_of(const connection& c) const;
};

/// Looks at exchanges as they come. What it remembers grows with the endpoints, not with the exchanges.
class role_finder {
public:
    /// `given`: "10.0.0.1" or "10.0.0.1:8080"; empty: they are found. The error names what is no address.
    static std::expected<role_finder, std::string> make(const std::vector<std::string>& given);
    role_finder(role_finder&&) noexcept;
    role_finder& operator=(role_finder&&) noexcept;
    ~role_finder();

    /// Some exchanges, in order of their beginning; what they have in common is looked for among those of one call.
    void look(std::span<const exchange_ptr> exchanges);
    roles found() const;

private:
    struct state;
    explicit role_finder(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

/// `given`: "10.0.0.1" or "10.0.0.1:8080"; empty: they are found. `exchanges` of one or several captures. The error names what is no
/// address.
std::expected<roles, std::string> find_roles(const std::vector<exchange_ptr>& exchanges, const std::vector<std::string>& given);

}  // namespace badorigin::capture
