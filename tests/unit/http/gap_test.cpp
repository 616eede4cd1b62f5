// Holes in the capture: never made up, always marked.
#include <gtest/gtest.h>

#include "tests/unit/http/recorder.h"

using namespace badorigin::http;
using enum direction;

namespace {

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string one_byte = ok + "Content-Length: 1\r\n\r\nx";

TEST(gap, inside_a_body_of_known_length_is_read_over) {
    reading run{response, ok + "Content-Length: 10\r\n\r\nab", {"GET", "GET"}};
    run.read.gap(5);
    EXPECT_FALSE(run.read.idle());
    run.read.feed("hij" + one_byte);
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_TRUE(run.only().gap && run.only().complete);
    EXPECT_EQ(run.only().content_size, 5u);
    EXPECT_EQ(run.only().content_start, "ab") << "nothing is joined over the hole";
    EXPECT_EQ(run.only().end - run.only().body_begin, 10u);
    EXPECT_FALSE(run.heard.messages[1].gap);
    EXPECT_TRUE(run.heard.messages[1].complete);
}

TEST(gap, to_the_exact_end_of_a_body_leaves_the_reader_in_step) {
    reading run{response, ok + "Content-Length: 10\r\n\r\nab", {"GET", "GET"}};
    run.read.gap(8);
    EXPECT_TRUE(run.read.idle());
    run.read.feed("no status line");
    run.read.end(stream_end::fin);
    EXPECT_TRUE(run.heard.messages.at(1).has(anomaly::missing_status_line));
}

TEST(gap, beyond_a_body_looks_for_the_next_start_line) {
    reading run{response, ok + "Content-Length: 10\r\n\r\nab", {"GET", "GET", "GET"}};
    run.read.gap(20);
    run.read.feed("rest of something\r\n\r\n" + one_byte);
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_TRUE(run.heard.messages[1].complete);
    EXPECT_TRUE(run.heard.strays.empty());
    EXPECT_EQ(run.read.position(), (ok + "Content-Length: 10\r\n\r\nab").size() + 20 + 21 + one_byte.size());
}

TEST(gap, in_a_header_breaks_the_message_without_blaming_the_wire) {
    reading run{response, ok + "Content-Le", {"GET", "GET"}};
    run.read.gap(7);
    ASSERT_EQ(run.heard.messages.size(), 1u);
    EXPECT_TRUE(run.only().gap);
    EXPECT_FALSE(run.only().complete);
    EXPECT_TRUE(run.only().anomalies.empty());
    EXPECT_EQ(run.only().end, ok.size() + 10);
    run.read.feed("\r\n\r\nabc" + one_byte);
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_EQ(run.heard.messages[1].begin, ok.size() + 10 + 7 + 7);
}

TEST(gap, in_the_header_of_a_response_answers_its_request) {
    reading run{response, ok + "Content-Le", {"HEAD", "GET"}};
    run.read.gap(7);
    run.read.feed(one_byte);
    EXPECT_EQ(run.heard.messages.at(1).framing, framing::length) << "the second response answers GET";
}

TEST(gap, in_the_header_of_an_interim_response_answers_nothing) {
    reading run{response, "HTTP/1.1 100 Continue\r\nA", {"HEAD"}};
    run.read.gap(7);
    run.read.feed(one_byte);
    EXPECT_EQ(run.heard.messages.at(1).framing, framing::none) << "the final response answers HEAD";
}

TEST(gap, inside_chunk_data_is_read_over) {
    reading run{response, ok + "Transfer-Encoding: chunked\r\n\r\n8\r\nab"};
    run.read.gap(4);
    run.read.feed("gh\r\n0\r\n\r\n");
    EXPECT_TRUE(run.only().gap && run.only().complete);
    EXPECT_EQ(run.only().content_size, 4u);
    EXPECT_TRUE(run.only().anomalies.empty());
}

TEST(gap, to_the_exact_end_of_chunk_data_is_read_over) {
    reading run{response, ok + "Transfer-Encoding: chunked\r\n\r\n8\r\nab"};
    run.read.gap(6);
    run.read.feed("\r\n0\r\n\r\n");
    EXPECT_TRUE(run.only().complete);
}

TEST(gap, over_chunk_framing_breaks_the_message) {
    for (std::string part : {"8\r\nab", "8", "1\r\na", "1\r\na\r", "0\r\nA: b"}) {
        reading run{response, ok + "Transfer-Encoding: chunked\r\n\r\n" + part, {"GET", "GET"}};
        run.read.gap(9);
        ASSERT_EQ(run.heard.messages.size(), 1u) << part;
        EXPECT_TRUE(run.only().gap && !run.only().complete);
        run.read.feed("0\r\n\r\n" + one_byte);
        EXPECT_EQ(run.heard.messages.size(), 2u) << part;
    }
}

TEST(gap, until_close_and_headerless_go_on) {
    for (std::string start : {ok + "\r\nabc", std::string{"abc"}}) {
        reading run{response, start};
        run.read.gap(5);
        run.read.feed("def");
        run.read.end(stream_end::fin);
        EXPECT_TRUE(run.only().gap && run.only().complete);
        EXPECT_EQ(run.only().content_size, 6u);
        EXPECT_EQ(run.only().content_start, "abc");
        EXPECT_EQ(run.only().end, start.size() + 8);
    }
}

TEST(gap, between_messages_looks_for_a_start_line_and_calls_nothing_stray) {
    reading run{response, one_byte};
    run.read.gap(100);
    run.read.feed("tail\r\n" + one_byte + one_byte);
    EXPECT_EQ(run.heard.messages.size(), 3u);
    EXPECT_EQ(run.heard.strays.size(), 1u) << "only the response behind the one that was found";
    EXPECT_EQ(run.heard.messages[1].begin, one_byte.size() + 106);
}

TEST(gap, between_requests_finds_the_next_request_line_even_behind_a_body) {
    reading run{request};
    run.read.gap(10);
    run.read.feed("lost: field\r\n\r\n{\"a\": 1}POST /x HTTP/1.1\r");
    EXPECT_TRUE(run.read.idle());
    run.read.feed("\nHost: a\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(run.only().method, "POST");
    EXPECT_EQ(run.only().target, "/x");
    EXPECT_EQ(run.only().begin, 10u + 15 + 8);
    EXPECT_TRUE(run.only().complete);
    EXPECT_TRUE(run.only().anomalies.empty());
}

TEST(gap, in_a_request_header_finds_the_next_request) {
    reading run{request, "GET /a HTTP/1.1\r\nHo"};
    run.read.gap(3);
    run.read.feed(" a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_TRUE(run.only().gap);
    EXPECT_EQ(run.only().target, "/a");
    EXPECT_EQ(run.heard.messages[1].target, "/b");
}

TEST(gap, of_nothing_is_none) {
    reading run{response, ok};
    run.read.gap(0);
    run.read.feed("Content-Length: 0\r\n\r\n");
    EXPECT_TRUE(run.only().complete);
    EXPECT_FALSE(run.only().gap);
}

TEST(gap, in_the_first_bytes_of_a_response_breaks_it) {
    reading run{response, "HT"};
    run.read.gap(4);
    EXPECT_EQ(run.heard.open, 0);
    EXPECT_TRUE(run.only().gap);
}

TEST(gap, in_a_tunnel_changes_nothing) {
    reading run{response, "HTTP/1.1 101 x\r\n\r\nabc"};
    run.read.gap(4);
    run.read.feed(one_byte);
    run.read.end(stream_end::fin);
    EXPECT_EQ(run.heard.messages.size(), 1u);
    EXPECT_FALSE(run.only().gap);
}

}  // namespace
