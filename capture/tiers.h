// Several proxies: what one of them asks another is on the origin leg of the one and on the client leg of the other.
#pragma once

#include "capture/evidence.h"

namespace badorigin::capture {

/// Fills `all.tiers`, where the manifest names several proxies, with what each of them saw, joined relative to it. Connections between two
/// proxies are in two of these, once a leg, by the same id; `all` gets the exchanges and transactions of all tiers in order.
void part_tiers(evidence& all);

}  // namespace badorigin::capture
