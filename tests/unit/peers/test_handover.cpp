// Requests that another thread answers, and what live stages need of the engine beside it.
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake-backends/engine.h"
#include "tests/unit/peers/wire.h"

namespace badorigin::peers {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_wire::turn_until;
using testing_wire::wire;

const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

reply says(const std::string& body, int repeat) {
    reply r;
    r.body = {content::kind::literal, body, 0, 0, false};
    r.repeat = repeat;
    return r;
}

/// An origin whose requests are answered by `work`, each in a thread of its own.
class handed {
public:
    explicit handed(std::function<void(handover&)> work) : e(settings()), work_(std::move(work)) {
        origin_script s;
        s.name = "app";
        port = e.add_origin(s);
        e.hand_over("app", {"*", "/*", {}}, [this](std::shared_ptr<handover> one) {
            threads_.emplace_back([this, one] {
                work_(*one);
                one->done();
            });
        });
    }
    ~handed() {
        e.shut_down();
        threads_.clear();
    }
    handed(const handed&) = delete;
    handed& operator=(const handed&) = delete;

    static engine_settings settings() {
        engine_settings s;
        s.virtual_time = true;
        s.run = "run";
        s.keep_received = true;
        return s;
    }
    engine e;
    std::uint16_t port = 0;

private:
    std::function<void(handover&)> work_;
    std::vector<std::jthread> threads_;
};

std::string read_all(handover& one) {
    std::string all;
    for (;;) {
        const auto piece = one.read(10s);
        if (!piece || piece->empty()) return all;
        all += *piece;
    }
}

TEST(Handover, gives_each_request_its_own_bytes_also_where_they_arrive_together) {
    std::vector<std::string> seen;
    handed h([&](handover& one) {
        seen.push_back(read_all(one));
        one.write(answer);
    });
    wire w(h.port);
    w.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(w.until_got(h.e, answer + answer));
    EXPECT_THAT(seen, ElementsAre("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "GET /b HTTP/1.1\r\nHost: x\r\n\r\n"));
}

TEST(Handover, is_thinking_but_while_it_waits_for_the_wire) {
    std::promise<void> go;
    handed h([&, may = go.get_future().share()](handover& one) {
        may.wait();
        read_all(one);
        one.write(answer);
    });
    wire w(h.port);
    w.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
    ASSERT_TRUE(turn_until(h.e, [&] { return h.e.thinking() == 1; }));
    go.set_value();
    ASSERT_TRUE(turn_until(h.e, [&] { return h.e.thinking() == 0; }));  // two bytes of the body are missing
    w.send("bc");
    ASSERT_TRUE(w.until_got(h.e, answer));
    EXPECT_TRUE(turn_until(h.e, [&] { return h.e.thinking() == 0; }));
}

TEST(Handover, sleeps_by_the_clock_of_the_run) {
    handed h([](handover& one) {
        while (!one.sleep(30s, 10s)) {}
        one.write(answer);
    });
    wire w(h.port);
    w.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(turn_until(h.e, [&] { return h.e.next_timer().has_value() && h.e.thinking() == 0; }));
    EXPECT_EQ(*h.e.next_timer(), 30s);
    EXPECT_EQ(w.got, "");
    h.e.advance_to(30s);
    EXPECT_TRUE(w.until_got(h.e, answer));
}

TEST(Handover, closes_resets_and_answers_as_a_script_would) {
    handed h([](handover& one) {
        if (one.asked.target == "/close") {
            one.write("half");
            one.close();
        } else if (one.asked.target == "/reset") {
            one.reset();
        } else {
            one.answer(says("scripted", 1));
        }
    });
    wire closed(h.port), reset(h.port), scripted(h.port);
    closed.send("GET /close HTTP/1.1\r\nHost: x\r\n\r\n");
    reset.send("GET /reset HTTP/1.1\r\nHost: x\r\n\r\n");
    scripted.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(closed.until_closed(h.e));
    EXPECT_TRUE(closed.fin && closed.got == "half");
    EXPECT_TRUE(reset.until_closed(h.e));
    EXPECT_TRUE(reset.rst);
    EXPECT_TRUE(scripted.until_got(h.e, "scripted"));
    EXPECT_THAT(scripted.got, HasSubstr("Badorigin-Serial: run-app-"));
}

TEST(Handover, is_told_when_its_connection_has_gone) {
    std::promise<bool> gone;
    handed h([&](handover& one) {
        read_all(one);
        one.write(answer);
        while (!one.gone()) std::this_thread::yield();
        gone.set_value(true);
    });
    auto w = std::make_unique<wire>(h.port);
    w->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(w->until_got(h.e, answer));
    w.reset();
    h.e.shut_down();
    EXPECT_TRUE(gone.get_future().get());
}

TEST(Client, keeps_what_it_heard_where_asked_to) {
    handed h([](handover& one) { one.write(answer); });
    request what;
    const auto id = h.e.start(what, "127.0.0.1", h.port);
    ASSERT_TRUE(turn_until(h.e, [&] { return h.e.state(id) == client_state::answered; }));
    EXPECT_EQ(h.e.heard(id), answer);
}

TEST(Origin, goes_on_where_it_was_when_its_script_grows) {
    engine e(handed::settings());
    origin_script s;
    s.name = "app";
    s.routes.push_back({"GET", "/a", {says("one", 1), says("two", 1)}});
    wire w(e.add_origin(s));
    w.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(w.until_got(e, "one"));
    s.routes.push_back({"GET", "/b", {says("new", -1)}});
    e.extend_script(s);
    w.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(w.until_got(e, "new"));
    EXPECT_THAT(w.got, HasSubstr("two"));
}

}  // namespace
}  // namespace badorigin::peers
