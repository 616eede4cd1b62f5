#include <algorithm>

#include <gtest/gtest.h>

#include "conversation.h"

namespace badorigin::capture::testing {
namespace {

using namespace std::chrono_literals;

TEST(streams, an_exchange_has_its_messages_and_frames) {
    conversation c;
    c.open().request(post("/a", "0123456789").substr(0, 50)).request(post("/a", "0123456789").substr(50));
    c.response(ok("hello").substr(0, 20)).response(ok("hello").substr(20)).close();
    const seen all = read(c.segments, {{"127.0.0.1:80", "origin:app"}});
    ASSERT_EQ(all.exchanges.size(), 1u);
    const exchange& e = *all.exchanges[0];
    ASSERT_TRUE(e.request && e.response);
    EXPECT_EQ(e.request->message.method, "POST");
    EXPECT_EQ(e.request->message.content_start, "0123456789");
    EXPECT_EQ(e.request->first.number, 4u);
    EXPECT_EQ(e.request->last.number, 5u);
    EXPECT_EQ(e.request->frames, (std::vector<frame_number>{4, 5}));
    EXPECT_EQ(e.response->first.number, 6u);
    EXPECT_EQ(e.response->header_end.number, 7u);
    EXPECT_EQ(e.response->last.number, 7u);
    EXPECT_EQ(e.response->frames, (std::vector<frame_number>{6, 7}));
    EXPECT_TRUE(e.answered_whole());
    EXPECT_FALSE(e.gap);
    EXPECT_EQ(e.on->server_name, "origin:app");
    EXPECT_EQ(e.leg(), leg::origin);
    EXPECT_EQ(e.on->client_fin.number, 8u);
    EXPECT_EQ(e.on->server_fin.number, 9u);
    EXPECT_TRUE(e.on->complete_start && e.on->established && e.on->closed());
    EXPECT_EQ(e.on->opened.number, 1u);
    EXPECT_EQ(e.on->last.number, 10u);
    EXPECT_EQ(e.on->request_bytes, post("/a", "0123456789").size());
    EXPECT_EQ(e.on->response_bytes, ok("hello").size());
    EXPECT_EQ(all.holes(), 0u);
}

TEST(streams, reuse_is_indexed_and_the_idle_time_before_it_is_told) {
    conversation c;
    c.open().request(get("/1")).response(ok("one")).pause(5s).request(get("/2")).response(ok("two")).close();
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 2u);
    EXPECT_EQ(all.exchanges[0]->index, 0u);
    EXPECT_EQ(all.exchanges[0]->idle_before, 0ns);
    EXPECT_EQ(all.exchanges[1]->index, 1u);
    EXPECT_EQ(all.exchanges[1]->idle_before, 5s + 10us);
    EXPECT_EQ(all.connections[0]->exchanges, 2u);
}

TEST(streams, retransmissions_are_counted_once_and_read_once) {
    conversation c;
    c.open().request(get("/")).response(ok("hello")).close();
    auto segments = c.segments;
    segments.insert(segments.begin() + 5, segments[4]);
    segments.insert(segments.begin() + 4, segments[3]);
    const seen all = read(segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    EXPECT_EQ(all.connections[0]->retransmissions, 2u);
    EXPECT_EQ(all.connections[0]->overlaps_that_differ, 0u);
    EXPECT_EQ(all.exchanges[0]->response->message.content_size, 5u);
}

TEST(streams, a_retransmission_with_other_bytes_is_noticed) {
    conversation c;
    c.open().request(get("/")).response(ok("hello")).close();
    auto segments = c.segments;
    segments.insert(segments.begin() + 5, segments[4]);
    segments[5].bytes.back() = 'X';
    const seen all = read(segments);
    EXPECT_EQ(all.connections[0]->overlaps_that_differ, 1u);
    EXPECT_EQ(all.exchanges[0]->response->message.content_start, "hello");
}

TEST(streams, overlapping_segments_are_joined_without_doubling) {
    const std::string whole = ok("0123456789");
    conversation c;
    c.open().request(get("/")).response(whole).close();
    auto segments = c.segments;
    segment first = segments[4], second = segments[4];
    first.bytes = whole.substr(0, 30);
    second.bytes = whole.substr(20);
    second.header.sequence += 20;
    segments[4] = first;
    segments.insert(segments.begin() + 5, second);
    const seen all = read(segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    EXPECT_EQ(all.exchanges[0]->response->message.content_start, "0123456789");
    EXPECT_EQ(all.connections[0]->response_bytes, whole.size());
    EXPECT_EQ(all.connections[0]->overlaps_that_differ, 0u);
    // The same pieces the other way round: the second waits for the first.
    std::swap(segments[4], segments[5]);
    EXPECT_EQ(gist(read(segments)), gist(all));
}

TEST(streams, sequence_numbers_wrap) {
    conversation c("127.0.0.1:50000", "127.0.0.1:80", 0xffffffffu - 30, 0xffffffffu - 20);
    const std::string body(100000, 'x');
    c.open().request(get("/1"));
    const std::string whole = ok(body);
    for (std::size_t at = 0; at < whole.size(); at += 10000) c.response(whole.substr(at, 10000));
    c.request(get("/2")).response(ok("two")).close();
    auto segments = c.segments;
    std::swap(segments[5], segments[6]);
    const seen all = read(segments);
    ASSERT_EQ(all.exchanges.size(), 2u);
    EXPECT_EQ(all.exchanges[0]->response->message.content_size, body.size());
    EXPECT_TRUE(all.exchanges[1]->answered_whole());
    EXPECT_EQ(all.holes(), 0u);
}

TEST(streams, more_than_four_gigabytes_of_offsets_do_not_confuse) {
    // Content-Length beyond 2^32, with holes instead of most bytes: offsets go on behind the wrap.
    conversation c;
    c.open().request(get("/"));
    std::vector<segment> segments = c.segments;
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 6442450944\r\n\r\n";
    segment s = segments[2];
    std::swap(s.header.from, s.header.to);
    s.header.acknowledgement = s.header.sequence;
    std::uint32_t sequence = 900001;
    s.header.sequence = sequence;
    s.bytes = head;
    segments.push_back(s);
    sequence += static_cast<std::uint32_t>(head.size());
    s.bytes.clear();
    const std::uint32_t step = 1u << 29;
    for (int i = 0; i < 12; ++i) {
        s.header.sequence = sequence;
        s.header.payload_missing = step;
        segments.push_back(s);
        sequence += step;
    }
    const seen all = read(segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    ASSERT_TRUE(all.exchanges[0]->response);
    EXPECT_EQ(all.exchanges[0]->response->message.end, head.size() + 6442450944u);
    EXPECT_TRUE(all.exchanges[0]->gap);
}

TEST(streams, a_capture_that_begins_in_mid_stream_is_read) {
    conversation c;
    c.open().request(get("/1")).response(ok("one")).request(get("/2")).response(ok("two")).close();
    const std::vector<segment> late(c.segments.begin() + 5, c.segments.end());
    const seen all = read(late);
    ASSERT_EQ(all.exchanges.size(), 1u);
    EXPECT_EQ(all.exchanges[0]->request->message.target, "/2");
    EXPECT_EQ(all.connections[0]->complete_start, false);
    EXPECT_EQ(all.connections[0]->server.port, 80);
    EXPECT_EQ(all.holes(), 0u);
}

TEST(streams, roles_tell_the_server_where_ports_would_mislead) {
    conversation c("127.0.0.1:100", "127.0.0.1:9001");
    c.open().request(get("/1")).response(ok("one"));
    const std::vector<segment> late(c.segments.begin() + 4, c.segments.end());
    const seen all = read(late, {{"127.0.0.1:9001", "proxy"}});
    ASSERT_EQ(all.connections.size(), 1u);
    EXPECT_EQ(all.connections[0]->server.port, 9001);
    EXPECT_EQ(all.connections[0]->leg, leg::client);
    ASSERT_EQ(all.exchanges.size(), 1u);
    EXPECT_FALSE(all.exchanges[0]->request);
    EXPECT_TRUE(all.exchanges[0]->response);
}

TEST(streams, an_earlier_connection_tells_who_listens_where_ports_would_mislead) {
    conversation first("127.0.0.1:100", "127.0.0.1:9001"), second("127.0.0.1:101", "127.0.0.1:9001");
    first.open().request(get("/1")).response(ok("one")).close();
    second.open().request(get("/2")).response("ok");
    auto segments = first.segments;
    segments.push_back(second.segments.back());
    const seen all = read(segments);
    ASSERT_EQ(all.connections.size(), 2u);
    EXPECT_EQ(all.connections[1]->server.port, 9001);
    EXPECT_EQ(all.exchanges.size(), 1u);
}

TEST(streams, bytes_cut_by_the_snap_length_are_a_hole) {
    conversation c;
    c.open().request(get("/")).response(ok(std::string(1000, 'x'))).request(get("/2")).response(ok("two")).close();
    auto segments = c.segments;
    segments[4].header.payload_missing = 500;
    segments[4].bytes.resize(segments[4].bytes.size() - 500);
    const seen all = read(segments);
    ASSERT_EQ(all.exchanges.size(), 2u);
    EXPECT_TRUE(all.exchanges[0]->gap);
    EXPECT_FALSE(all.exchanges[1]->gap);
    ASSERT_EQ(all.holes(), 1u);
    EXPECT_EQ(all.connections[0]->holes[0].to - all.connections[0]->holes[0].from, 500u);
    EXPECT_EQ(all.connections[0]->holes[0].side, http::direction::response);
    EXPECT_EQ(all.connections[0]->holes[0].noticed_at.number, 5u);
}

TEST(streams, a_reset_cuts_the_response) {
    conversation c;
    c.open().request(get("/")).response(ok(std::string(100, 'x')).substr(0, 60)).rst(1);
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    ASSERT_TRUE(all.exchanges[0]->response);
    EXPECT_TRUE(all.exchanges[0]->response->message.has(http::anomaly::truncated_body));
    EXPECT_FALSE(all.exchanges[0]->gap);
    EXPECT_EQ(all.connections[0]->server_rst.number, 6u);
    EXPECT_TRUE(all.connections[0]->closed());
    EXPECT_FALSE(all.connections[0]->refused);
    EXPECT_EQ(all.holes(), 0u);
}

TEST(streams, a_refused_connection_is_one) {
    conversation c;
    c.add(0, "", [](tcp_segment& s) { s.syn = true, s.ack = false; });
    c.add(1, "", [](tcp_segment& s) { s.rst = true, s.sequence = 0, s.acknowledgement = 1001; });
    const seen all = read(c.segments);
    ASSERT_EQ(all.connections.size(), 1u);
    EXPECT_TRUE(all.connections[0]->refused);
    EXPECT_FALSE(all.connections[0]->established);
    EXPECT_TRUE(all.exchanges.empty());
    EXPECT_EQ(all.holes(), 0u);
}

TEST(streams, a_half_closed_client_still_gets_its_response) {
    conversation c;
    c.open().request(get("/")).fin(0).response("HTTP/1.1 200 OK\r\n\r\nuntil the close").fin(1).ack(0);
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    ASSERT_TRUE(all.exchanges[0]->answered_whole());
    EXPECT_EQ(all.exchanges[0]->response->message.content_start, "until the close");
    EXPECT_EQ(all.holes(), 0u);
}

TEST(streams, a_port_used_again_is_another_connection) {
    conversation first;
    first.open().request(get("/1")).response(ok("one")).close();
    conversation second("127.0.0.1:50000", "127.0.0.1:80", 77777, 88888);
    second.open().request(get("/2")).response(ok("two")).rst(0);
    auto segments = first.segments;
    segments.insert(segments.end(), second.segments.begin(), second.segments.end());
    const seen all = read(segments);
    ASSERT_EQ(all.connections.size(), 2u);
    ASSERT_EQ(all.exchanges.size(), 2u);
    EXPECT_EQ(all.exchanges[1]->on->id, 2u);
    EXPECT_EQ(all.exchanges[1]->index, 0u);
    EXPECT_EQ(all.holes(), 0u);
}

TEST(streams, pipelined_requests_pair_in_order) {
    conversation c;
    c.open().request(get("/1") + "HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/3").substr(0, 7)).request(get("/3").substr(7));
    c.response(ok("one") + "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + ok("three")).close();
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 3u);
    EXPECT_EQ(all.exchanges[1]->request->message.method, "HEAD");
    EXPECT_TRUE(all.exchanges[1]->answered_whole());
    EXPECT_EQ(all.exchanges[1]->response->message.content_size, 0u);
    EXPECT_EQ(all.exchanges[2]->response->message.content_start, "three");
    EXPECT_EQ(all.exchanges[2]->idle_before, 0ns);
}

TEST(streams, interim_responses_belong_to_the_exchange_that_awaits) {
    const std::string whole = post("/", "body");
    conversation c;
    c.open().request(whole.substr(0, whole.size() - 4)).response("HTTP/1.1 100 Continue\r\n\r\n");
    c.request("body").response("HTTP/1.1 103 Early Hints\r\n\r\n" + ok("fine")).close();
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    ASSERT_EQ(all.exchanges[0]->interim.size(), 2u);
    EXPECT_EQ(all.exchanges[0]->interim[1].message.status, 103);
    EXPECT_EQ(all.exchanges[0]->response->message.status, 200);
}

TEST(streams, an_early_response_pairs_with_the_request_still_being_sent) {
    const std::string whole = post("/1", std::string(100, 'b'));
    conversation c;
    c.open().request(whole.substr(0, whole.size() - 60)).response(ok("early")).request(whole.substr(whole.size() - 60));
    c.request(get("/2")).response(ok("two")).close();
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 2u);
    EXPECT_EQ(all.exchanges[0]->response->message.content_start, "early");
    EXPECT_TRUE(all.exchanges[0]->request->message.complete);
    EXPECT_LT(all.exchanges[0]->response->last.number, all.exchanges[0]->request->last.number);
    EXPECT_EQ(all.exchanges[1]->response->message.content_start, "two");
}

TEST(streams, a_response_before_the_end_of_the_header_does_not_shift_the_methods) {
    conversation c;
    c.open().request("HEAD /1 HTTP/1.1\r\n").response("HTTP/1.1 408 Request Timeout\r\nContent-Length: 2\r\n\r\nno");
    c.request("Host: a\r\n\r\n").request(get("/2")).response(ok("two")).close();
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 2u);
    EXPECT_EQ(all.exchanges[0]->response->message.status, 408);
    EXPECT_EQ(all.exchanges[1]->response->message.content_start, "two");
}

TEST(streams, a_request_without_an_answer_is_an_exchange) {
    conversation c;
    c.open().request(get("/")).close();
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    EXPECT_TRUE(all.exchanges[0]->request);
    EXPECT_FALSE(all.exchanges[0]->answered());
    EXPECT_FALSE(all.exchanges[0]->gap);
}

TEST(streams, a_response_that_nobody_asked_for_is_an_exchange) {
    conversation c;
    c.open().response("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n").close();
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    EXPECT_FALSE(all.exchanges[0]->request);
    EXPECT_EQ(all.exchanges[0]->response->message.status, 408);
    EXPECT_EQ(all.connections[0]->stray.size(), 1u);
}

TEST(streams, what_follows_a_header_too_large_to_be_read_is_in_doubt) {
    conversation c;
    c.open().request(get("/1")).response("HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x') + "\r\nContent-Length: 0\r\n\r\n");
    c.request(get("/2")).response(ok("two")).close();
    const seen all = read(c.segments, {}, {.out_of_order_bytes = 4u << 20, .http = {.header_bytes = 1000, .keep_content = 64}});
    ASSERT_EQ(all.exchanges.size(), 2u);
    EXPECT_TRUE(all.exchanges[0]->gap);
    EXPECT_FALSE(all.exchanges[1]->answered());
    EXPECT_TRUE(all.exchanges[1]->gap);
}

TEST(streams, a_tunnel_is_not_read_as_http) {
    conversation c;
    c.open().request("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").response("HTTP/1.1 200 OK\r\n\r\n");
    c.request(get("/inside")).response(ok("inside")).close();
    const seen all = read(c.segments);
    ASSERT_EQ(all.exchanges.size(), 1u);
    EXPECT_EQ(all.exchanges[0]->response->message.framing, http::framing::tunnel);
    conversation upgrade;
    upgrade.open().request(get("/", "Connection: upgrade\r\nUpgrade: x\r\n")).response("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    upgrade.request(get("/inside")).close();
    EXPECT_EQ(read(upgrade.segments).exchanges.size(), 1u);
}

TEST(streams, token_and_serial_are_taken_from_the_wire) {
    conversation c;
    c.open().request(get("/", "Badorigin-Token: t1\r\n")).response(ok("x", "badorigin-serial: s9\r\n")).close();
    const seen all = read(c.segments);
    EXPECT_EQ(all.exchanges.at(0)->token, "t1");
    EXPECT_EQ(all.exchanges.at(0)->serial, "s9");
}

TEST(streams, a_closed_connection_is_let_go_while_the_capture_goes_on) {
    conversation first, second("127.0.0.1:50001");
    first.open().request(get("/1")).response(ok("one")).close();
    second.pause(1s).open().request(get("/2"));
    auto segments = first.segments;
    segments.insert(segments.end(), second.segments.begin(), second.segments.end());
    EXPECT_EQ(read(segments).open_before_the_end, 1u);
}

TEST(streams, a_late_ack_of_a_connection_that_was_let_go_opens_nothing) {
    conversation first, second("127.0.0.1:50001");
    first.open().request(get("/1")).response(ok("one")).close();
    second.pause(1s).open();
    auto segments = first.segments;
    segments.insert(segments.end(), second.segments.begin(), second.segments.end());
    segments.push_back(first.segments.back());
    segments.back().header.frame.time = segments[segments.size() - 2].header.frame.time;
    EXPECT_EQ(read(segments).connections.size(), 2u);
}

TEST(streams, what_waits_is_bounded) {
    conversation c;
    c.open().request(get("/")).response(ok(std::string(200, 'x')).substr(0, 50));
    std::vector<segment> segments = c.segments;
    for (int i = 0; i < 100; ++i) {  // behind a hole of one byte, none acknowledged
        segment s = segments[4];
        s.header.sequence = 900001 + 51 + static_cast<std::uint32_t>(i) * 1000;
        s.bytes.assign(1000, 'y');
        segments.push_back(s);
    }
    const seen bounded = read(segments, {}, {.out_of_order_bytes = 10000, .http = {}});
    ASSERT_EQ(bounded.holes(), 1u);
    EXPECT_LT(bounded.connections[0]->holes[0].noticed_at.number, 20u);
    EXPECT_TRUE(bounded.exchanges.at(0)->gap);
}

TEST(streams, an_acknowledged_hole_is_told_while_the_stream_goes_on) {
    conversation c;
    c.open().request(get("/1")).response(ok("one"));
    const std::size_t missing = c.segments.size();
    c.request(get("/2")).response(ok("two")).pause(1s).request(get("/3")).response(ok("three"));
    auto segments = c.segments;
    segments.erase(segments.begin() + static_cast<std::ptrdiff_t>(missing));
    std::size_t before_finish = 0;
    stream_table table({}, {}, [&](std::shared_ptr<exchange>) { ++before_finish; });
    frame_number n = 0;
    for (const segment& s : segments) {
        tcp_segment t = s.header;
        t.frame.number = ++n;
        t.payload = s.bytes;
        table.feed(t);
    }
    EXPECT_EQ(before_finish, 3u);
}

TEST(streams, a_proxy_header_is_told_and_is_no_request) {
    const std::string header = "PROXY TCP4 192.0.2.1 198.51.100.1 4321 80\r\n", asked = get("/x");
    for (std::size_t cut = 0; cut <= header.size(); ++cut) {
        conversation c;
        c.open();
        if (cut > 0) c.request(header.substr(0, cut)).ack(1);
        c.request(header.substr(cut) + asked).response(ok("x")).close();
        const auto all = read(c.segments);
        ASSERT_EQ(all.exchanges.size(), 1u) << cut;
        EXPECT_EQ(all.connections.front()->proxy_header, "1 192.0.2.1 4321 198.51.100.1 80");
        const auto& request = all.exchanges.front()->request->message;
        EXPECT_EQ(request.target, "/x");
        EXPECT_TRUE(request.anomalies.empty());
        EXPECT_EQ(request.begin, header.size());
        EXPECT_EQ(request.end, header.size() + asked.size());
    }
}

TEST(streams, what_is_no_proxy_header_is_read_as_what_it_is) {
    for (const std::string& wrong : {std::string("PROXY TCP4 nobody\r\n\r\n"), std::string("PROXY TC")}) {
        conversation c;
        c.open().request(wrong).close();
        const auto all = read(c.segments);
        ASSERT_EQ(all.exchanges.size(), 1u);
        EXPECT_EQ(all.connections.front()->proxy_header, "");
        EXPECT_FALSE(all.exchanges.front()->request->message.anomalies.empty());
    }
}

}  // namespace
}  // namespace badorigin::capture::testing
