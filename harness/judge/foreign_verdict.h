// The verdict on captures made elsewhere.
#pragma once

#include <optional>
#include <string>

#include "capture/foreign.h"
#include "harness/judge/bodies.h"
#include "harness/judge/judge.h"
#include "harness/scenario/scenario.h"

namespace badorigin::judge {

/// What is held of a capture that was made elsewhere.
inline constexpr const char* claim_of_captures = "The proxy does nothing that packets alone show to be wrong";

/// Without the proxy there are no two legs, and nothing to judge: why, in a sentence; empty: there is.
std::string why_nothing_to_judge(const capture::foreign& read);

/// Judges while the captures are read.
class foreign_session {
public:
    /// `promised`: its promises and the rules that it switches off; the rest of it says nothing about traffic that it did not make.
    explicit foreign_session(const scenario::scenario& promised);
    /// For the reading; holds on to this.
    capture::taker_of_parts taker();
    /// `read`: what the reading has returned. Call once.
    verdict finish(const capture::foreign& read, bool with_advice = true);

    body_account bodies;

private:
    scenario::scenario promised_;
    std::optional<session> judging_;
};

/// Of captures that were read whole.
verdict judge_foreign(const capture::foreign& read, const scenario::scenario& promised, bool with_advice = true);

}  // namespace badorigin::judge
