// The stage: scripted peers, the proxy and the capture of one run, performed one step at a time.
//
// Time. With virtual time the stage owns the clock: before every jump it lets both sides come to rest (nothing readable, nothing
// unacknowledged, two rounds without activity), then goes to the earliest timer of either side, writing a clock marker into the capture
// first, so that every packet has exactly one clock value. With real time it runs the peers' loop until the step's instant.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capture/evidence.h"
#include "fake-backends/engine.h"
#include "harness/scenario/scenario.h"
#include "harness/stage/playback.h"
#include "harness/stage/witness.h"
#include "proxy-under-test/drivers/driver.h"

namespace badorigin::stage {

using std::chrono::nanoseconds;

/// Set-up mistakes, and whatever keeps a run from going on: one sentence that a user can act on.
struct run_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// Ctrl-C: the run ends at once, its evidence is kept.
struct interrupted : std::runtime_error {
    interrupted() : std::runtime_error("interrupted") {}
};

struct stage_settings {
    std::string proxy;     ///< its specification, as the manifest tells it
    std::string folder;    ///< the bundle to write; made when absent
    std::string policies;  ///< scenarios/policies
    std::uint64_t seed = 1;
    std::vector<std::string> planted_bugs;
    capture::evidence_kind evidence = capture::evidence_kind::libpcap;
    bool own_namespace = true;  ///< this thread is in a network namespace of its own: fixed ports, nobody else's packets
    std::chrono::milliseconds start_deadline{20'000}, stop_deadline{5'000};  ///< of the proxy
    const std::atomic<bool>* interrupt = nullptr;
    std::string tool_version;
    std::function<std::unique_ptr<drivers::driver>()> another_proxy;  ///< of the same kind, for a scenario with several
    bool keep_received = false;                                       ///< what clients receive is kept, for `heard`
};

/// What a client of a step got, by our own socket: to steer by. Verdicts are of the packets.
struct heard {
    std::string step;
    peers::client_state state = peers::client_state::running;
    std::string bytes;
};

class stage {
public:
    /// Brings up capture, origins and the proxy, in this order. Throws run_error, peers::set_up_error, drivers::set_up_error.
    stage(stage_settings settings, const scenario::scenario& script, drivers::driver& proxy);
    ~stage();
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    void perform(const scenario::step& next);
    /// The script that was handed in has grown: routes, replies, steps and expectations behind those that there were.
    void rescript();
    /// Requests to that origin that match are answered by `take`. The bundle's scenario cannot say so: `write_script` notes it there.
    void hand_over(const std::string& origin, const peers::route& where, peers::handover_taker take);
    /// Lets the peers go on between two steps, until `done` holds (asked every few milliseconds). Only real time passes by itself.
    void idle(const std::function<bool()>& done);
    /// Of the clients of all steps so far whose answer is in or given up, those not told before.
    std::vector<heard> take_heard();
    /// How the proxy ended by itself, with its last words; empty: it runs.
    std::string crash() const;
    /// Instead of steps, in real time: until every turn is over. Throws run_error when the proxy ends by itself.
    void play(const playback& what);
    /// Waits for what is in flight, closes everything in good order and writes the bundle. Also after an exception; then `why` goes into
    /// the manifest.
    void take_down(const std::string& why = {});

    nanoseconds now() const;

private:
    struct client_run {
        peers::engine::client_id id;
        nanoseconds deadline;
    };

    /// A proxy; its name is empty where it is the only one.
    struct actor {
        std::string name, policy;
        drivers::driver* driver = nullptr;
        std::unique_ptr<drivers::driver> owned;  ///< null: the caller's
        std::string host = "127.0.0.1";          ///< where clients reach it
        std::uint16_t port = 8080;
        drivers::rest rest{};
        bool started = false, stopped = false, over = false;  ///< over: it died, or was stopped
    };

    static void kept(const std::expected<void, std::string>& written);
    void write_script() const;
    void start_peers();
    void start_capture();
    void cast_proxies(drivers::driver& only);
    void name_addresses();
    void know_address();
    void start_proxies();
    void start(std::size_t number);
    std::string stop(actor& one);
    const actor& proxy_of(const std::string& name) const;
    template <class Ask>
    void ask(actor& one, Ask what);
    drivers::rest sync_proxies();
    void advance_proxies(nanoseconds to);
    void mark(enum capture::marker::kind kind, const std::string& text);
    void sample(const std::string& step);
    void rest_now();
    void jump(nanoseconds to);
    bool drive(const std::function<bool()>& done, nanoseconds limit);
    void wait_for_instant(const scenario::step& next);
    void act_on_origins(const scenario::step& next);
    void act_on_proxy(const scenario::proxy_act& act);
    void run_clients(const scenario::step& next);
    void run_round(const std::vector<const scenario::client_act*>& acts, int repetition, const scenario::step& next);
    bool all_done(const std::vector<client_run>& runs) const;
    void check_on(actor& one);
    void check_on_proxies();
    void check_interrupt() const;

    stage_settings settings_;
    const scenario::scenario& script_;
    bool virtual_time_;
    std::unique_ptr<witness> witness_;
    std::unique_ptr<peers::engine> engine_;
    std::map<std::string, std::uint16_t> ports_;
    std::vector<actor> proxies_;
    std::map<std::string, nanoseconds> begun_;     ///< steps by name
    std::map<std::string, client_run> in_flight_;  ///< `wait: no`
    std::vector<std::pair<std::string, peers::engine::client_id>> unheard_;
    std::vector<std::string> handed_over_;
    std::chrono::steady_clock::time_point started_;
    nanoseconds wall_start_{0};
    drivers::rest proxies_rest_;  ///< of all together, at the last look
    std::vector<capture::vitals_sample> samples_;
    capture::manifest manifest_;
    bool down_ = false;
    std::string nonce_;
};

}  // namespace badorigin::stage
