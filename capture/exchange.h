// What the packets say happened: connections, exchanges on them, and transactions that relate client exchanges to fetches.
// Pure values; shared pointers to const, so that judge and reports may keep what they cite.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/packet.h"
#include "http/message.h"
#include "http/reader.h"

namespace badorigin::capture {

/// Which side of the proxy under test a connection is on (DESIGN.md: leg).
enum class leg : std::uint8_t { client, origin, unknown };

/// Missing bytes of one direction: [from, to) in stream offsets. Typed, never filled.
struct hole {
    http::direction side;
    http::stream_offset from = 0, to = 0;
    frame_ref noticed_at;  ///< the frame that showed it
};

struct connection {
    std::uint64_t id = 0;     ///< in order of first frame, from 1
    endpoint client, server;  ///< who connected to whom
    capture::leg leg = capture::leg::unknown;
    std::string server_name;      ///< the role of the server's address in the manifest: "proxy", "origin:app"; empty if unknown
    std::string asker;            ///< of several proxies: the one that opened it; empty: a client, or unknown
    frame_ref opened;             ///< first frame seen (SYN when `complete_start`)
    std::string proxy_header;     ///< that the client began with (http/proxy_header.h): "1 192.0.2.1 4321 198.51.100.1 80"; empty: none
    bool complete_start = false;  ///< the SYN was seen
    bool established = false;     ///< SYN-ACK seen (or data)
    bool refused = false;         ///< SYN answered by RST
    frame_ref client_fin, server_fin, client_rst, server_rst;  ///< first of each; number 0 when none
    frame_ref unexplained_reset;                               ///< says that a segment came to a closed socket, and none is seen; 0: none
    frame_ref last;                                            ///< last frame seen
    std::uint64_t request_bytes = 0, response_bytes = 0;       ///< distinct payload bytes seen in each direction
    std::uint64_t retransmissions = 0;                         ///< segments (SYN and FIN too) of which everything was seen before
    std::uint64_t overlaps_that_differ = 0;                    ///< and segments whose bytes are not those that were seen there
    std::uint32_t client_sequence = 0, server_sequence = 0;    ///< of the first byte of each direction, as far as it was seen
    std::vector<hole> holes;
    http::anomalies stray;  ///< bytes that belong to no message (request direction and response direction)
    std::uint32_t exchanges = 0;
    bool closed() const { return (client_fin && server_fin) || client_rst || server_rst || refused; }
};

/// A message with the frames that carried it.
struct seen_message {
    http::message message;
    frame_ref first, header_end, last;  ///< frames that carried its first byte, the end of its header section, its last byte
    std::vector<frame_number> frames;   ///< all data frames that carried bytes of it, at most 64
};

/// A request with its interim and final responses on one connection.
/// Made by make_shared: who cites one keeps it.
struct exchange : std::enable_shared_from_this<exchange> {
    std::uint64_t id = 0;                  ///< in order of the request's first byte, from 1
    std::shared_ptr<const connection> on;  ///< complete once the capture is read
    std::uint32_t index = 0;               ///< on its connection, from 0; > 0: the connection was reused
    std::optional<seen_message> request;   ///< nothing: response bytes without a request
    std::vector<seen_message> interim;
    std::optional<seen_message> response;  ///< nothing: none came
    nanoseconds idle_before{0};            ///< reused: from the last byte of the exchange before to the first byte of this one
    bool gap = false;                      ///< some byte of it is missing from the capture, or so much that its pairing is in doubt
    std::string token;                     ///< Badorigin-Token of the request, empty if none
    std::string serial;                    ///< Badorigin-Serial of the final response, empty if none

    bool answered() const { return response && response->message.header_complete; }
    /// A final response that is complete as framed.
    bool answered_whole() const { return response && response->message.complete; }
    capture::leg leg() const { return on ? on->leg : leg::unknown; }
};
using exchange_ptr = std::shared_ptr<const exchange>;

/// How sure it is that a fetch was made for its client exchange. Ambiguous is said, not guessed: such a fetch has no client.
enum class confidence : std::uint8_t { certain, likely, ambiguous };
std::string_view name(confidence how);

/// A fetch: one or more attempts with the same request, where each attempt but the last got no whole final response.
struct fetch {
    std::vector<exchange_ptr> attempts;
    confidence joined = confidence::certain;
    std::string_view by =
        {};  ///< what it was joined by: "token", "x-varnish", "traceparent", "body", "target+fields+time" …; empty: by nothing
};

/// One client exchange and the fetches made for it, or (client null) what an origin was asked on behalf of no client that is known.
struct transaction {
    enum class kind : std::uint8_t { client, probe_or_unasked };
    transaction::kind kind = kind::client;
    exchange_ptr client;
    std::vector<fetch> fetches;
    exchange_ptr delivered_from;           ///< the origin exchange whose response the client got; null: no origin's, or unknown
    std::vector<exchange_ptr> candidates;  ///< without a client: the client exchanges that the fetch fits equally well, at most 16
};

/// Field names of the harness, on the wire of staged runs.
inline constexpr std::string_view token_field = "Badorigin-Token";
inline constexpr std::string_view serial_field = "Badorigin-Serial";

}  // namespace badorigin::capture
