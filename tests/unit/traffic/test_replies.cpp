// What an origin did on the wire, and the reply that does it again.
#include <gtest/gtest.h>

#include "harness/traffic/replies.h"

namespace badorigin::traffic {
namespace {

using namespace std::chrono_literals;
using capture::frame_ref;
using http::anomaly;

frame_ref frame(std::uint64_t number, nanoseconds at = 0ns) {
    frame_ref f;
    f.number = number;
    f.time = at;
    return f;
}

/// "GET /page" answered "200 OK" with 4 bytes, over a connection that the proxy ended.
class Replies : public testing::Test {
protected:
    Replies() {
        capture::marker start;
        start.kind = capture::marker::kind::start;
        start.frame = frame(1);
        evidence.markers.push_back(start);
        on.exchanges = 1;
        on.client_fin = frame(90);
        seen.request.emplace();
        seen.request->message.method = "GET";
        seen.request->message.target = "/page";
        seen.request->message.header_complete = seen.request->message.complete = true;
        seen.request->first = seen.request->header_end = seen.request->last = frame(10);
        seen.response.emplace();
        auto& m = response();
        m.side = http::direction::response;
        m.status = 200;
        m.fields = {{"Date", "Fri, 15 Jan 2027 08:00:00 GMT", 0}, {"Server", "app/1.0", 0}};
        m.header_complete = m.complete = true;
        m.framing = http::framing::length;
        m.declared_length = m.content_size = 4;
        m.content_start = "page";
        seen.response->first = seen.response->header_end = seen.response->last = frame(20);
    }
    http::message& response() { return seen.response->message; }
    peers::reply told() {
        seen.on = std::make_shared<capture::connection>(on);
        telling about{evidence, settings};
        const auto reply = reply_of(seen, doubled, about);
        EXPECT_TRUE(reply) << reply.error();
        return reply.value_or(peers::reply{});
    }
    std::string fault() {
        const auto reply = told();
        return reply.fault ? reply.fault->id : "";
    }

    capture::evidence evidence;
    import_settings settings;
    capture::connection on;
    capture::exchange seen;
    bool doubled = false;
};

TEST_F(Replies, good_answer_is_its_status_its_fields_and_its_body) {
    const auto reply = told();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body.literal, "page");
    EXPECT_TRUE(reply.fields.empty());
    EXPECT_FALSE(reply.fault || reply.close);
}

TEST_F(Replies, silence_is_told_by_who_ended_the_connection_when_and_how) {
    seen.response.reset();
    EXPECT_EQ(fault(), "stall-before-response");
    on.server_fin = frame(30);
    EXPECT_EQ(fault(), "close-before-response");
    on.server_fin = frame(9);
    EXPECT_EQ(fault(), "close-on-request");
    on.server_fin = {};
    on.server_rst = frame(30);
    EXPECT_EQ(fault(), "reset-before-response");
    seen.request->message.complete = false;
    EXPECT_EQ(fault(), "reset-on-request");
}

TEST_F(Replies, end_in_the_header_and_in_the_body_are_told_apart) {
    response().complete = false;
    response().content_size = 3;
    response().declared_length = 100;
    EXPECT_EQ(fault(), "stall-in-body");
    on.server_fin = frame(30);
    EXPECT_EQ(fault(), "close-in-body");
    EXPECT_EQ(told().fault->after, 3u);
    EXPECT_EQ(told().body.size, 100u);
    response().framing = http::framing::chunked;
    EXPECT_EQ(fault(), "missing-last-chunk");
    response().header_complete = false;
    EXPECT_EQ(fault(), "close-in-header");
}

TEST_F(Replies, bytes_behind_a_response_are_its_fault) {
    doubled = true;
    EXPECT_EQ(fault(), "second-response");
    doubled = false;
    response().end = 77;
    on.stray = {{anomaly::bytes_after_message, 77}};
    EXPECT_EQ(fault(), "bytes-after-message");
}

TEST_F(Replies, connection_that_the_origin_ends_unannounced_is_its_fault_and_announced_is_not) {
    on.server_fin = frame(30, 20ms);
    EXPECT_EQ(fault(), "close-after-response");
    on.server_fin = frame(30, 5s);
    EXPECT_EQ(fault(), "close-idle-after");
    EXPECT_EQ(told().fault->lasts, 5s);
    response().fields.push_back({"Connection", "close", 0});
    EXPECT_EQ(fault(), "");
    EXPECT_TRUE(told().close);
}

TEST_F(Replies, pauses_on_purpose_are_told_and_those_of_a_network_are_not) {
    seen.response->first = seen.response->header_end = seen.response->last = frame(20, 60ms);
    EXPECT_EQ(told().delay, 0ns);
    seen.response->first = seen.response->header_end = seen.response->last = frame(20, 2s + 3ms);
    EXPECT_EQ(told().delay, 2s);
    seen.response->last = frame(24, 2s + 303ms);
    seen.response->frames = {20, 21, 22, 23, 24};
    const auto drip = told().fault;
    ASSERT_TRUE(drip);
    EXPECT_EQ(drip->id, "drip-body");
    EXPECT_EQ(drip->every, 100ms);
    EXPECT_EQ(drip->size, 1u);
}

TEST_F(Replies, date_of_expiry_is_told_as_a_lifetime) {
    response().fields.push_back({"Expires", "Fri, 15 Jan 2027 08:01:00 GMT", 0});
    EXPECT_EQ(told().fields, (peers::field_lines{{"Cache-Control", "max-age=60"}}));
    response().fields = {{"Date", "Fri, 15 Jan 2027 08:00:00 GMT", 0}, {"Server", "app/1.0", 0}, {"Expires", "soon", 0}};
    EXPECT_EQ(told().fields, (peers::field_lines{{"Expires", "soon"}}));
}

TEST_F(Replies, tunnel_and_missing_bytes_cannot_be_told) {
    response().framing = http::framing::tunnel;
    seen.on = std::make_shared<capture::connection>(on);
    telling about{evidence, settings};
    EXPECT_FALSE(reply_of(seen, false, about));
    response().framing = http::framing::length;
    seen.gap = true;
    EXPECT_FALSE(reply_of(seen, false, about));
}

}  // namespace
}  // namespace badorigin::traffic
