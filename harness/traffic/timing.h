// The run's clock as scripts say it. Virtual time is exact; real time is rounded, and what is too short to be meant is nothing.
#pragma once

#include "capture/evidence.h"

namespace badorigin::traffic {

using capture::frame_ref;
using std::chrono::nanoseconds;

class timing {
public:
    explicit timing(const capture::evidence& evidence) : evidence_{evidence} {}

    nanoseconds at(const frame_ref& frame) const { return evidence_.clock_at(frame); }
    /// How long a peer waited on purpose; 0 where it was as fast as it could be.
    nanoseconds pause(const frame_ref& from, const frame_ref& to) const;
    nanoseconds rounded(nanoseconds instant) const;
    /// Must the script wait for the instant, or is it as soon as what came before is over?
    bool apart(nanoseconds before, nanoseconds after) const;
    /// So close together that they count as at once.
    bool at_once(nanoseconds one, nanoseconds other) const;

private:
    bool exact() const { return evidence_.manifest.virtual_time; }
    const capture::evidence& evidence_;
};

}  // namespace badorigin::traffic
