#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/http/recorder.h"

using namespace badorigin::http;
using enum direction;

namespace {

TEST(reader, a_request_has_its_parts_and_their_offsets) {
    std::string bytes = "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length:  3 \r\n\r\nabc";
    reading run{request, bytes};
    const message& m = run.only();
    EXPECT_EQ(m.method, "POST");
    EXPECT_EQ(m.target, "/a?b");
    EXPECT_EQ(m.version, (version{1, 1}));
    EXPECT_TRUE(std::ranges::equal(m.fields, fields{{"Host", "x", 20}, {"Content-Length", "3", 29}})) << describe(m.fields);
    EXPECT_EQ(m.framing, framing::length);
    EXPECT_EQ(m.declared_length, 3u);
    EXPECT_EQ(m.body_begin, bytes.size() - 3);
    EXPECT_EQ(m.end, bytes.size());
    EXPECT_EQ(m.content_size, 3u);
    EXPECT_EQ(m.content_start, "abc");
    EXPECT_EQ(m.content_hash, hash("abc"));
    EXPECT_TRUE(m.header_complete && m.complete && !m.gap);
    EXPECT_TRUE(run.read.idle());
}

TEST(reader, chunked_content_is_decoded_and_trailers_are_kept_apart) {
    std::string bytes =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"a;b\"\r\nabc\r\nB\r\n0123456789a\r\n0\r\nSum: 7\r\n more\r\n\r\n";
    reading run{response, bytes};
    EXPECT_EQ(run.only().content_start, "abc0123456789a");
    EXPECT_EQ(run.only().content_size, 14u);
    EXPECT_EQ(run.only().content_hash, hash("abc0123456789a"));
    ASSERT_EQ(run.only().trailers.size(), 1u);
    EXPECT_EQ(run.only().trailers[0].value, "7 more");
    EXPECT_EQ(run.only().fields.size(), 1u);
    EXPECT_TRUE(run.only().complete);
    EXPECT_EQ(run.only().end, bytes.size());
}

TEST(reader, interim_responses_are_messages_and_leave_the_request_unanswered) {
    reading run{response, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", {"HEAD"}};
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_TRUE(run.heard.messages[0].interim());
    EXPECT_FALSE(run.heard.messages[1].interim());
    EXPECT_EQ(run.heard.messages[1].framing, framing::none) << "the final response answers HEAD";
    EXPECT_TRUE(run.heard.strays.empty());
}

TEST(reader, switching_protocols_and_connect_turn_to_a_tunnel) {
    for (auto [method, status] : {std::pair{"GET", "101"}, {"CONNECT", "200"}, {"CONNECT", "204"}}) {
        reading run{response, fmt::format("HTTP/1.1 {} x\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", status), {method}};
        run.read.end(stream_end::reset);
        ASSERT_EQ(run.heard.messages.size(), 1u) << status;
        EXPECT_EQ(run.only().framing, framing::tunnel);
        EXPECT_TRUE(run.only().complete);
        EXPECT_FALSE(run.only().interim());
        EXPECT_TRUE(run.heard.strays.empty());
    }
}

TEST(reader, a_refused_connect_has_a_body) {
    reading run{response, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", {"CONNECT"}};
    EXPECT_EQ(run.only().framing, framing::length);
    EXPECT_EQ(run.only().content_start, "no");
}

TEST(reader, requests_behind_become_tunnel_are_not_read) {
    reading run{request, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"};
    EXPECT_TRUE(run.only().complete);
    run.read.become_tunnel();
    run.read.feed("GET / HTTP/1.1\r\n\r\n");
    run.read.end(stream_end::reset);
    EXPECT_EQ(run.heard.messages.size(), 1u);
}

TEST(reader, what_was_begun_when_the_tunnel_began_is_ended) {
    reading run{request, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03"};
    EXPECT_EQ(run.heard.open, 1);
    run.read.become_tunnel();
    EXPECT_EQ(run.heard.open, 0);
    EXPECT_FALSE(run.heard.messages.at(1).complete);
    EXPECT_EQ(run.heard.messages.at(1).framing, framing::tunnel);
}

TEST(reader, until_close_is_complete_on_fin_alone) {
    std::string bytes = "HTTP/1.1 200 OK\r\n\r\nabc";
    reading fin{response, bytes}, reset{response, bytes}, cut{response, bytes};
    fin.read.end(stream_end::fin);
    EXPECT_TRUE(fin.only().complete);
    EXPECT_EQ(fin.only().framing, framing::until_close);
    reset.read.end(stream_end::reset);
    EXPECT_FALSE(reset.only().complete);
    EXPECT_TRUE(reset.only().has(anomaly::truncated_body));
    cut.read.end(stream_end::capture_ended);
    EXPECT_FALSE(cut.only().complete);
    EXPECT_TRUE(cut.only().gap);
    EXPECT_TRUE(cut.only().anomalies.empty());
}

TEST(reader, the_end_of_the_evidence_is_no_anomaly_of_the_wire) {
    for (std::string bytes : {"HT", "HTTP/1.1 200 OK\r\nA", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"}) {
        reading run{response, bytes};
        run.read.end(stream_end::capture_ended);
        EXPECT_TRUE(run.only().gap) << bytes;
        EXPECT_FALSE(run.only().complete);
        EXPECT_TRUE(run.only().anomalies.empty());
    }
}

TEST(reader, headerless_bytes_run_to_the_end_and_answer_the_request) {
    reading run{response, "\r\n<html>\r\nHTTP/1.1 200 OK\r\n\r\n"};
    EXPECT_NE(run.heard.log.find("header "), std::string::npos);
    run.read.end(stream_end::fin);
    const message& m = run.only();
    EXPECT_EQ(m.framing, framing::headerless);
    EXPECT_EQ(m.status, 0);
    EXPECT_EQ(m.begin, 2u);
    EXPECT_EQ(m.body_begin, 2u);
    EXPECT_EQ(m.content_start, "<html>\r\nHTTP/1.1 200 OK\r\n\r\n");
    EXPECT_TRUE(m.complete);
    EXPECT_FALSE(m.header_complete);
    EXPECT_FALSE(m.persistent());
}

TEST(reader, the_first_of_conflicting_lengths_frames_the_body) {
    reading run{request, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: x, 2\r\nContent-Length: 5\r\n\r\nab"};
    EXPECT_EQ(run.only().content_start, "ab");
    EXPECT_TRUE(run.only().has(anomaly::bad_content_length));
    EXPECT_TRUE(run.only().has(anomaly::conflicting_content_length));
}

TEST(reader, chunked_wins_over_length) {
    reading run{response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n3\r\nabc\r\n0\r\n\r\n"};
    EXPECT_EQ(run.only().framing, framing::chunked);
    EXPECT_EQ(run.only().content_start, "abc");
    EXPECT_EQ(run.only().declared_length, 2u);
}

TEST(reader, an_unknown_coding_reads_until_close_in_responses_only) {
    reading answer{response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: zz\r\nContent-Length: 1\r\n\r\nabc"};
    answer.read.end(stream_end::fin);
    EXPECT_EQ(answer.only().framing, framing::until_close);
    EXPECT_EQ(answer.only().content_size, 3u);
    reading question{request, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zz\r\n\r\n"};
    EXPECT_EQ(question.only().framing, framing::none);
    EXPECT_TRUE(question.only().complete);
}

TEST(reader, a_bare_cr_stays_in_the_value) {
    reading run{request, "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"};
    ASSERT_EQ(run.only().fields.size(), 1u);
    EXPECT_EQ(run.only().fields[0].value, "a\rX: y");
}

TEST(reader, a_folded_length_still_frames) {
    reading run{request, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 2\r\n\r\nab"};
    EXPECT_EQ(run.only().content_start, "ab");
}

TEST(reader, a_broken_chunk_header_ends_the_message_and_the_next_start_line_is_found) {
    std::string broken = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
    reading run{response, broken + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", {"GET", "GET"}};
    ASSERT_EQ(run.heard.messages.size(), 2u);
    EXPECT_FALSE(run.only().complete);
    EXPECT_EQ(run.only().anomalies, (anomalies{{anomaly::bad_chunk_size, broken.size()}}));
    EXPECT_EQ(run.only().end, broken.size());
    EXPECT_EQ(run.heard.messages[1].begin, broken.size());
    EXPECT_TRUE(run.heard.messages[1].complete);
}

TEST(reader, an_oversize_header_is_skipped_to_the_end_of_the_stream) {
    reading run{request, {}, {.header_bytes = 100, .keep_content = 10}};
    run.read.feed("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(80, 'x') + "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    run.read.end(stream_end::fin);
    ASSERT_EQ(run.heard.messages.size(), 1u);
    EXPECT_EQ(run.only().anomalies, (anomalies{{anomaly::oversize_header, 100}}));
    EXPECT_FALSE(run.only().header_complete || run.only().complete);
    EXPECT_TRUE(std::ranges::equal(run.only().fields, fields{{"Host", "a", 16}})) << describe(run.only().fields);
}

TEST(reader, a_header_of_exactly_the_limit_is_read) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(68, 'x') + "\r\n\r\n";
    for (std::size_t limit : {bytes.size(), bytes.size() - 1}) {
        reading run{request, {}, {.header_bytes = limit, .keep_content = 10}};
        run.read.feed(bytes);
        EXPECT_EQ(run.only().complete, limit == bytes.size());
    }
}

TEST(reader, content_beyond_the_limit_is_hashed_and_not_kept) {
    reading run{response, {"GET"}, {.header_bytes = 1000, .keep_content = 4}};
    run.read.feed("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    run.read.feed("def");
    EXPECT_EQ(run.only().content_start, "abcd");
    EXPECT_EQ(run.only().content_hash, hash("abcdef"));
}

TEST(reader, content_of_nothing_has_the_hash_of_nothing) {
    reading run{request, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"};
    EXPECT_EQ(run.only().content_hash, hash(""));
    EXPECT_EQ(hash("foobar"), 11784547227662024863ull);  // the same on every machine
}

TEST(reader, persistence_follows_version_and_connection) {
    struct {
        std::string bytes;
        bool expected;
    } cases[]{
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: Keep-Alive\r\n\r\n0\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\n\r\n", false},
    };
    for (auto& given : cases) {
        reading run{response, given.bytes};
        run.read.end(stream_end::fin);
        EXPECT_EQ(run.only().persistent(), given.expected) << given.bytes;
    }
}

TEST(reader, any_number_of_bad_chunks_takes_bounded_memory_and_hides_no_other_fault) {
    std::string bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 5000; ++i) bytes += "1\r\nx\n";
    reading run{response, bytes + "0 \r\n\r\n"};
    EXPECT_TRUE(run.only().complete);
    EXPECT_EQ(run.only().content_size, 5000u);
    EXPECT_LT(run.only().anomalies.size(), 2000u);
    EXPECT_TRUE(run.only().has(anomaly::bad_chunk_end));
    EXPECT_TRUE(run.only().has(anomaly::bad_chunk_size));
}

TEST(reader, idle_tells_whether_a_message_is_begun) {
    reading run{request};
    EXPECT_TRUE(run.read.idle());
    run.read.feed("\r\n");
    EXPECT_TRUE(run.read.idle());
    run.read.feed("G");
    EXPECT_FALSE(run.read.idle());
    run.read.feed("ET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(run.read.idle());
}

TEST(fields, names_compare_without_case_and_lists_by_element) {
    fields all{{"Connection", "a, \"x,close\"", 0}, {"connection", " Upgrade ,, b", 1}, {"Other", "close", 2}};
    EXPECT_EQ(first(all, "CONNECTION"), "a, \"x,close\"");
    EXPECT_EQ(values(all, "Connection").size(), 2u);
    EXPECT_EQ(first(all, "absent"), std::nullopt);
    EXPECT_TRUE(has_token(all, "Connection", "upgrade"));
    EXPECT_TRUE(has_token(all, "Connection", "B"));
    EXPECT_FALSE(has_token(all, "Connection", "close"));
    EXPECT_FALSE(same_name("a", "ab"));
}

}  // namespace
