#include "http/anomaly.h"

namespace badorigin::http {

std::string_view name(anomaly what) {
    using enum anomaly;
    switch (what) {
        case bare_cr:
            return "bare-cr";
        case bare_lf:
            return "bare-lf";
        case obs_fold:
            return "obs-fold";
        case missing_status_line:
            return "missing-status-line";
        case bad_status_line:
            return "bad-status-line";
        case bad_request_line:
            return "bad-request-line";
        case http_09_request:
            return "http-09-request";
        case bad_version:
            return "bad-version";
        case space_before_colon:
            return "space-before-colon";
        case bad_field_line:
            return "bad-field-line";
        case control_byte:
            return "control-byte";
        case duplicate_content_length:
            return "duplicate-content-length";
        case conflicting_content_length:
            return "conflicting-content-length";
        case bad_content_length:
            return "bad-content-length";
        case content_length_with_transfer_encoding:
            return "content-length-with-transfer-encoding";
        case unknown_transfer_coding:
            return "unknown-transfer-coding";
        case transfer_encoding_in_http_10:
            return "transfer-encoding-in-http-10";
        case bad_chunk_size:
            return "bad-chunk-size";
        case bad_chunk_end:
            return "bad-chunk-end";
        case several_host:
            return "several-host";
        case missing_host:
            return "missing-host";
        case oversize_header:
            return "oversize-header";
        case truncated_header:
            return "truncated-header";
        case truncated_body:
            return "truncated-body";
        case bytes_after_message:
            return "bytes-after-message";
        case body_on_bodiless:
            return "body-on-bodiless";
    }
    return "unknown";
}

std::string_view section(anomaly what) {
    using enum anomaly;
    switch (what) {
        case bare_cr:
        case bare_lf:
            return "RFC 9112 section 2.2";
        case bad_version:
            return "RFC 9112 section 2.3";
        case bad_request_line:
            return "RFC 9112 section 3";
        case several_host:
        case missing_host:
            return "RFC 9112 section 3.2";
        case missing_status_line:
        case bad_status_line:
            return "RFC 9112 section 4";
        case bad_field_line:
            return "RFC 9112 section 5";
        case space_before_colon:
            return "RFC 9112 section 5.1";
        case obs_fold:
            return "RFC 9112 section 5.2";
        case control_byte:
            return "RFC 9110 section 5.5";
        case unknown_transfer_coding:
        case transfer_encoding_in_http_10:
        case content_length_with_transfer_encoding:
            return "RFC 9112 section 6.1";
        case duplicate_content_length:
        case conflicting_content_length:
        case bad_content_length:
        case body_on_bodiless:
            return "RFC 9112 section 6.3";
        case bad_chunk_size:
        case bad_chunk_end:
            return "RFC 9112 section 7.1";
        case truncated_header:
        case truncated_body:
            return "RFC 9112 section 8";
        case bytes_after_message:
            return "RFC 9112 section 9.2";
        case http_09_request:
        case oversize_header:
            return {};
    }
    return {};
}

}  // namespace badorigin::http
