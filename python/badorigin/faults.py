"""The faults, one function each. Made by python/generate-faults from the catalogue (docs/faults.md); sizes in bytes."""
from __future__ import annotations

from typing import Any

from ._values import Duration, Fault, Text, plain


def _fault(name: str, arguments: list[tuple[str, Any]]) -> Fault:
    return Fault({name: {key: plain(value) for key, value in arguments if value is not None}})


def close_on_reuse() -> Fault:
    """On a reused connection: FIN once the request header has arrived; a fresh connection is answered normally (connection). R0.8; every
    keep-alive origin with an idle timeout.
    """
    return _fault("close-on-reuse", [])


def reset_on_reuse() -> Fault:
    """On a reused connection: RST once the request header has arrived; a fresh connection is answered normally (connection). Breaks RFC
    9112 section 9.6; R0.8.
    """
    return _fault("reset-on-reuse", [])


def close_idle_after(*, for_: Duration | None = None) -> Fault:
    """A good response, then FIN on the idle connection after `for` (default at once) without having announced it (connection). R0.8; FIN
    crosses the next request.

    for_: how long it lasts.
    """
    return _fault("close-idle-after", [("for", for_)])


def close_on_request() -> Fault:
    """FIN once the request header has arrived; the body is read and dropped, nothing is answered (before the response). Breaks RFC 9112
    section 8; R0.1: EOF 4.6 ms after the request.
    """
    return _fault("close-on-request", [])


def close_before_response() -> Fault:
    """The whole request is read, then FIN without an answer (before the response). Breaks RFC 9112 section 8; R0.1, R3.5; a worker that
    died.
    """
    return _fault("close-before-response", [])


def reset_on_request() -> Fault:
    """RST once the request header has arrived (before the response). Breaks RFC 9112 section 9.6; R0.8."""
    return _fault("reset-on-request", [])


def reset_before_response() -> Fault:
    """The whole request is read, then RST without an answer (before the response). Breaks RFC 9112 section 9.6; R3.5; a killed
    application server.
    """
    return _fault("reset-before-response", [])


def stall_before_response(*, for_: Duration | None = None) -> Fault:
    """The whole request is read, then silence for `for` (default: until the run ends), then the response (before the response). R4.1;
    hung database.

    for_: how long it lasts.
    """
    return _fault("stall-before-response", [("for", for_)])


def never_read(*, for_: Duration | None = None) -> Fault:
    """After the request header nothing more is read for `for` (default: until the run ends); a large body fills the window (before the
    response). R0.8; overloaded application server.

    for_: how long it lasts.
    """
    return _fault("never-read", [("for", for_)])


def early_response() -> Fault:
    """The response is sent after the request header while the body still arrives, then FIN (before the response). R0.8: 413 in the
    middle of an upload.
    """
    return _fault("early-response", [])


def early_response_reset() -> Fault:
    """The response is sent after the request header while the body still arrives, then RST (before the response). Breaks RFC 9112
    section 9.6; R0.8: the RST destroys the 413 that was on its way.
    """
    return _fault("early-response-reset", [])


def interim_first(*, text: Text | None = None) -> Fault:
    """An interim response (`text`: 100, 102 or 103; default 103) nobody asked for, then the response (before the response). clients that
    take 1xx for the answer.

    text: what goes on the wire.
    """
    return _fault("interim-first", [("text", text)])


def many_interims(*, size: int | None = None) -> Fault:
    """`size` interim responses (default 100) before the response (before the response). proxies that count on one.

    size: bytes, or pieces, or lines, as said above.
    """
    return _fault("many-interims", [("size", size)])


def interim_then_close() -> Fault:
    """An interim response 103, then FIN without a final one (before the response). Breaks RFC 9110 section 15.2; an interim response
    taken for the answer.
    """
    return _fault("interim-then-close", [])


def switch_protocols(*, for_: Duration | None = None) -> Fault:
    """101 Switching Protocols though no upgrade was asked for, then silence for `for` (before the response). Breaks RFC 9110 section
    15.2.2; tunnels opened by accident.

    for_: how long it lasts.
    """
    return _fault("switch-protocols", [("for", for_)])


def headerless(*, text: Text | None = None) -> Fault:
    """An HTML error page (or `text`) without status line and header, then FIN (in the header). Breaks RFC 9112 section 4; R4.1: the HTTP
    checker at a TLS port.

    text: what goes on the wire.
    """
    return _fault("headerless", [("text", text)])


