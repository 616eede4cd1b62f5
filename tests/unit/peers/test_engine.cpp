// Origins as a plain socket sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake-backends/engine.h"
#include "tests/unit/peers/wire.h"

namespace badorigin::peers {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing_wire::turn_until;
using testing_wire::wire;

const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string post_head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";

engine_settings virtual_clock() {
    engine_settings s;
    s.virtual_time = true;
    s.wall_start = 784111777s;
    s.run = "run";
    return s;
}

reply says(std::string body, int repeat = -1) {
    reply r;
    r.body.kind = content::kind::literal;
    r.body.literal = std::move(body);
    r.repeat = repeat;
    return r;
}

reply faulty(fault what, int repeat = -1) {
    auto r = says("hello", repeat);
    r.fault = std::move(what);
    return r;
}

origin_script app(std::vector<reply> replies) {
    origin_script s;
    s.name = "app";
    s.routes.push_back({"*", "/*", std::move(replies)});
    return s;
}

TEST(Origin, keeps_its_connection_and_counts_serials) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({says("one", 1), says("two")})));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "one"));
    EXPECT_THAT(w.got, HasSubstr("Badorigin-Serial: run-app-1\r\n"));
    EXPECT_THAT(w.got, HasSubstr("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "two"));
    EXPECT_THAT(w.got, HasSubstr("Badorigin-Serial: run-app-2\r\n"));
    EXPECT_FALSE(w.fin);
    EXPECT_EQ(e.busy(), 0u);
    EXPECT_THAT(e.unexpected_requests(), IsEmpty());
}

TEST(Origin, answers_pipelined_requests_in_order) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({says("one", 1), says("two")})));
    w.send(get + get);
    ASSERT_TRUE(w.until_got(e, "two"));
    EXPECT_LT(w.got.find("one"), w.got.find("two"));
}

TEST(Origin, says_500_where_the_script_has_no_answer_and_reports_it) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({says("one", 1)})));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "one"));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "HTTP/1.1 500 "));
    ASSERT_EQ(e.unexpected_requests().size(), 1u);
    EXPECT_EQ(e.unexpected_requests()[0], "unexpected request: origin app was asked GET /, which its script does not answer (500 sent)");
}

TEST(Origin, says_400_to_what_is_no_request_and_closes) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({says("one")})));
    w.send("\x16\x03\x01 this is TLS\n");
    ASSERT_TRUE(w.until_closed(e));
    EXPECT_THAT(w.got, StartsWith("HTTP/1.1 400 "));
    EXPECT_FALSE(w.rst);
    EXPECT_EQ(e.unexpected_requests().size(), 1u);
}

TEST(Origin, replies_may_depend_on_the_connection) {
    engine e(virtual_clock());
    auto fresh = says("fresh"), reused = says("reused");
    fresh.when = condition::fresh_connection;
    reused.when = condition::reused_connection;
    const auto port = e.add_origin(app({reused, fresh}));
    wire w(port);
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "fresh"));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "reused"));
}

TEST(Origin, storms_end_at_their_time) {
    engine e(virtual_clock());
    auto storm = says("storm");
    storm.until = 10s;
    wire w(e.add_origin(app({storm, says("calm")})));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "storm"));
    e.advance_to(10s);
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "calm"));
}

TEST(Origin, a_delay_waits_for_the_clock_and_for_nothing_else) {
    engine e(virtual_clock());
    auto slow = says("late");
    slow.delay = 5s;
    wire w(e.add_origin(app({slow})));
    w.send(get);
    ASSERT_TRUE(w.until(e, [&] { return e.next_timer().has_value(); }));
    EXPECT_EQ(*e.next_timer(), 5s);
    EXPECT_EQ(e.busy(), 1u);
    e.advance_to(4999ms);
    const auto before = e.activity();
    e.poll();
    EXPECT_EQ(e.activity(), before);
    EXPECT_THAT(w.got, IsEmpty());
    e.advance_to(5s);
    ASSERT_TRUE(w.until_got(e, "late"));
    EXPECT_THAT(w.got, HasSubstr("Date: Sun, 06 Nov 1994 08:49:42 GMT"));
    EXPECT_EQ(e.busy(), 0u);
    EXPECT_FALSE(e.next_timer().has_value());
}

TEST(Origin, one_jump_plays_a_whole_drip_in_order) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({faulty({.id = "drip-body", .every = 1s, .size = 1})})));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "\r\n\r\nh"));
    EXPECT_THAT(w.got, EndsWith("\r\n\r\nh"));
    e.advance_to(2s);
    ASSERT_TRUE(w.until_got(e, "hel"));
    EXPECT_THAT(w.got, EndsWith("hel"));
    e.advance_to(60s);
    ASSERT_TRUE(w.until_got(e, "hello"));
    EXPECT_EQ(e.now(), 60s);
}

// Faults, by family

