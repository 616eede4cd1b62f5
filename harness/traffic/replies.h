// What an origin did, as a reply of its script.
#pragma once

#include <expected>
#include <string>

#include "capture/exchange.h"
#include "harness/scenario/scenario.h"
#include "harness/traffic/bodies.h"
#include "harness/traffic/secrets.h"
#include "harness/traffic/timing.h"

namespace badorigin::traffic {

/// What all retelling looks up.
struct telling {
    const capture::evidence& evidence;
    timing clock;
    secrets hidden;
    body_book content;
    std::map<std::string, std::string> origins;  ///< by the name of a connection's server: what scripts call it

    telling(const capture::evidence& e, const import_settings& s)
        : evidence{e}, clock{e}, hidden{s.keep_secrets}, content{s.bodies, hidden} {}
    telling(const telling&) = delete;
    telling& operator=(const telling&) = delete;
};

/// `doubled`: another response without a request followed on its connection. The error is why no script can say it.
std::expected<peers::reply, std::string> reply_of(const capture::exchange& origin, bool doubled, telling& about);

/// Why what was seen of it is not all that happened, or nothing: bytes are missing from the capture, or may be, or the capture ends before
/// it.
std::string_view why_in_part(const capture::exchange& e);
/// Fields that belong to a hop, or that a proxy or the harness makes.
bool is_of_the_hop(std::string_view name);
/// The Connection field without what the peers say themselves; empty: nothing is left.
std::string connection_options(const http::fields& all);

}  // namespace badorigin::traffic