def http_09_response() -> Fault:
    """The reply's body alone, without status line and header, then FIN (in the header). Breaks RFC 9112 section 4; R2.13."""
    return _fault("http-09-response", [])


def close_in_header(*, after: int | None = None) -> Fault:
    """FIN after `after` bytes of the header (default half) (in the header). Breaks RFC 9112 section 8; R3.5.

    after: bytes of the part where it strikes.
    """
    return _fault("close-in-header", [("after", after)])


def reset_in_header(*, after: int | None = None) -> Fault:
    """RST after `after` bytes of the header (default half) (in the header). Breaks RFC 9112 section 8; R3.5.

    after: bytes of the part where it strikes.
    """
    return _fault("reset-in-header", [("after", after)])


def stall_in_header(*, after: int | None = None, for_: Duration | None = None) -> Fault:
    """Silence for `for` (default: until the run ends) after `after` bytes of the header (default half) (in the header). R4.1; timeouts
    that count only the first byte.

    after: bytes of the part where it strikes.
    for_: how long it lasts.
    """
    return _fault("stall-in-header", [("after", after), ("for", for_)])


def drip_header(*, size: int | None = None, every: Duration | None = None) -> Fault:
    """The header in pieces of `size` bytes (default 1), one `every` (default 100 ms) (in the header). R2.12; timeouts between bytes that
    never add up.

    size: bytes, or pieces, or lines, as said above.
    every: pause between the pieces.
    """
    return _fault("drip-header", [("size", size), ("every", every)])


def bad_status_line(*, text: Text | None = None) -> Fault:
    """A status line whose code is no number (or `text`) (in the header). Breaks RFC 9112 section 4; parsers that read on.

    text: what goes on the wire.
    """
    return _fault("bad-status-line", [("text", text)])


def missing_version(*, text: Text | None = None) -> Fault:
    """A status line without a version: "200 OK" (or `text`) (in the header). Breaks RFC 9112 section 4; R4.1.

    text: what goes on the wire.
    """
    return _fault("missing-version", [("text", text)])


def wrong_version(*, text: Text | None = None) -> Fault:
    """A status line of HTTP/3.0 (or the version in `text`) (in the header). Breaks RFC 9112 section 2.3; parsers that trust the major
    version.

    text: what goes on the wire.
    """
    return _fault("wrong-version", [("text", text)])


def status_out_of_range(*, text: Text | None = None) -> Fault:
    """Status 999 (or the code in `text`) (in the header). Breaks RFC 9110 section 15; tables indexed by status.

    text: what goes on the wire.
    """
    return _fault("status-out-of-range", [("text", text)])


def long_status_line(*, size: int | None = None) -> Fault:
    """A reason phrase of `size` bytes (default 65536) (in the header). Breaks RFC 9112 section 3; line buffers.

    size: bytes, or pieces, or lines, as said above.
    """
    return _fault("long-status-line", [("size", size)])


def huge_header(*, size: int | None = None) -> Fault:
    """A field line of `size` bytes (default 262144) (in the header). Breaks RFC 9110 section 5.4; header buffers.

    size: bytes, or pieces, or lines, as said above.
    """
    return _fault("huge-header", [("size", size)])


def many_fields(*, size: int | None = None) -> Fault:
    """`size` field lines more (default 1000) (in the header). Breaks RFC 9110 section 5.4; tables of fields.

    size: bytes, or pieces, or lines, as said above.
    """
    return _fault("many-fields", [("size", size)])


def bare_cr_in_header(*, text: Text | None = None) -> Fault:
    """A field value with a CR in its middle that, taken as line end, makes a field of its own (in the header). Breaks RFC 9112 section
    2.2; R2.5: cache poisoning.

    text: what goes on the wire.
    """
    return _fault("bare-cr-in-header", [("text", text)])


def bare_lf() -> Fault:
    """Every header line ends with LF alone (in the header). Breaks RFC 9112 section 2.2; R2.5; a recipient may accept it."""
    return _fault("bare-lf", [])


def obs_fold() -> Fault:
    """A field value folded over two lines (in the header). Breaks RFC 9112 section 5.2; fields lost or smuggled."""
    return _fault("obs-fold", [])


def space_before_colon(*, text: Text | None = None) -> Fault:
    """White space between a field name (`text`, default one of ours) and its colon (in the header). Breaks RFC 9112 section 5.1; field
    names that two parsers read differently.

    text: what goes on the wire.
    """
    return _fault("space-before-colon", [("text", text)])


