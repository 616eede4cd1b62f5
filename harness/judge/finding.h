// What the judge says: one finding a claim, with what it rests on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/exchange.h"
#include "harness/scenario/scenario.h"
#include "http/anomaly.h"

namespace badorigin::judge {

/// In order of precedence (DESIGN.md): the worst of several is the outcome of all.
enum class outcome : std::uint8_t { not_applicable, upheld, inconclusive, violated, error };
std::string_view name(outcome what);  ///< "not_applicable", "upheld", …
outcome worst(outcome a, outcome b);

enum class kind : std::uint8_t { required, advice, expectation, premise };
std::string_view name(kind what);
std::string_view name(scenario::demand what);

/// What a finding rests on: something that anybody can look up in the evidence.
struct citation {
    std::string what;                            ///< "request on the origin leg, attempt 2", "vitals after struck"
    std::uint64_t connection = 0, exchange = 0;  ///< ids of the evidence; 0: none
    std::vector<capture::frame_number> frames;
    http::stream_offset from = 0, to = 0;  ///< bytes of the stream, where meant
    std::string detail;                    ///< a wire excerpt or figures
    std::string in_files = {};           ///< of several files, the frames as these count them: "client.pcap frames 3; origin.pcap frame 7"
    std::string_view joined_by = {};     ///< an origin's exchange that is likely, not certain, to be its client's: by what it was joined
    capture::exchange_ptr of = nullptr;  ///< while it is being judged
};

struct finding {
    std::string claim;  ///< rule id; "expect STEP KEY"; "premise STEP KEY"; "where QUERY"; "origin log NAME"
    judge::kind kind = kind::required;
    judge::outcome outcome = outcome::upheld;
    std::string subject;  ///< step name or "" for the run: stable from run to run
    std::string message;  ///< what is wrong: of this run, may hold figures; empty when upheld
    std::vector<citation> citations;
    bool needs_complete = false;  ///< rests on something that was not seen: says nothing when evidence is missing
};

struct verdict {
    std::string scenario, proxy;
    judge::outcome outcome = outcome::upheld;
    std::string reason;  ///< for not_applicable, error, inconclusive: why
    std::vector<finding> findings;
    /// Exchanges that findings of violated and inconclusive claims cite, advice left out, in order: for showing them as they were on the
    /// wire.
    std::vector<capture::exchange_ptr> cited = {};
    scenario::demand demand = scenario::demand::required;  ///< what is expected: whether it decides when it is not met
    std::vector<std::string> notes = {};  ///< what may explain it, never asserted on: requests that the script does not answer
};

/// What of a verdict decides a run. Where a scenario states advice or what is optional, that is its rules, and an error: an expectation
/// that is not met is told and decides nothing.
outcome decisive(const verdict& v);

/// The stable part as JSON text: scenario, proxy, outcome, and for each finding claim, kind, outcome, subject. Identical for identical
/// evidence, and from run to run of a deterministic scenario.
std::string verdicts_json(const verdict& v);
/// The part of this run: messages and citations.
std::string citations_json(const verdict& v);

}  // namespace badorigin::judge
