// Who asked, who answered: exchanges related to each other by the fields that the harness puts on the wire (DESIGN.md: joining).
#pragma once

#include <vector>

#include "capture/exchange.h"

namespace badorigin::capture {

/// `exchanges` in order of their first byte. Transactions in order of the client request; those without a client last.
/// - Each exchange of the client leg makes a transaction; one of an unknown leg too (a capture made elsewhere), without fetches.
/// - An exchange of the origin leg belongs to the client exchange with its token: an attempt of its latest fetch, or a fetch (`attach`).
///   Another proxy as client may ask several times by one token: then the latest of them that began before it, for the same if there is
///   one.
/// - A client got the response with its serial; where another proxy gave that several times, the latest that came before.
/// - An origin exchange whose token is absent or unknown is alone (`probe_or_unasked`).
std::vector<transaction> join(const std::vector<exchange_ptr>& exchanges);

/// `origin` was asked for the transaction's client: a further attempt of the latest fetch with the same method and target when that has no
/// whole final response yet, else a fetch of its own. A fetch is as sure as its least sure attempt.
void attach(transaction& to, const exchange_ptr& origin, confidence how, std::string_view by);

}  // namespace badorigin::capture
