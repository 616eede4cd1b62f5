// Packets in, evidence out: what every reading of a capture shares, a bundle's or one made elsewhere.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "capture/evidence.h"
#include "capture/streams.h"

namespace badorigin::capture {

/// Called now and then; false: stop.
using go_on = std::function<bool(std::uint64_t bytes)>;
/// So many frames lie between two calls.
inline constexpr frame_number between_calls = 4096;
/// The error of a reading that was told to stop.
std::string stopped();

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
    /// A whole file; calls `after`, which may be empty, behind each packet. Returns what of the file is damaged; the error is a sentence.
    std::expected<std::string, std::string> take_file(const std::string& path, const go_on& progress,
                                                      const std::function<void(const frame_ref&)>& after = {});
    /// Connections and exchanges are complete and in order; not yet joined.
    void finish();

    // Who takes exchanges as they end does so with these, and does not finish() but close().
    void close();
    stream_table& streams() { return streams_; }
    std::vector<std::shared_ptr<exchange>>& exchanges() { return exchanges_; }
    std::vector<std::shared_ptr<connection>>& connections() { return connections_; }
    /// From now on it tells leg and server name of connections: of those that are open, those in connections(), and those to come.
    void name_by(const std::function<void(connection&)>& names);

private:
    evidence& all_;
    std::vector<std::shared_ptr<connection>> connections_;
    std::vector<std::shared_ptr<exchange>> exchanges_;
    stream_table streams_;
    frame_number damaged_ = 0;
    frame_ref first_damaged_;
};

/// The frame by which exchanges are in order.
frame_ref begin_of(const exchange& e);

}  // namespace badorigin::capture
