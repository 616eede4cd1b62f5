// Who asked, without tokens: to which client exchange an exchange of the origin leg belongs.
//
// Ids that both legs carry come first. Else the client exchanges are looked at that could have caused it: same method and target, request
// there, answer not begun (a cache that is answering already waits for nothing, unless it refreshes in the background). What is left is
// narrowed down: by what only one of them has in common with the origin's request, each step keeping the best. One left: joined, and the
// step that decided is named. Several left: ambiguous, and said so. Only ids, and requests that nothing but a client can have caused, are
// certain.
#pragma once

#include <functional>
#include <vector>

#include "capture/exchange.h"

namespace badorigin::capture {

/// How far the order of two frames may be wrong because their clocks were apart.
using clock_doubt = std::function<nanoseconds(const frame_ref& a, const frame_ref& b)>;

/// As `join`, for captures made elsewhere. `doubt` may be empty: one file, whose order is that of its frames.
std::vector<transaction> join_without_tokens(const std::vector<exchange_ptr>& exchanges, const clock_doubt& doubt);

}  // namespace badorigin::capture
