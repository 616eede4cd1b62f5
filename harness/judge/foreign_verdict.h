// The verdict on captures made elsewhere.
#pragma once

#include <string>

#include "capture/foreign.h"
#include "harness/judge/finding.h"
#include "harness/scenario/scenario.h"

namespace badorigin::judge {

/// Without the proxy there are no two legs, and nothing to judge: why, in a sentence; empty: there is.
std::string why_nothing_to_judge(const capture::foreign& read);

/// `promised`: its promises and the rules that it switches off; the rest of it says nothing about traffic that it did not make.
verdict judge_foreign(const capture::foreign& read, const scenario::scenario& promised, bool with_advice = true);

}  // namespace badorigin::judge
