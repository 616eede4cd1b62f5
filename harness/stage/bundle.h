// A stored bundle, judged: the same function for a run that has just ended and for one of last year.
#pragma once

#include <expected>
#include <string>

#include "capture/evidence.h"
#include "harness/judge/judge.h"
#include "harness/scenario/scenario.h"

namespace badorigin::stage {

struct judged {
    scenario::scenario scenario;
    capture::evidence evidence;
    judge::verdict verdict;
};

/// Reads scenario.yaml and the evidence of a bundle and judges them. The error is a sentence that names the file.
std::expected<judged, std::string> judge_bundle(const std::string& folder);

}  // namespace badorigin::stage
