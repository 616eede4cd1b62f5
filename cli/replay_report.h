// What a replay found, for people and for machines.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/allowed.h"
#include "harness/stage/runner.h"
#include "harness/traffic/answers.h"
#include "harness/traffic/compare.h"

namespace badorigin::cli {

struct told_difference {
    traffic::difference what;
    std::string allowed;  ///< the reason; empty: it is not
};

/// One proxy's.
struct replayed {
    std::string proxy;
    stage::run_result run;
    traffic::answer_counts answers;
    traffic::comparison compared;
    std::vector<told_difference> differences;
    std::vector<std::string> idle;  ///< reasons of entries that allowed nothing
    std::size_t not_allowed = 0;
    judge::outcome outcome = judge::outcome::upheld;  ///< of the verdict and the comparison
};

/// Of the recording, told once.
std::string recording_text(const traffic::recording& from, const std::string& name, const traffic::pace& how,
                           const std::vector<std::string>& notes);
std::string replayed_text(const replayed& one, const traffic::recording& from);
nlohmann::ordered_json replayed_json(const replayed& one, const traffic::recording& from, const std::string& name, const traffic::pace& how,
                                     const std::vector<std::string>& notes);

}  // namespace badorigin::cli
