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

/// What a rule needs beside the packets. A capture made elsewhere has packets alone, and promises where a scenario is given for it.
enum class need : std::uint8_t { packets, vitals, promises, bans };
std::string_view name(need what);

/// Where a rule is judged. What the RFC leaves to a proxy is no fault in a run whose scenario says what is right; who brings a capture
/// wants it named.
enum class judged_in : std::uint8_t { every_evidence, captures_made_elsewhere };

/// One row a rule, for `badorigin list rules` and docs/rules.md.
struct rule_row {
    std::string_view id;  ///< "body-forwarded-whole"; stable
    judge::kind kind;
    std::string_view demands;  ///< one sentence
    std::string_view source;   ///< "RFC 9112 section 8; R0.2"
    std::string_view bugs;     ///< planted bugs that must violate it, comma-separated; none for those of captures made elsewhere
    judge::need needs = need::packets;
    judged_in where = judged_in::every_evidence;
};
std::span<const rule_row> rule_catalogue();
std::vector<std::string> rule_ids();

/// What a rule may look at beside the transaction: the evidence (or the part of it that is at hand), the scenario (promises), step names by
/// token.
struct matter {
    const capture::evidence& evidence;
    const scenario::scenario& scenario;
    const run_index& run;  ///< run_index.h: steps by name, fetches by exchange, the run's end

    /// A capture made elsewhere: legs are joined without tokens, copies are known by their looks, and it begins and ends anywhere.
    bool made_elsewhere() const { return evidence.manifest.evidence == capture::evidence_kind::file; }
};

/// A rule sees transactions one at a time in order, behind those of a part the part itself, and last of all finish(). Evidence of a run is
/// one part. Of a long capture there are many, each exchange, transaction and closed connection is in one of them, and a part is gone when
/// the next one comes: what a rule needs of it for longer it keeps (an exchange_ptr, never a pointer to a transaction).
class rule {
public:
    virtual ~rule() = default;
    virtual std::string_view id() const = 0;
    virtual void see(const capture::transaction& t, const matter& about, std::vector<finding>& findings) = 0;
    virtual void see_part(const matter& about, std::vector<finding>& findings) = 0;
    virtual void finish(const matter& about, std::vector<finding>& findings) = 0;
};
std::vector<std::unique_ptr<rule>> all_rules();

/// Judges evidence part by part.
class session {
public:
    explicit session(const scenario::scenario& scenario);
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    void see(const capture::evidence& part);
    /// `all`: what holds for all parts (manifest, markers, vitals, what is incomplete), and the last of them. Call once.
    verdict finish(const capture::evidence& all);
    /// What the rules alone found. Call once, instead.
    std::vector<finding> finish_rules(const capture::evidence& all);

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Judges: rules that are not switched off, expectations, premises, conditions. Incomplete evidence turns upheld (and whatever cites a
/// hole, in a staged run also one on another connection to the same server, and every claim of absence) into inconclusive; an unmet premise
/// makes the verdict inconclusive at best... never hides a violation of a required rule that stands by itself.
verdict judge(const capture::evidence& evidence, const scenario::scenario& scenario);

}  // namespace badorigin::judge
