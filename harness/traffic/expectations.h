// What is expected of a client's exchange: what was seen of it, as far as a proxy that does the same again must show the same.
#pragma once

#include <map>

#include "harness/traffic/replies.h"

namespace badorigin::traffic {

struct seen_before {
    std::map<const capture::exchange*, std::string> receivers;  ///< of an origin's response: the step that got it first
    bool fetches_tell = true;  ///< false: who of several at once made a fetch is chance, or it is not known
};

scenario::expectation expectation_of(const capture::transaction& t, const seen_before& before,
                                     const std::map<std::string, nanoseconds>& promises, const telling& about);

/// Delivered past its lifetime (the promise `ttl`, or what the response says of itself).
bool is_stale(const capture::transaction& t, const std::map<std::string, nanoseconds>& promises, const telling& about);
/// Delivered without having been fetched for it.
bool from_the_store(const capture::transaction& t);

}  // namespace badorigin::traffic
