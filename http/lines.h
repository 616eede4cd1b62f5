// One line of a header section at a time: what it means, and what is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace badorigin::http {

/// A line as take-off from the stream: without its LF and without the CR before it.
struct line {
    std::string_view text;
    stream_offset offset = 0;  ///< of its first byte
};

/// Takes CR off the end of `raw` (a line without its LF) and names what is wrong with the line end or with CRs inside.
line read_line_end(std::string_view raw, stream_offset offset, anomalies& found);

void read_request_line(const line& start, message& into);
void read_status_line(const line& start, message& into);
/// A non-empty line of a header or trailer section: appended to `all`, or to the last of them where it is folded.
void read_field_line(const line& whole, fields& all, anomalies& found);

/// The size in a chunk header line; nothing where it is unreadable. Names bad_chunk_size in both cases that break the grammar.
std::optional<std::uint64_t> read_chunk_size(const line& whole, anomalies& found);

/// The offset inside `text` at which a request line begins that ends with `text` (RFC 9112 3): method, target, HTTP/1.x. For
/// resynchronisation.
std::optional<std::size_t> find_request_line(std::string_view text);

/// How the body of a message with a complete header is framed (RFC 9112 6.3), and what is wrong with Content-Length, Transfer-Encoding
/// and Host. `request_method` is that of the request which a response answers.
void settle_framing(message& whole, std::string_view request_method);

}  // namespace badorigin::http
