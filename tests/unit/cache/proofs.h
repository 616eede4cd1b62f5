// That a planted bug shows: steps that go well with the honest cache and do not with it.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace badorigin::cache::testing {

using plants = std::vector<std::string>;

struct proof {
    std::string id;
    std::function<bool(const plants&)> goes_well;
};

inline void PrintTo(const proof& p, std::ostream* out) {
    *out << p.id;
}

/// Of the bugs in what goes to an origin and what comes from it: bodies, retries, validation, responses that are none.
std::vector<proof> proofs_of_fetches();
/// … in what a policy, an operator or a page asks for.
std::vector<proof> proofs_of_wishes();
/// … in which origin is asked, how long, and what it and a proxy before the cache say of the client.
std::vector<proof> proofs_of_origins();

}  // namespace badorigin::cache::testing
