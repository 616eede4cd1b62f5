// Clients of the engine against origins of the same engine: the origin's port stands in for a proxy.
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
using ::testing::Not;
using testing_wire::turn_until;

/// An engine with one origin, and everything that clients send or receive on the wire.
struct bench {
    explicit bench(std::vector<reply> replies, listening how = listening::accept, bool virtual_time = true)
        : e(settings(virtual_time), watch()), port(add(std::move(replies), how)) {}

    static engine_settings settings(bool virtual_time) {
        engine_settings s;
        s.virtual_time = virtual_time;
        s.run = "run";
        return s;
    }
    socket_watch watch() {
        socket_watch w;
        w.opened = [this](const auto& local, const auto&, bool we) {
            if (we) client_ends.push_back(local);
        };
        w.data = [this](const auto& local, const auto&, bool sent, const char* bytes, std::size_t size) {
            if (std::find(client_ends.begin(), client_ends.end(), local) == client_ends.end()) return;
            (sent ? sent_bytes : received).append(bytes, size);
            if (sent) order.push_back(local);
        };
        return w;
    }
    std::uint16_t add(std::vector<reply> replies, listening how) {
        origin_script s;
        s.name = "app";
        s.start = how;
        s.routes.push_back({"*", "/*", std::move(replies)});
        return e.add_origin(s);
    }
    engine::client_id start(const request& what, bool hold = false) { return e.start(what, "127.0.0.1", port, hold); }
    client_state outcome(engine::client_id id) {
        turn_until(e, [&] { return e.state(id) != client_state::running; });
        return e.state(id);
    }

    std::vector<std::string> client_ends, order;
    std::string sent_bytes, received;
    engine e;
    std::uint16_t port;
};

reply says(std::string body) {
    reply r;
    r.body.kind = content::kind::literal;
    r.body.literal = std::move(body);
    r.repeat = -1;
    return r;
}

reply faulty(fault what) {
    auto r = says("hello");
    r.fault = std::move(what);
    return r;
}

request post(std::string body) {
    request r;
    r.method = "POST";
    r.body.kind = content::kind::literal;
    r.body.literal = std::move(body);
    return r;
}

request kept(std::string name) {
    request r;
    r.connection = std::move(name);
    return r;
}

TEST(Client, sends_token_and_host_and_reads_its_answer) {
    bench b({says("hello")});
    const auto id = b.start(request{});
    EXPECT_EQ(b.outcome(id), client_state::answered);
    EXPECT_EQ(b.e.token(id), "run-c1");
    EXPECT_EQ(b.sent_bytes, "GET / HTTP/1.1\r\nHost: badorigin.test\r\nBadorigin-Token: run-c1\r\n\r\n");
    EXPECT_THAT(b.received, EndsWith("hello"));
    const auto records = b.e.shut_down();
    ASSERT_EQ(records.size(), 2u);
    for (const auto& each : records) EXPECT_TRUE(each.fin && !each.rst) << each.local;
}

TEST(Client, frames_bodies_by_length_or_chunks) {
    bench b({says("hello")});
    EXPECT_EQ(b.outcome(b.start(post("12345"))), client_state::answered);
    EXPECT_THAT(b.sent_bytes, EndsWith("Content-Length: 5\r\n\r\n12345"));
    auto chunked = post("12345");
    chunked.body.chunked = true;
    EXPECT_EQ(b.outcome(b.start(chunked)), client_state::answered);
    EXPECT_THAT(b.sent_bytes, EndsWith("Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n"));
    auto head = request{};
    head.method = "HEAD";
    EXPECT_EQ(b.outcome(b.start(head)), client_state::answered);
}

TEST(Client, raw_requests_go_as_they_are) {
    bench b({says("hello")});
    request raw;
    raw.raw = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    const auto id = b.start(raw);
    EXPECT_EQ(b.outcome(id), client_state::answered);
    EXPECT_EQ(b.sent_bytes, *raw.raw);
    EXPECT_EQ(b.e.token(id), "");
}

TEST(Client, reuses_a_kept_connection_and_replaces_a_dead_one) {
    bench b({says("hello")});
    EXPECT_EQ(b.outcome(b.start(kept("a"))), client_state::answered);
    EXPECT_EQ(b.outcome(b.start(kept("a"))), client_state::answered);
    EXPECT_EQ(b.client_ends.size(), 1u);
    EXPECT_EQ(b.e.close_idle("app"), 1u);
    EXPECT_EQ(b.outcome(b.start(kept("a"))), client_state::answered);
    EXPECT_EQ(b.client_ends.size(), 2u);
    b.e.close_connection("a");
    EXPECT_EQ(b.outcome(b.start(kept("a"))), client_state::answered);
    EXPECT_EQ(b.client_ends.size(), 3u);
}

