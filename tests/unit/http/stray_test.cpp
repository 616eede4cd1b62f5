// Bytes that belong to no message, on either side.
#include <gtest/gtest.h>

#include "tests/unit/http/recorder.h"

using namespace badorigin::http;
using enum direction;

namespace {

const std::string one_byte = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";  // 39 bytes

TEST(stray, bytes_after_message_that_are_no_response_are_skipped) {
    reading run{response, one_byte + "more HTTP/1.1 200 OK\r\n\r\n"};
    run.read.end(stream_end::fin);
    EXPECT_EQ(run.heard.messages.size(), 1u);
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::bytes_after_message, 39}}));
}

TEST(stray, bytes_after_message_that_look_like_a_response_are_read_as_one) {
    reading run{response, one_byte + one_byte};
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::bytes_after_message, 39}}));
    EXPECT_TRUE(run.heard.messages[1].complete);
    EXPECT_LT(run.heard.log.find("stray 39"), run.heard.log.find("begin 39"));
}

TEST(stray, bytes_after_message_that_are_cut_short_are_still_told) {
    reading run{response, one_byte + "HT"};
    EXPECT_TRUE(run.heard.strays.empty());
    run.read.end(stream_end::fin);
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::bytes_after_message, 39}}));
    EXPECT_EQ(run.heard.messages.size(), 1u);
}

TEST(stray, a_response_that_nobody_asked_for_is_told_before_it_is_read) {
    reading run{response, one_byte, {}};
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::bytes_after_message, 0}}));
    EXPECT_EQ(run.heard.messages.size(), 1u);
}

TEST(stray, empty_lines_between_messages_are_none) {
    reading run{response, one_byte + "\r\n\n\r\n" + one_byte + "\r\n", {"GET", "GET"}};
    run.read.end(stream_end::fin);
    EXPECT_EQ(run.heard.messages.size(), 2u);
    EXPECT_EQ(run.heard.messages[1].begin, 44u);
    EXPECT_TRUE(run.heard.strays.empty());
}

TEST(stray, body_on_bodiless_after_head_204_and_304) {
    struct {
        std::string method, bytes;
    } cases[]{
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n"},
        {"HEAD", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
    };
    for (auto& given : cases) {
        reading run{response, given.bytes + "body", {given.method}};
        EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::body_on_bodiless, given.bytes.size()}})) << given.bytes;
        EXPECT_TRUE(run.only().complete);
        EXPECT_EQ(run.only().framing, framing::none);
    }
}

TEST(stray, body_on_bodiless_does_not_hide_the_next_response) {
    std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
    reading run{response, head + "body" + one_byte, {"HEAD", "GET"}};
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::body_on_bodiless, head.size()}}));
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_EQ(run.heard.messages[1].begin, head.size() + 4);
    EXPECT_TRUE(run.heard.messages[1].complete);
    EXPECT_TRUE(run.heard.messages[1].anomalies.empty());
}

TEST(stray, the_next_response_after_a_bodiless_one_is_none) {
    reading run{response, "HTTP/1.1 304 Not Modified\r\n\r\n" + one_byte, {"GET", "GET"}};
    EXPECT_EQ(run.heard.messages.size(), 2u);
    EXPECT_TRUE(run.heard.strays.empty());
}

TEST(stray, a_second_response_after_head_is_no_body) {
    reading run{response, "HTTP/1.1 200 OK\r\n\r\n" + one_byte, {"HEAD"}};
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::bytes_after_message, 19}}));
    EXPECT_EQ(run.heard.messages.size(), 2u);
}

TEST(stray, a_response_after_connection_close_is_told) {
    std::string last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    reading run{response, last + one_byte, {"GET", "GET"}};
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::bytes_after_message, last.size()}}));
    EXPECT_EQ(run.heard.messages.size(), 2u);
}

TEST(stray, a_request_after_connection_close_is_told) {
    std::string last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    reading run{request, last + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"};
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::bytes_after_message, last.size()}}));
    EXPECT_EQ(run.heard.messages.size(), 2u);
}

TEST(stray, fields_after_an_http_09_request_are_told_once_and_skipped) {
    reading run{request, "GET /x\r\nHost: a\r\nA: b\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n"};
    EXPECT_EQ(run.heard.strays, (anomalies{{anomaly::bytes_after_message, 8}}));
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_EQ(run.heard.messages[1].target, "/y");
    EXPECT_EQ(run.heard.messages[1].begin, 25u);
}

}  // namespace
