#include "harness/traffic/timing.h"

#include <algorithm>

namespace badorigin::traffic {

using namespace std::chrono_literals;

namespace {

constexpr nanoseconds grain = 10ms;
constexpr nanoseconds meant = 100ms;  // shorter pauses are a network's or a scheduler's

}  // namespace

nanoseconds timing::pause(const frame_ref& from, const frame_ref& to) const {
    if (!from || !to) return 0ns;
    const auto took = at(to) - at(from);
    if (exact()) return std::max(took, nanoseconds{0});
    return took < meant ? 0ns : took / grain * grain;
}

nanoseconds timing::rounded(nanoseconds instant) const {
    return exact() ? instant : (instant + grain / 2) / grain * grain;
}

// Two roundings of half a grain each must not make a step late.
bool timing::apart(nanoseconds before, nanoseconds after) const {
    return after - before > (exact() ? 0ns : 2 * grain);
}

bool timing::at_once(nanoseconds one, nanoseconds other) const {
    const auto difference = one > other ? one - other : other - one;
    return difference <= (exact() ? 0ns : grain);
}

}  // namespace badorigin::traffic