TEST(Client, requests_on_one_kept_connection_wait_for_each_other) {
    auto slow = says("hello");
    slow.delay = 5s;
    bench b({slow});
    const auto first = b.start(kept("a")), second = b.start(kept("a"));
    ASSERT_TRUE(turn_until(b.e, [&] { return b.e.next_timer() == 5s; }));
    b.e.advance_to(5s);
    EXPECT_EQ(b.outcome(first), client_state::answered);
    EXPECT_EQ(b.e.state(second), client_state::running);
    ASSERT_TRUE(turn_until(b.e, [&] { return b.e.next_timer() == 10s; }));
    b.e.advance_to(10s);
    EXPECT_EQ(b.outcome(second), client_state::answered);
    EXPECT_EQ(b.client_ends.size(), 1u);
}

TEST(Client, a_response_that_says_close_ends_a_kept_connection) {
    auto closing = says("hello");
    closing.close = true;
    bench b({closing});
    EXPECT_EQ(b.outcome(b.start(kept("a"))), client_state::answered);
    EXPECT_EQ(b.outcome(b.start(kept("a"))), client_state::answered);
    EXPECT_EQ(b.client_ends.size(), 2u);
}

TEST(Client, held_clients_send_together_once_all_are_connected) {
    bench b({says("hello")});
    std::vector<engine::client_id> ids;
    for (int i = 0; i < 8; ++i) ids.push_back(b.start(request{}, true));
    ASSERT_TRUE(turn_until(b.e, [&] { return b.e.all_connected(); }));
    for (int i = 0; i < 100; ++i) b.e.poll();
    EXPECT_THAT(b.sent_bytes, IsEmpty());
    b.e.release();
    ASSERT_TRUE(turn_until(b.e, [&] { return !b.sent_bytes.empty(); }));
    EXPECT_EQ(b.order.size(), 8u);  // all in the same turn
    for (const auto id : ids) EXPECT_EQ(b.outcome(id), client_state::answered);
}

TEST(Client, a_release_before_the_connections_stand_waits_for_them) {
    bench b({says("hello")});
    const auto one = b.start(request{}, true), two = b.start(request{}, true);
    b.e.release();
    EXPECT_EQ(b.outcome(one), client_state::answered);
    EXPECT_EQ(b.outcome(two), client_state::answered);
}

TEST(Client, tells_how_it_ended) {
    {
        bench b({says("hello")}, listening::refuse);
        EXPECT_EQ(b.outcome(b.start(request{})), client_state::refused);
    }
    {
        bench b({says("hello")}, listening::close_at_once);
        EXPECT_EQ(b.outcome(b.start(request{})), client_state::closed_without_answer);
    }
    for (const char* id : {"close-before-response", "reset-before-response", "close-in-header", "close-in-body", "reset-in-body",
                           "headerless", "body-short"}) {
        bench b({faulty({.id = id})});
        EXPECT_EQ(b.outcome(b.start(request{})), client_state::closed_without_answer) << id;
    }
    for (const char* id :
         {"interim-first", "many-interims", "close-after-response", "half-close-after-response", "second-response", "unsolicited-304"}) {
        bench b({faulty({.id = id})});
        EXPECT_EQ(b.outcome(b.start(request{})), client_state::answered) << id;
    }
}

TEST(Client, gives_up_at_its_deadline_connected_or_not) {
    {
        bench b({faulty({.id = "stall-before-response"})});
        const auto id = b.start(request{});
        ASSERT_TRUE(turn_until(b.e, [&] { return b.e.busy() == 1; }));
        b.e.advance_to(119s);
        EXPECT_EQ(b.e.state(id), client_state::running);
        b.e.advance_to(120s);
        EXPECT_EQ(b.outcome(id), client_state::gave_up);
        EXPECT_TRUE(turn_until(b.e, [&] { return b.e.busy() == 0; }));
    }
    {
        bench b({says("hello")}, listening::ignore);
        const auto id = b.start(request{});
        b.e.poll();
        EXPECT_EQ(b.e.next_timer(), 120s);
        b.e.advance_to(120s);
        EXPECT_EQ(b.outcome(id), client_state::gave_up);
        EXPECT_THAT(b.client_ends, IsEmpty());
    }
}

