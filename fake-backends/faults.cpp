#include "fake-backends/faults.h"

#include <algorithm>
#include <array>

namespace badorigin::peers {

std::string_view name(strikes place) {
    switch (place) {
        case strikes::at_connect:
            return "connection";
        case strikes::before_response:
            return "before the response";
        case strikes::in_header:
            return "in the header";
        case strikes::in_body:
            return "in the body";
        case strikes::after_response:
            return "after the response";
        case strikes::framing:
            return "framing";
        case strikes::semantics:
            return "semantics";
    }
    return {};
}

namespace {

using enum strikes;

// id | where | on the wire | breaks | who | arguments.
// A storm of error statuses is no fault of one exchange: it is a reply with `repeat: forever` or `until:`. Refusing, ignoring and
// closing connections before any request are ways of listening (script.h).
constexpr auto rows = std::to_array<fault_row>({
    // The connection's life
    {"close-on-reuse", at_connect,
     "On a reused connection: FIN once the request header has arrived; a fresh connection is answered normally", "",
     "R0.8; every keep-alive origin with an idle timeout", ""},
    {"reset-on-reuse", at_connect,
     "On a reused connection: RST once the request header has arrived; a fresh connection is answered normally", "RFC 9112 section 9.6",
     "R0.8", ""},
    {"close-idle-after", at_connect,
     "A good response, then FIN on the idle connection after `for` (default at once) without having announced it", "",
     "R0.8; FIN crosses the next request", "for"},

    // Before the response
    {"close-on-request", before_response, "FIN once the request header has arrived; the body is read and dropped, nothing is answered",
     "RFC 9112 section 8", "R0.1: EOF 4.6 ms after the request", ""},
    {"close-before-response", before_response, "The whole request is read, then FIN without an answer", "RFC 9112 section 8",
     "R0.1, R3.5; a worker that died", ""},
    {"reset-on-request", before_response, "RST once the request header has arrived", "RFC 9112 section 9.6", "R0.8", ""},
    {"reset-before-response", before_response, "The whole request is read, then RST without an answer", "RFC 9112 section 9.6",
     "R3.5; a killed application server", ""},
    {"stall-before-response", before_response,
     "The whole request is read, then silence for `for` (default: until the run ends), then the response", "", "R4.1; hung database",
     "for"},
    {"never-read", before_response,
     "After the request header nothing more is read for `for` (default: until the run ends); a large body fills the window", "",
     "R0.8; overloaded application server", "for"},
    {"early-response", before_response, "The response is sent after the request header while the body still arrives, then FIN", "",
     "R0.8: 413 in the middle of an upload", ""},
    {"early-response-reset", before_response, "The response is sent after the request header while the body still arrives, then RST",
     "RFC 9112 section 9.6", "R0.8: the RST destroys the 413 that was on its way", ""},
    {"interim-first", before_response, "An interim response (`text`: 100, 102 or 103; default 103) nobody asked for, then the response", "",
     "clients that take 1xx for the answer", "text"},
    {"many-interims", before_response, "`size` interim responses (default 100) before the response", "", "proxies that count on one",
     "size"},
    {"interim-then-close", before_response, "An interim response 103, then FIN without a final one", "RFC 9110 section 15.2",
     "an interim response taken for the answer", ""},
    {"switch-protocols", before_response, "101 Switching Protocols though no upgrade was asked for, then silence for `for`",
     "RFC 9110 section 15.2.2", "tunnels opened by accident", "for"},

    // In the header
    {"headerless", in_header, "An HTML error page (or `text`) without status line and header, then FIN", "RFC 9112 section 4",
     "R4.1: the HTTP checker at a TLS port", "text"},
    {"http-09-response", in_header, "The reply's body alone, without status line and header, then FIN", "RFC 9112 section 4", "R2.13", ""},
    {"close-in-header", in_header, "FIN after `after` bytes of the header (default half)", "RFC 9112 section 8", "R3.5", "after"},
    {"reset-in-header", in_header, "RST after `after` bytes of the header (default half)", "RFC 9112 section 8", "R3.5", "after"},
    {"stall-in-header", in_header, "Silence for `for` (default: until the run ends) after `after` bytes of the header (default half)", "",
     "R4.1; timeouts that count only the first byte", "after,for"},
    {"drip-header", in_header, "The header in pieces of `size` bytes (default 1), one `every` (default 100 ms)", "",
     "R2.12; timeouts between bytes that never add up", "size,every"},
    {"bad-status-line", in_header, "A status line whose code is no number (or `text`)", "RFC 9112 section 4", "parsers that read on",
     "text"},
    {"missing-version", in_header, "A status line without a version: \"200 OK\" (or `text`)", "RFC 9112 section 4", "R4.1", "text"},
    {"wrong-version", in_header, "A status line of HTTP/3.0 (or the version in `text`)", "RFC 9112 section 2.3",
     "parsers that trust the major version", "text"},
    {"status-out-of-range", in_header, "Status 999 (or the code in `text`)", "RFC 9110 section 15", "tables indexed by status", "text"},
    {"long-status-line", in_header, "A reason phrase of `size` bytes (default 65536)", "RFC 9112 section 3", "line buffers", "size"},
    {"huge-header", in_header, "A field line of `size` bytes (default 262144)", "RFC 9110 section 5.4", "header buffers", "size"},
    {"many-fields", in_header, "`size` field lines more (default 1000)", "RFC 9110 section 5.4", "tables of fields", "size"},
    {"bare-cr-in-header", in_header, "A field value with a CR in its middle that, taken as line end, makes a field of its own",
     "RFC 9112 section 2.2", "R2.5: cache poisoning", "text"},
    {"bare-lf", in_header, "Every header line ends with LF alone", "RFC 9112 section 2.2", "R2.5; a recipient may accept it", ""},
    {"obs-fold", in_header, "A field value folded over two lines", "RFC 9112 section 5.2", "fields lost or smuggled", ""},
    {"space-before-colon", in_header, "White space between a field name (`text`, default one of ours) and its colon",
     "RFC 9112 section 5.1", "field names that two parsers read differently", "text"},
    {"nul-in-header", in_header, "A NUL byte in a field value", "RFC 9110 section 5.5", "values cut short", ""},

    // In the body
    {"close-in-body", in_body, "FIN after `after` bytes of the body (default half), though the length was announced in full",
     "RFC 9112 section 8", "R3.5; truncated objects in the cache", "after"},
    {"reset-in-body", in_body, "RST after `after` bytes of the body (default half)", "RFC 9112 section 8", "R3.5", "after"},
    {"stall-in-body", in_body, "Silence for `for` (default: until the run ends) after `after` bytes of the body (default half)", "",
     "streaming clients that hang with the origin", "after,for"},
    {"drip-body", in_body, "The body in pieces of `size` bytes (default 1), one `every` (default 100 ms)", "",
     "R2.27; slow origins hold workers", "size,every"},

    // Behind the response
    {"close-after-response", after_response, "FIN right behind a response that promised to keep the connection", "RFC 9112 section 9.6",
     "R0.8: reuse meets the FIN", ""},
    {"reset-after-response", after_response, "RST right behind a whole response", "RFC 9112 section 9.6",
     "R0.8; PHP workers that are recycled", ""},
    {"half-close-after-response", after_response, "FIN right behind a response; what comes then is read but never answered",
     "RFC 9112 section 9.6", "R0.8; connections that look alive", ""},
    {"second-response", after_response, "Two whole responses for one request", "RFC 9112 section 9.2",
     "answers delivered to the wrong request", ""},
    {"bytes-after-message", after_response, "Bytes that belong to no message (`text`) behind the response", "RFC 9112 section 9.2",
     "the next response starts in the wrong place", "text"},

    // Framing
    {"body-short", framing, "Content-Length is larger than the body by `size` (default 100), then FIN", "RFC 9112 section 8", "R2.11",
     "size"},
    {"body-long", framing, "`size` bytes (default 100) more than Content-Length says; the connection stays open", "RFC 9112 section 6.3",
     "R2.11", "size"},
    {"conflicting-lengths", framing, "Two Content-Length fields that differ by `size` (default 1)", "RFC 9112 section 6.3",
     "R2.6; smuggling", "size"},
    {"duplicate-length", framing, "Two equal Content-Length fields", "RFC 9112 section 6.3", "R2.6", ""},
    {"bad-length", framing, "Content-Length: -1 (or `text`), then FIN behind the body", "RFC 9112 section 6.3", "R2.6; signed arithmetic",
     "text"},
    {"length-with-chunked", framing, "A chunked body and a Content-Length as well", "RFC 9112 section 6.1", "R2.6; smuggling", ""},
    {"bad-chunk-size", framing, "A chunk size that is no hex number (`text`, default \"xyz\"), then FIN", "RFC 9112 section 7.1", "R2.6",
     "text"},
    {"bad-chunk-end", framing, "Chunk data not followed by CRLF, then FIN", "RFC 9112 section 7.1", "R2.6", ""},
    {"missing-last-chunk", framing, "A chunked body without its last chunk, then FIN", "RFC 9112 section 8",
     "truncated objects in the cache", ""},
    {"truncated-chunk", framing, "FIN after `after` bytes (default half) of the data of a chunk", "RFC 9112 section 8",
     "truncated objects in the cache", "after"},
    {"huge-chunk-extension", framing, "A chunk extension of `size` bytes (default 65536)", "RFC 9112 section 7.1.1",
     "line buffers; bytes that nobody counts", "size"},
    {"forbidden-trailer", framing, "A trailer section with Content-Length and Set-Cookie", "RFC 9110 section 6.5.1",
     "fields merged that must not be", ""},
    {"unknown-coding", framing, "Transfer-Encoding: badorigin (or `text`), the body, FIN", "RFC 9112 section 6.1", "R2.6", "text"},
    {"chunked-in-http-10", framing, "A chunked body in a response of HTTP/1.0", "RFC 9112 section 6.1", "R2.11", ""},
    {"wrong-length-for-head", framing, "A response to HEAD with its body; other methods are answered normally", "RFC 9110 section 9.3.2",
     "the body is taken for the next response", ""},
    {"body-on-304", framing, "304 with Content-Length and a body", "RFC 9110 section 15.4.5", "the body is taken for the next response",
     ""},

    // Semantics
    {"unsolicited-304", semantics, "304 though the request was unconditional", "RFC 9110 section 15.4.5", "R2.8: crashed the cache", ""},
    {"stale-304", semantics, "304 with another ETag (`text`) than the conditional request named; an unconditional one is answered normally",
     "RFC 9110 section 15.4.5", "R2.30; the wrong body is kept alive", "text"},
    {"set-age-huge", semantics, "Age: 4294967296 (or `text`)", "RFC 9111 section 1.2.2", "R2.20; age overflows into freshness", "text"},
    {"bad-date", semantics, "A Date that is none: \"yesterday\" (or `text`)", "RFC 9110 section 6.6.1", "ages of fifty years", "text"},
    {"no-date", semantics, "No Date field", "RFC 9110 section 6.6.1", "the recipient must add it", ""},
    {"expires-garbage", semantics, "An Expires that is no date: \"soon\" (or `text`)", "RFC 9111 section 5.3",
     "must count as already expired", "text"},
    {"gzip-garbage", semantics, "Content-Encoding: gzip over a body that is none", "RFC 9110 section 8.4.1.3",
     "R2.11; fetches that die unpacking", ""},
});

}  // namespace

std::span<const fault_row> fault_catalogue() {
    return rows;
}

const fault_row* find_fault(std::string_view id) {
    const auto found = std::ranges::find(rows, id, &fault_row::id);
    return found == rows.end() ? nullptr : &*found;
}

}  // namespace badorigin::peers
