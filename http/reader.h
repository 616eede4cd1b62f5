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
#include "http/running_hash.h"

namespace badorigin::http {

/// How one direction of a stream ended.
enum class stream_end : std::uint8_t { fin, reset, capture_ended };

struct reader_limits {
    std::size_t header_bytes = 1024 * 1024;  ///< a larger header section is named oversize_header and skipped to the stream's end
    std::size_t keep_content = 64 * 1024;    ///< of each body, for reports and body comparison
};

/// Receives what the reader finds, synchronously from feed(), gap() and end(). The message is the reader's; copy, move from it or swap with
/// it in on_end only (what it is swapped for is used again).
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
    /// `from`: bytes before that are none of its (a PROXY header).
    reader(direction side, reader_sink& sink, reader_limits limits = {}, stream_offset from = 0);

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
    enum class state : std::uint8_t {
        start,  ///< before a message, or inside the first bytes of a response that tell whether it has a status line
        start_line,
        header,
        body_length,
        body_until_close,
        chunk_size,
        chunk_data,
        chunk_end,
        trailer,
        tunnel,
        resync,  ///< looking for the next start line
        skip,    ///< nothing more is read
        ended,
    };

    // Each takes some of the bytes (or none, when it only changes the state), advances position_, and returns how many it took.
    std::size_t step(std::string_view bytes);
    std::size_t read_start(std::string_view bytes);
    std::size_t read_header_lines(std::string_view bytes);
    std::size_t read_body(std::string_view bytes);
    std::size_t read_chunk_header(std::string_view bytes);
    std::size_t read_chunk_end(std::string_view bytes);
    std::size_t resync_request(std::string_view bytes);
    std::size_t resync_response(std::string_view bytes);

    struct taken {
        std::size_t used = 0;
        bool whole = false;        ///< a whole line was taken
        bool oversize = false;     ///< the limit was met before its end
        std::string_view text;     ///< the line without LF; in the bytes given or in line_
        stream_offset offset = 0;  ///< of the line
    };
    taken take_line(std::string_view bytes);

    void first_byte(stream_offset at);
    void decide_http();
    void decide_no_http();
    void begin(stream_offset at);
    void read_header_line(const taken& raw);
    void header_done();
    void finish(bool complete);
    void break_chunking(const taken& raw);
    void truncate(stream_end how, anomaly what);
    void lose_message();
    void answer_awaited();
    void add_content(std::string_view bytes);
    void name(anomaly what, stream_offset at) { current_.anomalies.push_back({what, at}); }
    void name_in_chunks(const anomaly_at& found);

    direction side_;
    reader_sink& sink_;
    reader_limits limits_;
    stream_offset position_ = 0;
    state state_ = state::start;
    std::deque<std::string> awaited_methods_;
    std::string request_method_;  ///< of the request that the current response answers
    message current_;
    running_hash content_;             ///< of its content
    std::string line_;                 ///< the part of the current line that came in earlier pieces
    stream_offset section_begin_ = 0;  ///< where the bytes that the header limit counts begin
    std::uint64_t remaining_ = 0;      ///< of the body or the chunk
    stream_offset probe_at_ = 0;       ///< where the bytes under probing_ began
    bool begun_ = false;               ///< on_begin was told, on_end not yet
    bool probing_ = false;             ///< bytes came that may be no message: wait for "HTTP/" before telling anything
    bool after_bodiless_ = false;      ///< the last response had no body by its status or method
    bool after_close_ = false;         ///< the last message said that none would follow
    bool after_http_09_ = false;
    bool lost_ = false;           ///< resync after a gap: a response counts even where none is awaited
    bool line_too_long_ = false;  ///< resync_request drops the line at hand
};

}  // namespace badorigin::http