TEST(Client, stops_within_its_body_and_goes_as_told) {
    for (const auto how : {sending::ending::close, sending::ending::reset}) {
        bench b({says("hello")});
        auto cut = post("1234567890");
        cut.sending.stop_after = 4;
        cut.sending.then = how;
        EXPECT_EQ(b.outcome(b.start(cut)), client_state::gave_up);
        EXPECT_THAT(b.sent_bytes, EndsWith("\r\n\r\n1234"));
        const auto records = b.e.shut_down();
        ASSERT_EQ(records.size(), 2u);
        const bool reset = how == sending::ending::reset;
        const auto of_origin =
            std::find_if(records.begin(), records.end(), [&](const auto& each) { return each.local != b.client_ends[0]; });
        EXPECT_EQ(of_origin->rst, reset);
        EXPECT_EQ(of_origin->fin, !reset);
        EXPECT_EQ(of_origin->bytes, b.sent_bytes.size());
    }
}

TEST(Client, half_closes_and_still_reads_its_answer) {
    bench b({says("hello")});
    auto half = post("12345");
    half.sending.then = sending::ending::half_close;
    EXPECT_EQ(b.outcome(b.start(half)), client_state::answered);
}

TEST(Client, waits_for_an_answer_behind_a_body_that_stops) {
    bench b({faulty({.id = "early-response"})});
    auto cut = post("1234567890");
    cut.sending.stop_after = 0;
    EXPECT_EQ(b.outcome(b.start(cut)), client_state::answered);
    EXPECT_THAT(b.sent_bytes, EndsWith("Content-Length: 10\r\n\r\n"));
}

TEST(Client, sends_slowly_by_the_clock) {
    bench b({says("hello")});
    auto slow = post("123456");
    slow.sending.piece = 2;
    slow.sending.every = 1s;
    const auto id = b.start(slow);
    ASSERT_TRUE(turn_until(b.e, [&] { return b.e.next_timer() == 1s; }));
    EXPECT_THAT(b.sent_bytes, EndsWith("\r\n\r\n12"));
    b.e.advance_to(1s);
    EXPECT_THAT(b.sent_bytes, EndsWith("\r\n\r\n1234"));
    b.e.advance_to(2s);
    EXPECT_EQ(b.outcome(id), client_state::answered);
    EXPECT_THAT(b.sent_bytes, EndsWith("\r\n\r\n123456"));
}

TEST(Client, sends_a_header_in_its_time) {
    bench b({says("hello")});
    auto slow = post("123456");
    slow.sending.header_takes = 7s;
    const auto id = b.start(slow);
    ASSERT_TRUE(turn_until(b.e, [&] { return b.e.next_timer() == 1s; }));
    EXPECT_THAT(b.sent_bytes, Not(IsEmpty()));
    b.e.advance_to(6s);
    EXPECT_THAT(b.sent_bytes, Not(HasSubstr("\r\n\r\n")));
    b.e.advance_to(7s);
    EXPECT_THAT(b.sent_bytes, EndsWith("\r\n\r\n123456"));
    EXPECT_EQ(b.outcome(id), client_state::answered);
}

TEST(Client, carries_large_bodies_both_ways) {
    auto large = says("");
    large.body.kind = content::kind::generated;
    large.body.size = 8u << 20;
    bench b({large});
    auto upload = post("");
    upload.body.kind = content::kind::generated;
    upload.body.size = 8u << 20;
    EXPECT_EQ(b.outcome(b.start(upload)), client_state::answered);
    EXPECT_GT(b.received.size(), 8u << 20);
    EXPECT_GT(b.sent_bytes.size(), 8u << 20);
}

TEST(Client, real_time_runs_by_itself) {
    auto slow = says("hello");
    slow.delay = 20ms;
    bench b({slow}, listening::accept, false);
    const auto id = b.start(request{});
    EXPECT_TRUE(b.e.run_until([&] { return b.e.state(id) == client_state::answered; }, 10s));
    EXPECT_GE(b.e.now(), 20ms);
    EXPECT_FALSE(b.e.run_until([] { return false; }, b.e.now() + 5ms));
    EXPECT_THROW(b.e.advance_to(1h), set_up_error);
}

}  // namespace
}  // namespace badorigin::peers
