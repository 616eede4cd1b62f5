// The cache's only clock, and every timer it has.
//
// Virtual: time stands still until move_to or fire_next moves it, and stands exactly at a timer's expiry when that timer fires. Real: the
// system's clock as it stood at the start, and from there on as steady time goes: who sets the system's clock moves no timer and no age.
// Either way the event loop calls fire_next when nothing else can proceed, so no timer runs in the middle of something
// else.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

namespace badorigin::cache {

using std::chrono::nanoseconds;

class clock {
public:
    enum class mode { real, virtual_time };
    explicit clock(mode how, nanoseconds start = nanoseconds{0});

    nanoseconds now() const;
    bool is_virtual() const { return mode_ == mode::virtual_time; }

    using key = std::pair<nanoseconds, std::uint64_t>;  ///< expiry, then order of arming
    key arm(nanoseconds when, std::function<void()> what);
    void disarm(const key& which) { timers_.erase(which); }
    std::optional<nanoseconds> next() const;

    /// Fires the earliest timer if it is due at `until` or before; virtual time moves to its expiry. False: none was due.
    bool fire_next(nanoseconds until);
    /// Virtual time only; never backwards.
    void move_to(nanoseconds when);
    std::uint64_t fired() const { return fired_; }

private:
    mode mode_;
    nanoseconds now_;  ///< real: the wall clock's lead over the steady one, as it was at the start
    std::uint64_t armed_ = 0, fired_ = 0;
    std::map<key, std::function<void()>> timers_;
};

/// A timer that ends with its owner.
class timer {
public:
    timer(clock& of, nanoseconds when, std::function<void()> what) : clock_(of), key_(of.arm(when, std::move(what))) {}
    ~timer() { clock_.disarm(key_); }
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

private:
    clock& clock_;
    clock::key key_;
};

}  // namespace badorigin::cache