def nul_in_header() -> Fault:
    """A NUL byte in a field value (in the header). Breaks RFC 9110 section 5.5; values cut short."""
    return _fault("nul-in-header", [])


def close_in_body(*, after: int | None = None) -> Fault:
    """FIN after `after` bytes of the body (default half), though the length was announced in full (in the body). Breaks RFC 9112 section
    8; R3.5; truncated objects in the cache.

    after: bytes of the part where it strikes.
    """
    return _fault("close-in-body", [("after", after)])


def reset_in_body(*, after: int | None = None) -> Fault:
    """RST after `after` bytes of the body (default half) (in the body). Breaks RFC 9112 section 8; R3.5.

    after: bytes of the part where it strikes.
    """
    return _fault("reset-in-body", [("after", after)])


def stall_in_body(*, after: int | None = None, for_: Duration | None = None) -> Fault:
    """Silence for `for` (default: until the run ends) after `after` bytes of the body (default half) (in the body). streaming clients
    that hang with the origin.

    after: bytes of the part where it strikes.
    for_: how long it lasts.
    """
    return _fault("stall-in-body", [("after", after), ("for", for_)])


def drip_body(*, size: int | None = None, every: Duration | None = None) -> Fault:
    """The body in pieces of `size` bytes (default 1), one `every` (default 100 ms) (in the body). R2.27; slow origins hold workers.

    size: bytes, or pieces, or lines, as said above.
    every: pause between the pieces.
    """
    return _fault("drip-body", [("size", size), ("every", every)])


def close_after_response() -> Fault:
    """FIN right behind a response that promised to keep the connection (after the response). Breaks RFC 9112 section 9.6; R0.8: reuse
    meets the FIN.
    """
    return _fault("close-after-response", [])


def reset_after_response() -> Fault:
    """RST right behind a whole response (after the response). Breaks RFC 9112 section 9.6; R0.8; PHP workers that are recycled."""
    return _fault("reset-after-response", [])


def half_close_after_response() -> Fault:
    """FIN right behind a response; what comes then is read but never answered (after the response). Breaks RFC 9112 section 9.6; R0.8;
    connections that look alive.
    """
    return _fault("half-close-after-response", [])


def second_response() -> Fault:
    """Two whole responses for one request (after the response). Breaks RFC 9112 section 9.2; answers delivered to the wrong request."""
    return _fault("second-response", [])


def bytes_after_message(*, text: Text | None = None) -> Fault:
    """Bytes that belong to no message (`text`) behind the response (after the response). Breaks RFC 9112 section 9.2; the next response
    starts in the wrong place.

    text: what goes on the wire.
    """
    return _fault("bytes-after-message", [("text", text)])


def body_short(*, size: int | None = None) -> Fault:
    """Content-Length is larger than the body by `size` (default 100), then FIN (framing). Breaks RFC 9112 section 8; R2.11.

    size: bytes, or pieces, or lines, as said above.
    """
    return _fault("body-short", [("size", size)])


def body_long(*, size: int | None = None) -> Fault:
    """`size` bytes (default 100) more than Content-Length says; the connection stays open (framing). Breaks RFC 9112 section 6.3; R2.11.

    size: bytes, or pieces, or lines, as said above.
    """
    return _fault("body-long", [("size", size)])


def conflicting_lengths(*, size: int | None = None) -> Fault:
    """Two Content-Length fields that differ by `size` (default 1) (framing). Breaks RFC 9112 section 6.3; R2.6; smuggling.

    size: bytes, or pieces, or lines, as said above.
    """
    return _fault("conflicting-lengths", [("size", size)])


def duplicate_length() -> Fault:
    """Two equal Content-Length fields (framing). Breaks RFC 9112 section 6.3; R2.6."""
    return _fault("duplicate-length", [])


def bad_length(*, text: Text | None = None) -> Fault:
    """Content-Length: -1 (or `text`), then FIN behind the body (framing). Breaks RFC 9112 section 6.3; R2.6; signed arithmetic.

    text: what goes on the wire.
    """
    return _fault("bad-length", [("text", text)])


def length_with_chunked() -> Fault:
    """A chunked body and a Content-Length as well (framing). Breaks RFC 9112 section 6.1; R2.6; smuggling."""
    return _fault("length-with-chunked", [])


