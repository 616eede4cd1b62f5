// Heads and chunks that two readers could read differently.
#include <gtest/gtest.h>

#include "proxy-under-test/cache/admission.h"
#include "proxy-under-test/cache/message_reader.h"

namespace badorigin::cache {
namespace {

/// What a reader says of a request: the refusal, or "ok".
std::string verdict(std::string_view bytes, side of = side::request, std::size_t step = 0) {
    message_reader reader(of);
    std::string input;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto size = step == 0 ? bytes.size() : std::min(step, bytes.size() - at);
        input += bytes.substr(at, size);
        at += size;
        if (auto put = reader.put(input); !put) return put.error();
    }
    return reader.complete() ? "ok" : "incomplete";
}

TEST(strictness, what_can_be_read_in_two_ways_is_refused_however_it_is_split) {
    const std::pair<std::string, std::string> cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
        {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
        {"GET / HTTP/1.0\r\n\r\n", "ok"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "ok"},
        {"GET / HTTP/1.1\rHost: a\r\n\r\n", "bare CR"},
        {"GET / HTTP/1.1\nHost: a\n\n", "bare LF"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", "a control character"},
        {std::string("GET / HTTP/1.1\r\nHost: a\r\nX: ") + '\0' + "\r\n\r\n", "a control character"},
        {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "obs-fold"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "white space before the colon"},
        {"GET / HTTP/1.1\r\n\r\n", "no Host field"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "several Host fields"},
        {"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
        {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed host in the request target"},
        {"GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed host in the request target"},
        {"GET http://b,c HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed host in the request target"},
        {"GET /\r\n", "no HTTP version in the request line"},
        {"GET / HTTP/2.0\r\n", "an HTTP version that is not 1.x"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "several Content-Length fields"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "Content-Length beside Transfer-Encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "a transfer coding that is not implemented"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding in HTTP/1.0"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\na", "a Content-Length that is no number"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "a transfer coding that is not implemented"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "a transfer coding that is not implemented"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", "a transfer coding that is not implemented"},
        {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "a field name that is no token"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX y: x\r\n\r\n", "a field name that is no token"},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "a field line without colon"},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "white space in the request line"},
        {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "white space in the request line"},
        {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "a method that is no token"},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "an HTTP version that is not 1.x"},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", "an HTTP version that is not 1.x"},
        {"GET / HTTP/1.x\r\nHost: a\r\n\r\n", "an HTTP version that is not 1.x"},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "a method that is no token"},
        {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "a method that is no token"},
        {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed request target"},
        {"GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed request target"},
        {"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed request target"},
        {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "a malformed request target"},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "ok"},
        {"GET https://b/ HTTP/1.1\r\nHost: b\r\n\r\n", "a malformed request target"},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "a malformed Host"},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "a malformed Host"},
        {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", "a malformed Host"},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "ok"},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "ok"},
    };
    for (const auto& [bytes, expected] : cases) {
        for (const std::size_t step : {0, 1, 2, 3, 7}) EXPECT_EQ(verdict(bytes, side::request, step), expected) << bytes << " by " << step;
    }
}

TEST(strictness, an_answer_without_a_status_line_is_known_at_its_first_byte) {
    EXPECT_EQ(verdict("<", side::response), "no status line");
    EXPECT_EQ(verdict("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", side::response),
              "several Content-Length fields");
    EXPECT_EQ(verdict("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", side::response), "ok");
    EXPECT_NE(verdict("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na\r\n", side::response), "incomplete");
}

TEST(strictness, chunks_are_what_rfc_9112_says_and_nothing_like_it) {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string good : {"3\r\nabc\r\n0\r\n\r\n", "003\r\nabc\r\n000\r\n\r\n", "3;x=y;z=\"1;2\"\r\nabc\r\n0\r\n\r\n",
                                   "0\r\nX: y\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n"}) {
        for (const std::size_t step : {0, 1, 3}) EXPECT_EQ(verdict(head + good, side::request, step), "ok") << good;
    }
    for (const std::string bad : {"0x3\r\nabc\r\n0\r\n\r\n",
                                  "+3\r\nabc\r\n0\r\n\r\n",
                                  "-3\r\nabc\r\n0\r\n\r\n",
                                  " 3\r\nabc\r\n0\r\n\r\n",
                                  "3 \r\nabc\r\n0\r\n\r\n",
                                  "\r\nabc\r\n0\r\n\r\n",
                                  "3\nabc\n0\n\n\r\n",
                                  "3\r\nabc0\r\n\r\n",
                                  "3\r\nabcd\r\n0\r\n\r\n",
                                  "3\r\nabc\n0\r\n\r\n",
                                  "3\rX\r\nabc\r\n0\r\n\r\n",
                                  "3;a\nb\r\nabc\r\n0\r\n\r\n",
                                  "3;\x01\r\nabc\r\n0\r\n\r\n",
                                  "g\r\nabc\r\n0\r\n\r\n",
                                  "10000000000000003\r\nabc\r\n0\r\n\r\n",
                                  "3,3\r\nabc\r\n0\r\n\r\n",
                                  "3\r\nabc\r\n0\r\nX : y\r\n\r\n",
                                  "3\r\nabc\r\n0\r\n folded\r\n\r\n",
                                  "3\r\nabc\r\n0\r\nX\r\n\r\n",
                                  "0_3\r\nabc\r\n0\r\n\r\n",
                                  "3\r\nabc\r\n0\r\nX: a\rb\r\n\r\n",
                                  "3\r\nabc\r\n0\r\nX: a\nY: b\r\n\r\n"}) {
        for (const std::size_t step : {0, 1, 3}) {
            const auto said = verdict(head + bad, side::request, step);
            EXPECT_TRUE(said != "ok" && said != "incomplete") << bad << " by " << step << ": " << said;
        }
    }
}

TEST(strictness, a_chunk_header_that_does_not_end_is_refused) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    EXPECT_EQ(verdict(head + std::string(1000, 'a'), side::response, 100), "incomplete");
    EXPECT_EQ(verdict(head + std::string(70'000, 'a'), side::response, 100), "a chunk header of more than 64 KiB");
}

}  // namespace
}  // namespace badorigin::cache
