// Evidence without the right to capture: packets made up from what our own sockets sent and received. It shows what an application saw, not
// what was on the wire (no retransmissions, no segment boundaries); manifests say `tap`. Both wireshark and our reader take it as normal
// TCP.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "capture/marker.h"
#include "capture/packet.h"
#include "http/message.h"

namespace badorigin::capture {

/// May be called from any thread; each call is written as a whole, in the order of the calls.
class tap {
public:
    using connection_id = std::uint64_t;
    using time_source = std::function<nanoseconds()>;  ///< nanoseconds since 1970

    static std::expected<std::unique_ptr<tap>, std::string> create(const std::string& file, time_source now = system_time);
    static nanoseconds system_time();
    ~tap();
    tap(const tap&) = delete;
    tap& operator=(const tap&) = delete;

    /// The three-way handshake. Data of an unknown connection id is ignored.
    connection_id opened(const endpoint& client, const endpoint& server);
    /// A SYN that was answered by RST.
    void refused(const endpoint& client, const endpoint& server);
    void data(connection_id connection, http::direction side, std::string_view bytes);
    void fin(connection_id connection, http::direction side);
    void rst(connection_id connection, http::direction side);
    /// Fills number and nonce (and total for stop), as marker_sender does; returns the number.
    std::uint32_t mark(marker m, const std::string& nonce);

    void flush();
    /// First write error; empty: none.
    std::string error() const;
    frame_number written() const;

private:
    struct state;
    explicit tap(std::unique_ptr<state> s);
    std::unique_ptr<state> state_;
};

}  // namespace badorigin::capture
