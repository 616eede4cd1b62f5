// One TCP connection while it is open: both directions put in order, causally too, and handed to the exchanges.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "capture/exchange_builder.h"
#include "capture/reassembly.h"
#include "capture/streams.h"

namespace badorigin::capture {

/// Fills leg and server name of a connection, by its ends.
using namer = std::function<void(connection&)>;

class flow {
public:
    flow(std::shared_ptr<connection> on, const namer& names, std::uint64_t& last_exchange_id, const exchange_builder::on_exchange& yield,
         spares& used, const stream_limits& limits);

    /// Does the segment belong to another, later connection of the same two endpoints?
    bool begins_anew(const tcp_segment& segment) const;
    void feed(const tcp_segment& segment);
    /// Nothing more will come.
    void finish(http::stream_end how);
    const std::shared_ptr<connection>& on() const { return on_; }
    /// The first frame of what is still open, or waits; none: nothing.
    frame_ref oldest_open() const;

private:
    enum class certainty : std::uint8_t {
        in_order,      // only what can be delivered without a doubt
        acknowledged,  // and holes that the other side's acknowledgements prove
        everything     // and every hole there is: nothing more can fill it
    };
    bool from_client(const tcp_segment& segment) const { return segment.from == on_->client; }
    static http::direction side(int d) { return d == 0 ? http::direction::request : http::direction::response; }
    void turn_round();
    void note(const tcp_segment& segment, int d);
    void payload(const tcp_segment& segment, int d);
    http::stream_offset received_when_sent(const tcp_segment& segment, int d) const;
    void deliver(int d, http::stream_offset at, std::string_view bytes, std::uint32_t missing, const frame_ref& frame);
    void declare_hole(int d, const reassembly::missing& hole);
    bool drain(int d, bool regardless_of_cause);
    bool resolve_a_hole(certainty how);
    void look_for_holes(const frame_ref& now);
    void settle(certainty how);
    void explain_resets();
    bool waits() const { return halves_[0].anything_waits() || halves_[1].anything_waits(); }

    std::shared_ptr<connection> on_;
    const namer& names_;
    stream_limits limits_;
    reassembly halves_[2];  // 0: from the client
    http::stream_offset fin_cause_[2] = {0, 0};
    frame_ref closed_socket_[2];  // the first reset without ACK behind the FIN of this side
    bool accepted_ = false;       // a SYN-ACK was seen
    exchange_builder builder_;
    frame_ref stuck_since_;
};

}  // namespace badorigin::capture