TEST(Origin, clean_closes_send_fin_even_while_a_body_arrives) {
    for (const char* id : {"close-on-request", "early-response"}) {
        engine e(virtual_clock());
        wire w(e.add_origin(app({faulty({.id = id})})));
        w.send(post_head + "12345");
        ASSERT_TRUE(w.until_closed(e)) << id;
        w.send("67890");
        e.poll();
        w.look();
        EXPECT_TRUE(w.fin) << id;
        EXPECT_FALSE(w.rst) << id;
        EXPECT_EQ(w.got.empty(), std::string(id) == "close-on-request") << id;
    }
}

TEST(Origin, resets_arrive_behind_what_was_sent) {
    for (const char* id : {"reset-on-request", "reset-before-response", "reset-in-header", "reset-in-body", "reset-after-response"}) {
        engine e(virtual_clock());
        wire w(e.add_origin(app({faulty({.id = id})})));
        w.send(get);
        ASSERT_TRUE(w.until_closed(e)) << id;
        EXPECT_TRUE(w.rst) << id;
        EXPECT_FALSE(w.fin) << id;
        if (std::string(id) == "reset-in-body") { EXPECT_THAT(w.got, EndsWith("\r\n\r\nhe")); }
        if (std::string(id) == "reset-after-response") { EXPECT_THAT(w.got, EndsWith("hello")); }
        if (std::string(id) == "reset-before-response") { EXPECT_THAT(w.got, IsEmpty()); }
    }
}

TEST(Origin, closes_cut_where_they_say) {
    for (const char* id : {"close-before-response", "close-in-header", "close-in-body", "headerless", "body-short", "missing-last-chunk"}) {
        engine e(virtual_clock());
        wire w(e.add_origin(app({faulty({.id = id})})));
        w.send(get);
        ASSERT_TRUE(w.until_closed(e)) << id;
        EXPECT_TRUE(w.fin) << id;
        EXPECT_FALSE(w.rst) << id;
    }
}

TEST(Origin, reuse_is_closed_only_once_the_request_is_there) {
    engine e(virtual_clock());
    const auto port = e.add_origin(app({faulty({.id = "close-on-reuse"})}));
    wire w(port);
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "hello"));
    EXPECT_FALSE(w.fin);
    w.send(get);
    ASSERT_TRUE(w.until_closed(e));
    EXPECT_TRUE(w.fin);
    EXPECT_THAT(w.got, EndsWith("hello"));
}

TEST(Origin, a_stall_without_end_ends_with_the_peer) {
    engine e(virtual_clock());
    const auto port = e.add_origin(app({faulty({.id = "stall-before-response"})}));
    wire w(port);
    w.send(get);
    ASSERT_TRUE(turn_until(e, [&] { return e.busy() == 1; }));
    EXPECT_FALSE(e.next_timer().has_value());
    w.finish();
    ASSERT_TRUE(w.until_closed(e));
    EXPECT_EQ(e.busy(), 0u);
    EXPECT_THAT(w.got, IsEmpty());
}

TEST(Origin, a_stall_with_an_end_goes_on) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({faulty({.id = "stall-in-body", .after = 2, .lasts = 30s})})));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "\r\n\r\nhe"));
    e.advance_to(30s);
    ASSERT_TRUE(w.until_got(e, "hello"));
}

TEST(Origin, never_reading_fills_the_window) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({faulty({.id = "never-read", .lasts = 60s})})));
    const std::size_t size = 64u << 20;
    w.send("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    ASSERT_TRUE(turn_until(e, [&] { return e.next_timer().has_value(); }));
    const std::string piece(1 << 20, 'x');
    std::size_t sent = 0;
    for (std::size_t n = 1; n > 0 && sent < size; sent += n) {
        n = w.send(piece);
        e.poll();
    }
    EXPECT_LT(sent, size);
    e.advance_to(60s);
    ASSERT_TRUE(w.until(e, [&] {
        while (sent < size) {
            const auto n = w.send(piece.substr(0, std::min(piece.size(), size - sent)));
            if (n == 0) break;
            sent += n;
        }
        return w.got.find("hello") != w.got.npos;
    }));
    EXPECT_EQ(sent, size);
}

TEST(Origin, an_idle_connection_is_closed_after_its_time_unless_it_is_used) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({faulty({.id = "close-idle-after", .lasts = 5s})})));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "hello"));
    ASSERT_TRUE(turn_until(e, [&] { return e.next_timer() == 5s; }));
    e.advance_to(3s);
    w.got.clear();
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "hello"));
    ASSERT_TRUE(turn_until(e, [&] { return e.next_timer() == 8s; }));
    w.look();
    EXPECT_FALSE(w.fin);
    e.advance_to(8s);
    ASSERT_TRUE(w.until_closed(e));
    EXPECT_TRUE(w.fin);
}

TEST(Origin, half_close_reads_on_without_answering) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({faulty({.id = "half-close-after-response"})})));
    w.send(get);
    ASSERT_TRUE(w.until_closed(e));
    const auto so_far = w.got;
    const auto moved = e.activity();
    w.send(get);
    ASSERT_TRUE(turn_until(e, [&] { return e.activity() > moved; }));
    w.look();
    EXPECT_EQ(w.got, so_far);
    EXPECT_FALSE(w.rst);
}

