#pragma once

#include <vector>

#include "capture/evidence.h"
#include "harness/judge/finding.h"

namespace badorigin::judge {

/// Exchanges that findings of violated and inconclusive claims cite, advice left out: for showing them as they were on the wire.
std::vector<capture::exchange_ptr> cited_exchanges(const capture::evidence& evidence, const verdict& of);

}  // namespace badorigin::judge
