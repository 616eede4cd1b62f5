#include <algorithm>

#include "reports/report.h"

namespace badorigin::report {

std::string weaker_evidence(const std::vector<entry>& all) {
    const bool tapped = std::any_of(all.begin(), all.end(), [](const entry& e) { return e.kind == capture::evidence_kind::tap; });
    return tapped ? "evidence: tap (our own sockets), not a packet capture" : "";
}

}  // namespace badorigin::report
