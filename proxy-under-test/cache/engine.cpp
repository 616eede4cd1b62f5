#include "proxy-under-test/cache/engine.h"

#include <boost/asio/executor_work_guard.hpp>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
constexpr auto cool_down = std::chrono::seconds(60);
}

void engine::use(const configuration_ptr& which) {
    const auto before = std::exchange(active, which);
    if (!which->warm) {
        which->warm = true;
        ++which->warmed;
        start_probes(*this, which);
    }
    if (!before || before == which) return;
    time.arm(now() + cool_down, [this, before, order = ++before->retired] {
        if (active != before && before->retired == order) before->warm = false;
    });
}

void engine::discard(const configuration_ptr& which) {
    which->warm = planted(bug::probe_when_unused);
    configurations.erase(which->name);
}

void engine::stop() {
    stopping = true;
    io.stop();
}

/// What is ready; in real time not all of it before the timers have their turn, for under steady load something is always ready.
bool engine::work() {
    if (time.is_virtual()) return io.poll() > 0;
    constexpr int at_once = 256;
    int done = 0;
    while (done < at_once && io.poll_one() > 0) ++done;
    return done > 0;
}

void engine::run(const std::function<bool()>& when_quiescent) {
    const auto busy = boost::asio::make_work_guard(io);
    while (!stopping) {
        bool moved = work();
        while (!stopping && !time.is_virtual() && time.fire_next(now())) moved = true;
        if (stopping) return;
        if (moved || (origins.watch_idle() && work()) || when_quiescent()) continue;
        if (const auto next = time.next(); next && !time.is_virtual()) {
            io.run_one_for(std::max(*next - now(), nanoseconds{0}));
        } else {
            io.run_one();
        }
    }
}

}  // namespace badorigin::cache
