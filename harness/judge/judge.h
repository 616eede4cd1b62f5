// The judge: a pure function of evidence and scenario. No socket, no clock, no file.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capture/evidence.h"
#include "harness/judge/finding.h"
#include "harness/scenario/scenario.h"

namespace badorigin::judge {

class run_index;

/// One row a rule, for `badorigin list rules` and docs/rules.md.
struct rule_row {
    std::string_view id;  ///< "body-forwarded-whole"; stable
    judge::kind kind;
    std::string_view demands;  ///< one sentence
    std::string_view source;   ///< "RFC 9112 section 8; R0.2"
    std::string_view bugs;     ///< planted bugs that must violate it, comma-separated
};
std::span<const rule_row> rule_catalogue();
std::vector<std::string> rule_ids();

/// What a rule may look at beside the transaction: finished evidence, the scenario (promises), step names by token.
struct matter {
    const capture::evidence& evidence;
    const scenario::scenario& scenario;
    const run_index& run;  ///< run_index.h: steps by name, fetches by exchange, the run's end
};

/// A rule sees transactions one at a time in order, then finish(); it keeps only what it needs.
class rule {
public:
    virtual ~rule() = default;
    virtual std::string_view id() const = 0;
    virtual void see(const capture::transaction& t, const matter& about, std::vector<finding>& findings) = 0;
    virtual void finish(const matter& about, std::vector<finding>& findings) = 0;
};
std::vector<std::unique_ptr<rule>> all_rules();

/// Judges: rules that are not switched off, expectations, premises, conditions. Incomplete evidence turns upheld (and whatever cites a
/// hole, in a staged run also one on another connection to the same server, and every claim of absence) into inconclusive; an unmet premise
/// makes the verdict inconclusive at best... never hides a violation of a required rule that stands by itself.
verdict judge(const capture::evidence& evidence, const scenario::scenario& scenario);

}  // namespace badorigin::judge
