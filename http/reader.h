// The judge's tolerant reader of HTTP/1.x: one direction of one connection, fed in pieces of any size.
//
// It never refuses: what a strict parser would reject is named as an anomaly at its byte offset, and reading goes on in the
// way that a forgiving recipient would (RFC 9112 names them section by section). It shares no code with the bundled cache.
// A hole in the capture is told through gap(): bytes are never made up. Splitting the input anywhere gives the same messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "http/message.h"

namespace badorigin::http {

/// How one direction of a stream ended.
enum class stream_end : std::uint8_t { fin, reset, capture_ended };

struct reader_limits {
    std::size_t header_bytes = 256 * 1024;  ///< a larger header section is named oversize_header and skipped to the stream's end
    std::size_t keep_content = 64 * 1024;   ///< of each body, for reports and body comparison
};

/// Receives what the reader finds, synchronously from feed(), gap() and end(). The message is the reader's; copy or move from it in
/// on_end only.
class reader_sink {
public:
    virtual ~reader_sink() = default;
    /// First byte of a message arrived.
    virtual void on_begin(stream_offset at) = 0;
    /// The header section is complete (for a headerless response: recognised as such).
    virtual void on_header(const message& so_far) = 0;
    /// The message is over: complete, or broken by a gap or the end of the stream (see its flags and anomalies).
    virtual void on_end(message&& whole) = 0;
    /// Bytes that belong to no message; each run is told once, when it begins.
    virtual void on_stray(stream_offset at, anomaly why) = 0;
};

class reader {
public:
    reader(direction side, reader_sink& sink, reader_limits limits = {});

    /// Responses: the method of the next request that awaits a response (HEAD, CONNECT change the framing). To be called in order of the
    /// requests, when their header is complete or, for a request cut short, when it is over. A response without an announced request is
    /// framed as if to GET.
    void expect_response_to(std::string_view method);

    void feed(std::string_view bytes);
    /// `length` bytes are missing here. The message they fall into is marked; inside a body of known framing reading goes on
    /// behind them, in a header section or chunk framing the reader looks for the next start line.
    void gap(std::uint64_t length);
    void end(stream_end how);

    /// Requests: bytes from here on are a tunnel (the response side saw 101 or CONNECT succeeded).
    void become_tunnel();

    stream_offset position() const { return position_; }
    /// True between messages (nothing begun).
    bool idle() const;

private:
    enum class state : std::uint8_t { start, start_line, header, body_length, body_until_close, chunk_size, chunk_data, chunk_end, trailer, tunnel, resync, ended };

    direction side_;
    reader_sink& sink_;
    reader_limits limits_;
    stream_offset position_ = 0;
    state state_ = state::start;
    // The implementer adds what it needs below.
    std::deque<std::string> awaited_methods_;
    message current_;
};

}  // namespace badorigin::http
