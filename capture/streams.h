// From TCP segments to exchanges: reassembly of each direction and the HTTP reader on top, in one pass, with memory bounded by the open
// streams.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "capture/exchange.h"
#include "capture/packet.h"

namespace badorigin::capture {

struct stream_limits {
    std::size_t out_of_order_bytes = 4u << 20;  ///< kept per direction while a hole may still be filled; beyond it the hole is final
    http::reader_limits http;
};

/// Feeds segments in file order, yields connections (when they close or at finish) and exchanges (when they are over).
/// Retransmissions, overlaps, out-of-order arrival, sequence wrap, mid-stream start, port reuse (a new SYN), snap-length cuts, RST and
/// half-close are handled. A hole that is acknowledged by the other side, or still open when the stream closes or the capture ends, becomes
/// a typed gap: so does payload acknowledged or bounded by FIN/RST sequence numbers but never seen.
class stream_table {
public:
    using on_exchange = std::function<void(std::shared_ptr<exchange>)>;
    using on_connection = std::function<void(std::shared_ptr<connection>)>;

    /// `roles`: by "ADDR:PORT" of the server. A SYN tells client from server; where none was seen, the endpoint with a role is the server,
    /// else the one that an earlier SYN went to, else what looks like HTTP tells, else the lower port is the server.
    stream_table(std::map<std::string, std::string> roles, on_connection connections, on_exchange exchanges, stream_limits limits = {});
    ~stream_table();
    void feed(const tcp_segment& segment);
    /// The capture is over: everything open is closed as `capture_ended`.
    void finish();
    std::size_t open_streams() const;
    /// An exchange that it gave out, to be used again; nobody else has it.
    void take_back(std::shared_ptr<exchange> e);
    /// The first frame of any exchange that is not given out yet, as far as something of it came; none: nothing is open.
    frame_ref oldest_open() const;
    /// From now on it tells leg and server name of connections, in place of the roles; at once of those that are open.
    void name_by(std::function<void(connection&)> names);

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace badorigin::capture
