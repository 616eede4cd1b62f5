// What several claims look up about a run: which exchange a step made, which client caused an origin exchange, bans, the run's end.
//
// Steps are found through the markers that the stage writes into the capture: "token NAME=TOKEN" before a request with a token, "raw
// NAME=ADDR:PORT" before raw bytes, whose connection is then known by the client's endpoint. So stored evidence alone is enough.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "capture/evidence.h"
#include "harness/judge/facts.h"
#include "harness/scenario/scenario.h"

namespace badorigin::judge {

class run_index {
public:
    struct ban {
        std::string expression;
        frame_ref at;
    };

    run_index(const capture::evidence& evidence, const scenario::scenario& scenario);

    /// The client exchange of a step ("NAME", "NAME#2"); null: none in the packets.
    const transaction* step(std::string_view name) const;
    /// The step of a client exchange, or of the client exchange that caused an origin exchange; empty: unknown.
    std::string step_of(const exchange& e) const;
    /// The transaction that an exchange of the origin leg belongs to; null: unknown.
    const transaction* owner(const exchange& origin) const;
    /// All origin exchanges on behalf of a client exchange in order. For raw steps, which carry no token: those for the same target that
    /// nobody else caused, begun between the request and the end of its response. Valid until another transaction's are asked for.
    const std::vector<exchange_ptr>& attempts(const transaction& t) const;
    /// It was asked on behalf of this client exchange, not taken from the store or from somebody else's fetch.
    bool caused(const transaction& t, const exchange& origin) const;
    /// How many fetches that makes.
    std::size_t fetches(const transaction& t) const;
    bool is_raw(const transaction& t) const;

    const std::vector<ban>& bans() const { return bans_; }
    bool ban_between(const frame_ref& from, const frame_ref& to) const;

    nanoseconds clock(const frame_ref& frame) const { return evidence_.clock_at(frame); }
    /// Unix time that the run's clock start stands for; 0 where no start marker says so.
    nanoseconds wall_start() const { return wall_start_; }
    frame_ref end() const { return end_; }
    nanoseconds end_clock() const { return end_clock_; }
    /// At most so long did the proxy's threads wait for a core between two frames because the machine was busy: what the vitals say around
    /// them. 0 on virtual time, where that costs no time of the run's clock.
    nanoseconds starved(const frame_ref& from, const frame_ref& to) const;
    /// 0 on virtual time, 1 s otherwise.
    nanoseconds tolerance() const;
    std::optional<nanoseconds> promise(std::string_view name) const;

    bool complete() const { return evidence_.incomplete.empty() && evidence_.manifest.interrupted.empty(); }
    const capture::evidence& evidence() const { return evidence_; }

private:
    void index_transactions();
    void index_owners() const;
    std::vector<exchange_ptr> find_attempts(const transaction& t) const;
    void read_markers();
    const transaction* raw_step(std::string_view endpoint, const frame_ref& after) const;

    const capture::evidence& evidence_;
    const scenario::scenario& scenario_;
    std::map<std::string, const transaction*, std::less<>> by_name_;
    std::unordered_map<const exchange*, std::string> step_names_;             ///< of client exchanges
    mutable std::unordered_map<const exchange*, const transaction*> owners_;  ///< when first asked for
    mutable bool owners_known_ = false;
    mutable const transaction* attempts_of_ = nullptr;  ///< of all rules, one transaction after the other
    mutable std::vector<exchange_ptr> attempts_;
    std::unordered_map<std::string, const transaction*> by_token_;
    std::unordered_map<const transaction*, bool> raw_;
    std::vector<exchange_ptr> unasked_;  ///< in order
    std::vector<ban> bans_;
    nanoseconds wall_start_{0}, end_clock_{0};
    frame_ref end_;
};

}  // namespace badorigin::judge
