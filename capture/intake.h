// Packets in, evidence out: what every reading of a capture shares, a bundle's or one made elsewhere.
#pragma once

#include <memory>
#include <vector>

#include "capture/evidence.h"
#include "capture/streams.h"

namespace badorigin::capture {

/// Takes the packets in order; `all` gets markers at once, the rest with finish().
class intake {
public:
    explicit intake(evidence& all);
    intake(const intake&) = delete;
    intake& operator=(const intake&) = delete;
    void take(const raw_packet& packet);
    void take(const tcp_segment& segment) { streams_.feed(segment); }
    void take(const udp_datagram& datagram);
    /// One that cannot be decoded.
    void damaged(const frame_ref& frame);
    /// Connections and exchanges are complete and in order; not yet joined.
    void finish();
    /// The evidence's connections, while their legs may still be set.
    const std::vector<std::shared_ptr<connection>>& connections() const { return connections_; }

private:
    evidence& all_;
    std::vector<std::shared_ptr<connection>> connections_;
    std::vector<std::shared_ptr<exchange>> exchanges_;
    stream_table streams_;
    frame_number damaged_ = 0;
    frame_ref first_damaged_;
};

}  // namespace badorigin::capture
