// Bodies as scripts say them: the same content is the same wherever it went.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "harness/scenario/scenario.h"
#include "harness/traffic/secrets.h"
#include "harness/traffic/traffic.h"
#include "http/message.h"

namespace badorigin::traffic {

class body_book {
public:
    body_book(bodies how, const secrets& hidden) : how_{how}, hidden_{hidden} {}

    /// Its content, remembered; none where it is empty. `size`: what was announced, where less arrived.
    peers::content of(const http::message& m, std::optional<std::uint64_t> size = {});
    /// The content if a script sends it: what a proxy made itself is nobody's.
    std::optional<peers::content> known(const http::message& m) const;

private:
    using key = std::pair<std::uint64_t, std::uint64_t>;  // size, hash
    std::optional<std::string> as_it_was(const http::message& m) const;

    bodies how_;
    const secrets& hidden_;
    std::map<key, peers::content> seen_;
};

}  // namespace badorigin::traffic
