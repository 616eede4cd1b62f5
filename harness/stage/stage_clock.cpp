// How time passes on a stage. Real time runs the peers' loop. Virtual time goes from rest to rest: a jump happens only when neither side
// can proceed, and its marker stands in the capture before anything that it sets going.
#include <algorithm>
#include <utility>

#include "harness/stage/stage.h"
#include "proxy-under-test/drivers/process.h"

namespace badorigin::stage {

using namespace std::chrono_literals;
using capture::marker;

namespace {

/// Both sides must come to rest within this real time.
constexpr auto rest_deadline = 20s;
/// Without any activity for this long, bytes that stay unacknowledged wait for a peer that does not read.
constexpr auto blocked_after = 150ms;

}  // namespace

/// Both sides at rest: two rounds without any activity, and all bytes written are in the peers' kernels (or wait for a peer that does not
/// read).
void stage::rest_now() {
    const auto begun = std::chrono::steady_clock::now();
    auto quiet_since = begun;
    std::uint64_t ours = 0, theirs = 0;
    bool first = true, closed_for_all = !drivers::workers_share_descriptors;
    while (true) {
        check_interrupt();
        const bool thinking = engine_->thinking() > 0;  // asked first: what it has said by then is seen below
        while (engine_->poll(thinking ? 1ms : 0ms)) {}
        proxies_rest_ = sync_proxies();
        while (engine_->poll()) {}
        const auto at = std::chrono::steady_clock::now();
        const bool same = !first && !thinking && ours == engine_->activity() && theirs == proxies_rest_.activity;
        if (!same) {
            quiet_since = at;
            closed_for_all = !drivers::workers_share_descriptors;
        }
        const bool acknowledged = engine_->unacknowledged() == 0 && proxies_rest_.unacknowledged == 0;
        if (same && (acknowledged || at - quiet_since > blocked_after)) {
            if (std::exchange(closed_for_all, true)) return;
            // A program that another worker starts may hold copies of what we closed, so that no FIN or RST went out yet: once more.
            const auto hold = drivers::hold_shared_descriptors();
        }
        if (at - begun > rest_deadline && thinking)
            throw run_error("a function that answers requests has not returned, read or slept for 20 s, and time stands still meanwhile");
        if (at - begun > rest_deadline) throw run_error("the proxy and the peers did not come to rest within 20 s");
        ours = engine_->activity();
        theirs = proxies_rest_.activity;
        first = false;
    }
}

void stage::jump(nanoseconds to) {
    marker m;
    m.kind = marker::kind::clock;
    m.clock = to;
    m.nonce = nonce_;
    m.wall = wall_start_;
    witness_->mark(m);
    advance_proxies(to);
    engine_->advance_to(to);
}

/// Lets work proceed until `done` holds or the clock reaches `limit`; returns whether it holds.
bool stage::drive(const std::function<bool()>& done, nanoseconds limit) {
    if (!virtual_time_) {
        const auto wake = [&] {
            check_interrupt();
            return done();
        };
        const bool held = engine_->run_until(wake, limit);
        check_on_proxies();
        return held;
    }
    while (true) {
        rest_now();
        if (done()) return true;
        auto next = engine_->next_timer();
        if (proxies_rest_.next_timer && (!next || *proxies_rest_.next_timer < *next)) next = proxies_rest_.next_timer;
        if (!next || *next > limit) {
            if (limit > now() && limit != nanoseconds::max()) {
                jump(limit);
                rest_now();
            }
            return done();
        }
        jump(std::max(*next, now()));
    }
}

}  // namespace badorigin::stage
