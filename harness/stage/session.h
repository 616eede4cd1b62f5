// A stage that is performed as it is written: a script that grows, and what is new of it is done at once.
//
// Everything happens in one thread of the session's own, since a network namespace, a table of descriptors and the life of a proxy belong
// to the thread that made them. The caller's threads hand over a longer scenario and get a future; between two of them the peers go on (in
// real time), so that a caller who thinks for a second has no deaf origins.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "harness/scenario/scenario.h"
#include "harness/stage/runner.h"
#include "harness/stage/stage.h"

namespace badorigin::stage {

/// The proxy ended by itself: how, and its last words. The run goes on, and can be judged.
struct proxy_crash : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class session {
public:
    /// Starts nothing yet. Of `settings`: policies, program_directory, out, seed, planted_bugs, evidence, keep, own_namespaces, deadlines,
    /// tool_version. Throws unreadable, drivers::set_up_error when the run is impossible beforehand.
    session(run_settings settings, std::string proxy, scenario::scenario begin);
    /// Interrupts what goes on and takes everything down.
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    /// Why the scenario says nothing about this proxy; empty: it does.
    std::string not_applicable() const { return not_applicable_; }

    /// Before the first step.
    void hand_over(std::string origin, peers::route where, peers::handover_taker take);
    /// Performs the steps of `longer` behind those that were performed. The future has what clients got meanwhile, or the exception: of
    /// the stage, or proxy_crash. After any but proxy_crash the stage is down; later calls fail with the same.
    std::future<std::vector<heard>> perform(scenario::scenario longer);
    /// Takes down, with what the last scenario says expects and switches off, and judges what is stored. A run's trouble is
    /// the verdict's outcome `error`; the future throws unreadable alone, and then the run is not over.
    std::future<run_result> end(scenario::scenario last);
    /// Ends whatever goes on, at once; evidence so far is kept.
    void interrupt();

private:
    void post(std::function<void()> what);
    void work();
    bool has_work() const;
    void bring_up();
    std::vector<heard> perform_now(scenario::scenario longer);
    run_result end_now(scenario::scenario last);
    void fail(const std::string& why);

    run_settings settings_;
    const std::string proxy_name_;
    scenario::scenario script_;
    std::string not_applicable_;
    std::unique_ptr<drivers::driver> driver_;
    std::atomic<bool> interrupt_{false};
    std::string folder_, trouble_;
    std::size_t performed_ = 0;
    bool crash_told_ = false, brought_up_ = false;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::vector<std::tuple<std::string, peers::route, peers::handover_taker>> handed_over_;
    std::unique_ptr<stage> scene_;
    mutable std::mutex lock_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    bool over_ = false;
    std::thread thread_;
};

}  // namespace badorigin::stage
