// What is wrong with a message on the wire, by the name of the grammar rule that it breaks.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace badorigin::http {

/// Byte offset from the first byte of one direction of a TCP stream.
using stream_offset = std::uint64_t;

/// One broken rule each; the section of RFC 9112 (unless another is named) stands behind it.
enum class anomaly : std::uint8_t {
    bare_cr,                                ///< CR not followed by LF inside the header section (2.2)
    bare_lf,                                ///< LF as line end without CR (2.2): allowed to a recipient, still named
    obs_fold,                               ///< field line continued on the next line (5.2)
    missing_status_line,                    ///< bytes where a status line should be, no "HTTP/" (4): a headerless response
    bad_status_line,                        ///< starts with HTTP/ but is no status line (4)
    bad_request_line,                       ///< not method SP target SP version (3)
    http_09_request,                        ///< request line without a version (no section: HTTP/0.9)
    bad_version,                            ///< HTTP-version malformed or major version other than 1 (2.3)
    space_before_colon,                     ///< white space between field name and colon (5.1)
    bad_field_line,                         ///< a line of the header section without a colon, or with an invalid name (5)
    control_byte,                           ///< NUL or another control byte in a field value or start line (RFC 9110 5.5)
    duplicate_content_length,               ///< several equal Content-Length values (6.3)
    conflicting_content_length,             ///< several unlike Content-Length values (6.3)
    bad_content_length,                     ///< Content-Length is no decimal number, signed, or overflows (6.3)
    content_length_with_transfer_encoding,  ///< both present (6.1, 6.3)
    unknown_transfer_coding,                ///< Transfer-Encoding whose last coding is not chunked, or unknown (6.1)
    transfer_encoding_in_http_10,           ///< Transfer-Encoding in a message of HTTP/1.0 (6.1)
    bad_chunk_size,                         ///< chunk-size is no hex number or overflows (7.1)
    bad_chunk_end,                          ///< chunk data not followed by CRLF (7.1)
    several_host,                           ///< more than one Host field in a request (3.2)
    missing_host,                           ///< HTTP/1.1 request without Host (3.2)
    oversize_header,                        ///< header section larger than the reader's limit
    truncated_header,                       ///< the stream ended inside the start line or header section (8)
    truncated_body,                         ///< the stream ended before the framed end of the body (8)
    bytes_after_message,  ///< bytes that belong to no message (after a close-delimited end, unsolicited response bytes) (2.2, 9.2)
    body_on_bodiless,     ///< bytes follow a 204/304 or a response to HEAD that can be no next message (6.3)
};

/// The anomaly's name with hyphens ("bare-cr"), as findings and reports print it.
std::string_view name(anomaly what);
/// The section that it breaks, e.g. "RFC 9112 section 2.2"; empty where there is none.
std::string_view section(anomaly what);

struct anomaly_at {
    anomaly what;
    stream_offset offset;
    friend bool operator==(const anomaly_at&, const anomaly_at&) = default;
};

using anomalies = std::vector<anomaly_at>;

}  // namespace badorigin::http
