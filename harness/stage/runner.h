// Runs scenarios against proxies, several side by side, each in a network namespace of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "capture/evidence.h"
#include "harness/judge/finding.h"
#include "harness/scenario/scenario.h"

namespace badorigin::stage {

enum class keep_evidence : std::uint8_t { always, violated, never };  ///< violated: also inconclusive and error

class stage;

struct run_settings {
    std::vector<std::string> scenarios;                 ///< files
    std::function<bool(const std::string& id)> wanted;  ///< which of what is in them; absent: all
    std::string root;                                   ///< folder that ids are relative to
    std::string policies;
    std::vector<std::string> proxies;  ///< driver specifications
    std::string program_directory;
    std::string out;  ///< bundles go to OUT/PROXY/SCENARIO
    unsigned jobs = 8;
    std::uint64_t seed = 1;
    std::vector<std::string> planted_bugs;
    capture::evidence_kind evidence = capture::evidence_kind::libpcap;
    keep_evidence keep = keep_evidence::violated;
    bool own_namespaces = true;
    std::chrono::milliseconds start_deadline{20'000}, stop_deadline{5'000};  ///< of a proxy
    const std::atomic<bool>* interrupt = nullptr;
    std::string tool_version;
};

struct run_result {
    judge::verdict verdict;
    std::string claim, file;
    std::vector<std::string> sections;  ///< of RFCs, that the scenario names
    std::string folder;                 ///< of the kept bundle; empty: not kept
    std::chrono::nanoseconds took{0};
    std::vector<capture::exchange_ptr>
        cited;  ///< exchanges that findings other than upheld cite, for showing them as they were on the wire
    capture::evidence_kind evidence = capture::evidence_kind::libpcap;
};

struct progress {
    std::function<void()> prepared;  ///< all files have been read, nothing is started yet; may throw to leave it so
    std::function<void(const std::string& scenario, const std::string& proxy)> begun;
    std::function<void(const run_result&)> ended;  ///< called under a lock, in order of completion
};

/// One scenario read for one mode; problems as sentences. Nothing is started before all files have been read.
struct unreadable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// All results, ordered by scenario, then by proxy. Throws unreadable with every problem of every file, drivers::set_up_error for an
/// unknown proxy. After an interrupt: the results so far.
std::vector<run_result> run_all(const run_settings& settings, const progress& tell);

/// One run of a scenario that has no file: `act` does what is done on the stage. Throws as run_all does; what cannot be run is an error
/// too.
run_result run_one(const scenario::scenario& script, const std::string& proxy, const run_settings& settings,
                   const std::function<void(stage&)>& act);

/// Judges a stored bundle as the run did: the same verdict, byte for byte. The error is a sentence that names the file.
std::expected<run_result, std::string> judge_again(const std::string& folder);

/// DESIGN.md's exit code over the outcomes (0, 1, 2, 3).
int exit_code(const std::vector<run_result>& results);
int exit_code(judge::outcome worst);

}  // namespace badorigin::stage
