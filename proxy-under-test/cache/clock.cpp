#include "proxy-under-test/cache/clock.h"

#include <algorithm>

namespace badorigin::cache {

nanoseconds clock::now() const {
    if (mode_ == mode::virtual_time) return now_;
    return std::chrono::duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
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
    move_to(due.key().first);
    ++fired_;
    due.mapped()();
    return true;
}

void clock::move_to(nanoseconds when) {
    now_ = std::max(now_, when);
}

}  // namespace badorigin::cache
