#include <set>

#include <gtest/gtest.h>

#include "tests/unit/http/recorder.h"

using namespace badorigin::http;

namespace {

constexpr int anomaly_count = static_cast<int>(anomaly::body_on_bodiless) + 1;

/// `bytes` bring exactly the `expected` anomalies in their first message, and nothing stray.
struct wrong {
    direction side;
    std::string bytes;
    anomalies expected;
    stream_end end = stream_end::fin;
};

std::vector<wrong> wrongs() {
    using enum direction;
    using enum anomaly;
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";   // 25 bytes
    const std::string post = "PUT / HTTP/1.1\r\nHost: a\r\n";  // 25 bytes
    const std::string ok = "HTTP/1.1 200 OK\r\n";              // 17 bytes
    const std::string empty = "Content-Length: 0\r\n\r\n";
    return {
        {request, get + "A: b\rc\r\n\r\n", {{bare_cr, 29}}},
        {request, get + "A: b\r\r\n\r\n", {{bare_cr, 29}}},
        {request, "GET / HTTP/1.1\nHost: a\r\n\r\n", {{bare_lf, 14}}},
        {request, get + "\n", {{bare_lf, 25}}},
        {request, get + "A: b\r\n c\r\n\r\n", {{obs_fold, 31}}},
        {response, "hello", {{missing_status_line, 0}}},
        {response, "http/1.1 200 OK\r\n\r\n", {{missing_status_line, 0}}},
        {response, "\r\nICY 200 OK\r\n\r\n", {{missing_status_line, 2}}},
        {response, "HTTP/1.1 200\r\n" + empty, {{bad_status_line, 0}}},
        {response, "HTTP/1.1  200 OK\r\n" + empty, {{bad_status_line, 0}}},
        {response, "HTTP/1.1 2000 OK\r\n" + empty, {{bad_status_line, 0}}},
        {response, "HTTP/1.1 20 OK\r\n" + empty, {{bad_status_line, 0}}},
        {response, "HTTP/1.1\r\n" + empty, {{bad_status_line, 0}}},
        {request, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", {{bad_request_line, 0}}},
        {request, " GET / HTTP/1.1\r\nHost: a\r\n\r\n", {{bad_request_line, 0}}},
        {request, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", {{bad_request_line, 0}}},
        {request, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", {{bad_request_line, 0}}},
        {request, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", {{bad_request_line, 0}}},
        {request, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", {{bad_request_line, 0}}},
        {request, "POST /\r\nHost: a\r\n\r\n", {{bad_request_line, 0}}},
        {request, "GET HTTP/1.1\r\nHost: a\r\n\r\n", {{bad_request_line, 0}}},
        {request, "GET /x\r\n", {{http_09_request, 0}}},
        {request, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", {{bad_version, 6}}},
        {request, "GET / HTTP/1.10\r\nHost: a\r\n\r\n", {{bad_version, 6}}},
        {request, "GET / http/1.1\r\nHost: a\r\n\r\n", {{bad_version, 6}}},
        {request, "GET / HTTP/0.9\r\nHost: a\r\n\r\n", {{bad_version, 6}}},
        {request, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {{bad_version, 6}}},
        {response, "HTTP/11 200 OK\r\n" + empty, {{bad_version, 0}}},
        {request, get + "A : b\r\n\r\n", {{space_before_colon, 26}}},
        {request, get + "A\r\n\r\n", {{bad_field_line, 25}}},
        {request, get + ": b\r\n\r\n", {{bad_field_line, 25}}},
        {request, get + "A b: c\r\n\r\n", {{bad_field_line, 25}}},
        {request, "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", {{bad_field_line, 16}}},
        {request, get + std::string{"A: \0\r\n\r\n", 8}, {{control_byte, 28}}},
        {request, get + "A: b\x7f\r\n\r\n", {{control_byte, 29}}},
        {response, "HTTP/1.1 200 O\1\r\n" + empty, {{control_byte, 14}}},
        {request, "GET /\1 HTTP/1.1\r\nHost: a\r\n\r\n", {{control_byte, 5}}},
        {request, post + "Content-Length: 1, 1\r\n\r\na", {{duplicate_content_length, 25}}},
        {request, post + "Content-Length: 1\r\nContent-Length: 01\r\n\r\na", {{duplicate_content_length, 44}}},
        {request, post + "Content-Length: 1, 2\r\n\r\na", {{conflicting_content_length, 25}}},
        {request, post + "Content-Length: 1\r\nContent-length: 2\r\n\r\na", {{conflicting_content_length, 44}}},
        {request, post + "Content-Length: +1\r\n\r\n", {{bad_content_length, 25}}},
        {request, post + "Content-Length: -1\r\n\r\n", {{bad_content_length, 25}}},
        {request, post + "Content-Length: 0x1\r\n\r\n", {{bad_content_length, 25}}},
        {request, post + "Content-Length:\r\n\r\n", {{bad_content_length, 25}}},
        {request, post + "Content-Length: 18446744073709551616\r\n\r\n", {{bad_content_length, 25}}},
        {request, post + "Content-Length: 1,\r\n\r\na", {{bad_content_length, 25}}},
        {request, post + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {{content_length_with_transfer_encoding, 44}}},
        {request, post + "Transfer-Encoding: xchunked\r\n\r\n", {{unknown_transfer_coding, 25}}},
        {request, post + "Transfer-Encoding: gzip\r\n\r\n", {{unknown_transfer_coding, 25}}},
        {request, post + "Transfer-Encoding:\r\n\r\n", {{unknown_transfer_coding, 25}}},
        {request, post + "Transfer-Encoding: chunked, identity\r\n\r\n", {{unknown_transfer_coding, 25}}},
        {request, post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", {{unknown_transfer_coding, 25}}},
        {response, ok + "Transfer-Encoding: \vchunked\r\n\r\nabc", {{control_byte, 36}, {unknown_transfer_coding, 17}}},
        {response, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {{transfer_encoding_in_http_10, 17}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n", {{bad_chunk_size, 47}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n\r\n", {{bad_chunk_size, 47}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n0x1\r\n", {{bad_chunk_size, 47}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", {{bad_chunk_size, 47}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", {{bad_chunk_size, 47}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", {{bad_chunk_size, 47}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n", {{bad_chunk_end, 51}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na0\r\n\r\n", {{bad_chunk_end, 51}}},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r0\r\n\r\n", {{bad_chunk_end, 51}}},
        {request, get + "Host: b\r\nHost: c\r\n\r\n", {{several_host, 25}}},
        {request, "GET / HTTP/1.1\r\n\r\n", {{missing_host, 0}}},
        {request, get + "X: " + std::string(1100 * 1024, 'x'), {{oversize_header, 1024 * 1024}}},
        {request, get, {{truncated_header, 25}}},
        {request, "GE", {{truncated_header, 2}}, stream_end::reset},
        {response, "HT", {{truncated_header, 2}}},
        {response, ok + "Content-Length: 2\r\n\r\na", {{truncated_body, 39}}},
        {response, ok + "\r\nabc", {{truncated_body, 22}}, stream_end::reset},
        {response, ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", {{truncated_body, 56}}},
        {response, ok + "\r\nabc", {}},
        {response, "HTTP/1.1 200 \r\n" + empty, {}},
        {request, "GET / HTTP/1.0\r\n\r\n", {}},
        {request, "GET / HTTP/1.2\r\nHost: a\r\n\r\n", {}},
        {request, post + "Transfer-Encoding: gzip\r\nTransfer-encoding: Chunked\r\n\r\n1 ;a=b\r\nx\r\n00\r\n\r\n", {}},
    };
}

TEST(anomaly, each_is_found_at_its_byte_and_nothing_else_is) {
    for (const wrong& given : wrongs()) {
        reading run{given.side, given.bytes};
        run.read.end(given.end);
        ASSERT_FALSE(run.heard.messages.empty()) << given.bytes.substr(0, 200);
        EXPECT_EQ(describe(run.only().anomalies), describe(given.expected)) << given.bytes.substr(0, 200);
        EXPECT_EQ(describe(run.heard.strays), "") << given.bytes.substr(0, 200);
    }
}

TEST(anomaly, every_one_has_a_test_here) {
    std::set<anomaly> tested{anomaly::bytes_after_message, anomaly::body_on_bodiless};  // told as strays: stray_test
    for (const wrong& given : wrongs())
        for (const anomaly_at& one : given.expected) tested.insert(one.what);
    for (int i = 0; i < anomaly_count; ++i) EXPECT_TRUE(tested.contains(static_cast<anomaly>(i))) << name(static_cast<anomaly>(i));
}

TEST(anomaly, names_are_distinct_and_hyphenated) {
    std::set<std::string_view> names;
    for (int i = 0; i < anomaly_count; ++i) names.insert(name(static_cast<anomaly>(i)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(anomaly_count));
    EXPECT_FALSE(names.contains("unknown"));
    EXPECT_EQ(name(anomaly::content_length_with_transfer_encoding), "content-length-with-transfer-encoding");
    EXPECT_EQ(name(static_cast<anomaly>(anomaly_count)), "unknown");
}

TEST(anomaly, sections_stand_behind_all_but_two) {
    EXPECT_EQ(section(anomaly::bare_cr), "RFC 9112 section 2.2");
    EXPECT_EQ(section(anomaly::control_byte), "RFC 9110 section 5.5");
    int without = 0;
    for (int i = 0; i < anomaly_count; ++i) without += section(static_cast<anomaly>(i)).empty() ? 1 : 0;
    EXPECT_EQ(without, 2);
    EXPECT_EQ(section(anomaly::http_09_request), "");
    EXPECT_EQ(section(anomaly::oversize_header), "");
}

}  // namespace
