// Who asked, who answered: exchanges related to each other by the fields that the harness puts on the wire (DESIGN.md: joining).
#pragma once

#include <vector>

#include "capture/exchange.h"

namespace badorigin::capture {

/// `exchanges` in order of their first byte. Transactions in order of the client request; those without a client last.
/// - Each exchange of the client leg makes a transaction; one of an unknown leg too (a capture made elsewhere), without fetches.
/// - An exchange of the origin leg belongs to the client exchange with its token. It is a further attempt of the fetch before it when
/// token,
///   method and target are the same and that fetch has no whole final response yet; else a fetch of its own.
/// - An origin exchange whose token is absent or unknown is alone (`probe_or_unasked`).
std::vector<transaction> join(const std::vector<exchange_ptr>& exchanges);

}  // namespace badorigin::capture
