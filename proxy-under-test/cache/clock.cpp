#include "proxy-under-test/cache/clock.h"

#include <algorithm>

namespace badorigin::cache {

namespace {
template <class Source>
nanoseconds reading() {
    return std::chrono::duration_cast<nanoseconds>(Source::now().time_since_epoch());
}
}  // namespace

clock::clock(mode how, nanoseconds start)
    : mode_(how), now_(how == mode::virtual_time ? start : reading<std::chrono::system_clock>() - reading<std::chrono::steady_clock>()) {}

nanoseconds clock::now() const {
    return mode_ == mode::virtual_time ? now_ : now_ + reading<std::chrono::steady_clock>();
}

clock::key clock::arm(nanoseconds when, std::function<void()> what) {
    const key made{when, ++armed_};
    timers_.emplace(made, std::move(what));
    return made;
}

std::optional<nanoseconds> clock::next() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first;
}

bool clock::fire_next(nanoseconds until) {
    if (timers_.empty() || timers_.begin()->first.first > until) return false;
    auto due = timers_.extract(timers_.begin());
    if (is_virtual()) move_to(due.key().first);
    ++fired_;
    due.mapped()();
    return true;
}

void clock::move_to(nanoseconds when) {
    now_ = std::max(now_, when);
}

}  // namespace badorigin::cache