def bad_chunk_size(*, text: Text | None = None) -> Fault:
    """A chunk size that is no hex number (`text`, default "xyz"), then FIN (framing). Breaks RFC 9112 section 7.1; R2.6.

    text: what goes on the wire.
    """
    return _fault("bad-chunk-size", [("text", text)])


def bad_chunk_end() -> Fault:
    """Chunk data not followed by CRLF, then FIN (framing). Breaks RFC 9112 section 7.1; R2.6."""
    return _fault("bad-chunk-end", [])


def missing_last_chunk() -> Fault:
    """A chunked body without its last chunk, then FIN (framing). Breaks RFC 9112 section 8; truncated objects in the cache."""
    return _fault("missing-last-chunk", [])


def truncated_chunk(*, after: int | None = None) -> Fault:
    """FIN after `after` bytes (default half) of the data of a chunk (framing). Breaks RFC 9112 section 8; truncated objects in the
    cache.

    after: bytes of the part where it strikes.
    """
    return _fault("truncated-chunk", [("after", after)])


def huge_chunk_extension(*, size: int | None = None) -> Fault:
    """A chunk extension of `size` bytes (default 65536) (framing). Breaks RFC 9112 section 7.1.1; line buffers; bytes that nobody
    counts.

    size: bytes, or pieces, or lines, as said above.
    """
    return _fault("huge-chunk-extension", [("size", size)])


def forbidden_trailer() -> Fault:
    """A trailer section with Content-Length and Set-Cookie (framing). Breaks RFC 9110 section 6.5.1; fields merged that must not be."""
    return _fault("forbidden-trailer", [])


def unknown_coding(*, text: Text | None = None) -> Fault:
    """Transfer-Encoding: badorigin (or `text`), the body, FIN (framing). Breaks RFC 9112 section 6.1; R2.6.

    text: what goes on the wire.
    """
    return _fault("unknown-coding", [("text", text)])


def chunked_in_http_10() -> Fault:
    """A chunked body in a response of HTTP/1.0 (framing). Breaks RFC 9112 section 6.1; R2.11."""
    return _fault("chunked-in-http-10", [])


def wrong_length_for_head() -> Fault:
    """A response to HEAD with its body; other methods are answered normally (framing). Breaks RFC 9110 section 9.3.2; the body is taken
    for the next response.
    """
    return _fault("wrong-length-for-head", [])


def body_on_304() -> Fault:
    """304 with Content-Length and a body (framing). Breaks RFC 9110 section 15.4.5; the body is taken for the next response."""
    return _fault("body-on-304", [])


def unsolicited_304() -> Fault:
    """304 though the request was unconditional (semantics). Breaks RFC 9110 section 15.4.5; R2.8: crashed the cache."""
    return _fault("unsolicited-304", [])


def stale_304(*, text: Text | None = None) -> Fault:
    """304 with another ETag (`text`) than the conditional request named; an unconditional one is answered normally (semantics). Breaks
    RFC 9110 section 15.4.5; R2.30; the wrong body is kept alive.

    text: what goes on the wire.
    """
    return _fault("stale-304", [("text", text)])


def set_age_huge(*, text: Text | None = None) -> Fault:
    """Age: 4294967296 (or `text`) (semantics). Breaks RFC 9111 section 1.2.2; R2.20; age overflows into freshness.

    text: what goes on the wire.
    """
    return _fault("set-age-huge", [("text", text)])


def bad_date(*, text: Text | None = None) -> Fault:
    """A Date that is none: "yesterday" (or `text`) (semantics). Breaks RFC 9110 section 6.6.1; ages of fifty years.

    text: what goes on the wire.
    """
    return _fault("bad-date", [("text", text)])


def no_date() -> Fault:
    """No Date field (semantics). Breaks RFC 9110 section 6.6.1; the recipient must add it."""
    return _fault("no-date", [])


def expires_garbage(*, text: Text | None = None) -> Fault:
    """An Expires that is no date: "soon" (or `text`) (semantics). Breaks RFC 9111 section 5.3; must count as already expired.

    text: what goes on the wire.
    """
    return _fault("expires-garbage", [("text", text)])


def gzip_garbage() -> Fault:
    """Content-Encoding: gzip over a body that is none (semantics). Breaks RFC 9110 section 8.4.1.3; R2.11; fetches that die unpacking."""
    return _fault("gzip-garbage", [])
