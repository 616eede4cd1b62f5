// An HTTP/1.x message as it stood on the wire: a pure value, with the byte offsets of its parts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/anomaly.h"
#include "http/fields.h"

namespace badorigin::http {

/// All values of that name in order.
std::vector<std::string_view> values(const fields& all, std::string_view name);
/// True when a comma-separated list field of that name (all lines) has this token, case-insensitively (RFC 9110 5.6.1).
bool has_token(const fields& all, std::string_view name, std::string_view token);

enum class direction : std::uint8_t { request, response };

/// How the end of the body is found (RFC 9112 6.3).
enum class framing : std::uint8_t {
    none,    ///< no body: request without length, 1xx, 204, 304, answer to HEAD
    length,  ///< Content-Length
    chunked,
    until_close,  ///< a response that ends with its connection
    tunnel,       ///< after 101 or 2xx to CONNECT: not HTTP any more
    headerless,   ///< bytes without a status line, up to the close (R4.1)
};
std::string_view name(framing how);

struct version {
    int major = 1;
    int minor = 1;
    friend bool operator==(const version&, const version&) = default;
};

struct message {
    direction side = direction::request;
    std::string method, target;  ///< requests
    int status = 0;              ///< responses; 0 when headerless or unreadable
    std::string reason;
    http::version version;
    http::fields fields, trailers;
    http::framing framing = framing::none;
    std::optional<std::uint64_t> declared_length;  ///< Content-Length where it is valid

    stream_offset begin = 0;       ///< first byte of the start line
    stream_offset body_begin = 0;  ///< first byte behind the header section
    stream_offset end = 0;         ///< behind the last byte that belongs to the message (so far)

    std::uint64_t content_size = 0;  ///< content bytes received, chunk framing taken off
    std::uint64_t content_hash = 0;  ///< http::hash of the content received; 0 until the message is over
    std::string content_start;       ///< the first bytes of the content, at most reader_limits::keep_content
    bool header_complete = false;
    bool complete = false;  ///< ended as framed
    bool gap = false;       ///< bytes of this message are missing from the capture
    http::anomalies anomalies;

    /// As a new one, with the memory that it has.
    void clear();
    bool has(anomaly what) const;
    bool interim() const { return side == direction::response && status >= 100 && status < 200 && status != 101; }
    std::optional<std::string_view> field(std::string_view name) const { return first(fields, name); }
    /// RFC 9112 9.3: the connection may serve another message after this one.
    bool persistent() const;
};

}  // namespace badorigin::http
