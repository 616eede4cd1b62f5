#include "harness/judge/cited.h"

#include <set>

namespace badorigin::judge {

std::vector<capture::exchange_ptr> cited_exchanges(const capture::evidence& evidence, const verdict& of) {
    std::set<std::uint64_t> ids;
    for (const auto& f : of.findings) {
        if (f.outcome == outcome::upheld || f.outcome == outcome::not_applicable || f.kind == kind::advice) continue;
        for (const auto& c : f.citations) ids.insert(c.exchange);
    }
    std::vector<capture::exchange_ptr> cited;
    for (const auto& e : evidence.exchanges)
        if (ids.contains(e->id)) cited.push_back(e);
    return cited;
}

}  // namespace badorigin::judge
