// R0 outright: each request with content, followed from its client to the origins, attempt by attempt.
#pragma once

#include <string_view>
#include <vector>

#include "capture/evidence.h"
#include "harness/judge/facts.h"

namespace badorigin::judge {

/// Has content, or may not be sent twice: what a client loses when it does not arrive.
bool bears_content(const exchange& client);

/// What an attempt carried of the content that the client sent.
struct body_attempt {
    exchange_ptr at;
    capture::confidence joined = capture::confidence::certain;
    std::string_view by;  ///< what it was joined to the client by
    bool whole = false;   ///< all of the client's content, and nothing else
    /// Over without a response: `ended` is the frame in which a side ended the connection.
    bool died = false;
    bool origin_ended_it = false;
    frame_ref ended;
};

struct body_journey {
    exchange_ptr client;
    std::vector<body_attempt> attempts;  ///< in order
};

struct body_account {
    std::size_t requests = 0;            ///< of clients, with content or not idempotent
    std::size_t ambiguous = 0;           ///< of the proxy, with content, that fit several clients' equally well: nothing is said of them
    std::vector<body_journey> troubled;  ///< some attempt was not whole, or died

    void add(const capture::evidence& part);
};

/// Nothing where the client's exchange bears no content or caused no attempt.
body_journey follow(const transaction& t);
body_account follow_bodies(const capture::evidence& evidence);

}  // namespace badorigin::judge
