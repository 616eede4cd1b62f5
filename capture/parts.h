// Evidence in parts: a long capture is joined and given out while it is read, and what was given out is gone.
//
// Exchanges wait until nothing that begins before them is open, so that they are in order; then until their transaction is settled
// (forwarding.h). What is held is thus what is open, and what came in the last moment. Where an exchange stays open for so long that too
// much would wait for it, the others go on without it; it comes late, and what was asked for it in the meantime has no client.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "capture/completeness.h"
#include "capture/forwarding.h"
#include "capture/intake.h"
#include "capture/roles.h"

namespace badorigin::capture {

/// How much is held. Tests make it small.
struct part_limits {
    std::size_t first_look = 16384;  ///< exchanges that the roles are told from, before anything is joined
    std::size_t part = 2048;         ///< exchanges that end from one look to the next
    std::size_t waiting = 16384;     ///< exchanges that wait for one that is open
    std::size_t unsettled = 16384;   ///< of clients
    std::size_t bytes = 64u << 20;   ///< of content, of all these
};

class part_maker {
public:
    using on_part = std::function<void(const evidence& part)>;
    /// What is learned from the traffic, and must be known from the beginning.
    struct knowledge {
        capture::roles roles;
        bool virtual_time = false;
        friend bool operator==(const knowledge&, const knowledge&) = default;
    };

    /// `known`: from an earlier reading of the same capture.
    part_maker(evidence& all, intake& packets, role_finder finder, std::optional<knowledge> known, part_limits limits, on_part give);
    /// Behind each packet.
    void step(const frame_ref& now) {
        if (packets_.exchanges().size() >= limits_.part) look(now);
    }
    /// The capture is over, and the intake closed. The last part is given out, though it be empty.
    void finish();

    /// Other than what it is by now, parts were given out with: they hold legs that are wrong.
    bool learned_late() const { return learned_late_; }
    const knowledge& known() const { return *known_; }
    std::vector<std::string> holes() const { return holes_.sentences(); }

private:
    void look(const frame_ref& now);
    std::vector<std::shared_ptr<exchange>> in_order(frame_ref& to);
    void learn(std::span<const exchange_ptr> from);
    void name(connection& c) const;
    void join(const frame_ref& to);
    void give_out(joiner::settled&& settled);
    nanoseconds first_opened() const;

    evidence& all_;
    intake& packets_;
    role_finder finder_;
    std::optional<knowledge> known_;
    bool fixed_;  ///< it was known from the beginning
    part_limits limits_;
    on_part give_;
    joiner joiner_{{}};
    std::vector<std::shared_ptr<exchange>> waiting_;  ///< for what began before them
    std::vector<exchange_ptr> unnamed_;               ///< in order, until the roles are known
    std::deque<std::shared_ptr<exchange>> given_;     ///< to the joiner, in order
    holes_told holes_;
    std::uint64_t last_id_ = 0;
    std::size_t bytes_ = 0;
    bool given_out_ = false, learned_late_ = false;
};

}  // namespace badorigin::capture