// Ways of listening

TEST(Listening, refusing_resets_and_heals_on_the_same_port) {
    engine e(virtual_clock());
    auto script = app({says("hello")});
    script.start = listening::refuse;
    const auto port = e.add_origin(script);
    {
        wire w(port);
        EXPECT_EQ(w.send(get), 0u);  // there is no connection that could take a byte
    }
    e.set_listening("app", listening::accept);
    wire w(port);
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "hello"));
    e.set_listening("app", listening::refuse);
    w.got.clear();
    w.send(get);  // connections that exist stay
    ASSERT_TRUE(w.until_got(e, "hello"));
}

TEST(Listening, closing_at_once_sends_fin) {
    engine e(virtual_clock());
    auto script = app({says("hello")});
    script.start = listening::close_at_once;
    wire w(e.add_origin(script));
    ASSERT_TRUE(w.until_closed(e));
    EXPECT_TRUE(w.fin);
    EXPECT_THAT(w.got, IsEmpty());
}

TEST(Listening, never_reading_accepts_next_to_nothing) {
    engine e(virtual_clock());
    auto script = app({says("hello")});
    script.start = listening::never_read;
    wire w(e.add_origin(script));
    ASSERT_TRUE(turn_until(e, [&] { return e.activity() > 0; }));
    w.send(get);
    e.poll();
    w.look();
    EXPECT_THAT(w.got, IsEmpty());
    EXPECT_FALSE(w.fin || w.rst);
    const auto records = e.shut_down();
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].bytes, 0u);
}

TEST(Listening, a_taken_port_is_a_mistake_that_is_explained) {
    engine e(virtual_clock());
    const auto port = e.add_origin(app({}));
    auto other = app({});
    other.name = "other";
    try {
        e.add_origin(other, port);
        FAIL() << "two origins on one port";
    } catch (const set_up_error& error) { EXPECT_THAT(error.what(), HasSubstr("port " + std::to_string(port) + " is taken")); }
    EXPECT_THROW(e.add_origin(app({})), set_up_error);
    other.routes = {{"*", "/", {faulty({.id = "no-such-fault"})}}};
    EXPECT_THROW(e.add_origin(other), set_up_error);
    EXPECT_THROW(e.set_listening("nobody", listening::refuse), set_up_error);
}

TEST(Listening, idle_connections_are_closed_on_demand_and_busy_ones_are_not) {
    for (const bool reset : {false, true}) {
        engine e(virtual_clock());
        auto slow = says("slow");
        slow.delay = 5s;
        auto script = app({says("hello")});
        script.routes.insert(script.routes.begin(), route{"*", "/slow", {slow}});
        const auto port = e.add_origin(script);
        wire idle(port), busy(port);
        idle.send(get);
        ASSERT_TRUE(idle.until_got(e, "hello"));
        busy.send("GET /slow HTTP/1.1\r\n\r\n");
        ASSERT_TRUE(turn_until(e, [&] { return e.busy() == 1; }));
        EXPECT_EQ(e.close_idle("app", reset), 1u);
        ASSERT_TRUE(idle.until_closed(e));
        EXPECT_EQ(idle.rst, reset);
        e.advance_to(5s);
        ASSERT_TRUE(busy.until_got(e, "slow"));
    }
}

TEST(Records, say_what_was_received_and_how_it_ended) {
    std::string seen, said;
    int opened = 0, ended = 0;
    socket_watch watch;
    watch.opened = [&](const auto&, const auto&, bool we) { opened += we ? 0 : 1; };
    watch.data = [&](const auto&, const auto&, bool sent, const char* bytes, std::size_t size) {
        (sent ? said : seen).append(bytes, size);
    };
    watch.ended = [&](const auto&, const auto&, bool, bool) { ++ended; };
    engine e(virtual_clock(), watch);
    wire w(e.add_origin(app({says("hello")})));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "hello"));
    ASSERT_TRUE(turn_until(e, [&] { return e.unacknowledged() == 0; }));
    w.finish();
    ASSERT_TRUE(w.until_closed(e));
    const auto records = e.shut_down();
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].bytes, get.size());
    EXPECT_TRUE(records[0].fin);
    EXPECT_FALSE(records[0].rst);
    EXPECT_EQ(seen, get);
    EXPECT_EQ(said, w.got);
    EXPECT_EQ(opened, 1);
    EXPECT_EQ(ended, 2);
    EXPECT_EQ(e.shut_down().size(), 1u);
}

TEST(Records, shutting_down_ends_stalls_cleanly) {
    engine e(virtual_clock());
    wire w(e.add_origin(app({faulty({.id = "stall-in-body"})})));
    w.send(get);
    ASSERT_TRUE(w.until_got(e, "he"));
    e.shut_down();
    w.look();
    EXPECT_TRUE(w.fin);
    EXPECT_FALSE(w.rst);
}

}  // namespace
}  // namespace badorigin::peers
