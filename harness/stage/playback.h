// A recording as the stage plays it: who asks when, and who answers. Two tables and a few functions; what they are made from is the
// caller's affair.
//
// Clients keep their order: a request that was made when another was over is not made before that one is over again. So what happened one
// after the other does so again, and what was in flight together is in flight together. Where they keep their times as well, nobody waits
// longer than `patience` for one that takes longer than it did: that would turn one stalled answer into a stop of all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fake-backends/engine.h"

namespace badorigin::stage {

using std::chrono::nanoseconds;

struct playback {
    struct turn {
        nanoseconds at{0}, over{0};    ///< since the begin of playing: when it begins, when it should be over
        std::size_t after = 0;         ///< so many of `over` were over when it began
        std::uint64_t connection = 0;  ///< turns of one connection go one after the other, in their order
        bool last = false;             ///< of its connection
    };
    std::vector<turn> turns;        ///< in order of their begin
    std::vector<std::size_t> over;  ///< the turns in the order in which they were over
    bool keep_times = true;         ///< else only their order
    nanoseconds patience = std::chrono::milliseconds{20};
    std::function<peers::request(std::size_t turn)> request;  ///< the token of the 17th turn ends in -c17, whenever it begins
    peers::responder answer;
    std::function<void(nanoseconds unix_now)> begin = {};  ///< called once, when playing begins
    std::function<void(std::size_t over)> progress = {};
};

/// Starts what is due and notices what is over; waits for nothing.
class player {
public:
    /// The playback must outlive it. Clients ask at host:port.
    player(const playback& what, peers::engine& engine, std::string host, std::uint16_t port)
        : what_{what}, engine_{engine}, host_{std::move(host)}, port_{port}, is_over_(what.turns.size()) {}

    void start_due(nanoseconds now);
    /// Whether something was over.
    bool notice();
    bool done() const { return finished_ == what_.turns.size(); }
    std::size_t finished() const { return finished_; }
    /// When to look again though nothing is over; max: never.
    nanoseconds next_due(nanoseconds now) const;

private:
    struct line {
        bool busy = false;
        std::vector<std::size_t> waiting;  ///< due, behind the one that goes on
    };
    struct going {
        std::size_t turn;
        peers::engine::client_id client;
        std::string connection;
    };

    bool may_begin(const playback::turn& next, nanoseconds now) const;
    void start(std::size_t turn);
    void finish(const going& one);
    void pass_what_is_over(nanoseconds now);

    const playback& what_;
    peers::engine& engine_;
    std::string host_;
    std::uint16_t port_;
    std::vector<bool> is_over_;
    std::size_t next_ = 0, finished_ = 0, over_in_order_ = 0;
    std::map<std::uint64_t, line> lines_;  ///< by connection
    std::vector<going> going_;
};

}  // namespace badorigin::stage
