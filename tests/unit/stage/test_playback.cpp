// A recording played against an origin of the same engine: the origin's port stands in for a proxy, the clock is virtual.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/stage/playback.h"
#include "tests/unit/peers/wire.h"

namespace badorigin::stage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class Playback : public testing::Test {
protected:
    Playback() : engine(settings()), port(engine.add_origin({"app", {}, peers::listening::accept})) {
        what.request = [this](std::size_t turn) {
            begun.push_back(turn);
            peers::request out;
            out.target = "/" + std::to_string(turn);
            if (what.turns[turn].connection != 0) out.connection = "connection-" + std::to_string(what.turns[turn].connection);
            return out;
        };
        engine.set_responder([this](const std::string&, const peers::request_facts& asked, nanoseconds) {
            peers::reply out;
            for (const auto& [name, value] : asked.fields)
                if (name == "Badorigin-Token") tokens[asked.target] = value;
            out.delay = delays[asked.target];
            return std::optional{out};
        });
    }
    static peers::engine_settings settings() {
        peers::engine_settings s;
        s.virtual_time = true;
        s.run = "run";
        return s;
    }
    /// Turns are on connections of their own unless one is named.
    void turn(nanoseconds at, nanoseconds over, std::size_t after, std::uint64_t connection = 0, bool last = true) {
        what.turns.push_back({at, over, after, connection ? connection : 1000 + what.turns.size(), last});
        what.over.push_back(what.over.size());
    }
    /// Lets everything happen that can at the time.
    void play_until(player& p, nanoseconds at) {
        engine.advance_to(at);
        for (int quiet = 0; quiet < 50; ++quiet) {
            p.start_due(engine.now());
            if (engine.poll() || p.notice()) quiet = 0;
            std::this_thread::yield();
        }
    }

    peers::engine engine;
    std::uint16_t port;
    playback what;
    std::map<std::string, nanoseconds> delays;
    std::map<std::string, std::string> tokens;  ///< by target
    std::vector<std::size_t> begun;
};

TEST_F(Playback, keeps_the_times) {
    turn(0s, 1ms, 0);
    turn(2s, 2s + 1ms, 1);
    player p(what, engine, "127.0.0.1", port);
    play_until(p, 0s);
    EXPECT_THAT(begun, ElementsAre(0));
    EXPECT_EQ(p.next_due(engine.now()), 2s);
    play_until(p, 1999ms);
    EXPECT_EQ(begun.size(), 1u);
    play_until(p, 2s);
    EXPECT_THAT(begun, ElementsAre(0, 1));
    EXPECT_TRUE(p.done());
}

TEST_F(Playback, as_fast_as_possible_keeps_the_order_alone) {
    what.keep_times = false;
    turn(0s, 1s, 0);
    turn(500ms, 2s, 0);  // in flight together with the first
    turn(3s, 4s, 2);
    delays["/0"] = 10s;
    player p(what, engine, "127.0.0.1", port);
    play_until(p, 0s);
    EXPECT_THAT(begun, ElementsAre(0, 1));
    EXPECT_EQ(p.next_due(engine.now()), nanoseconds::max());
    play_until(p, 10s);
    EXPECT_THAT(begun, ElementsAre(0, 1, 2));
}

TEST_F(Playback, waits_a_little_for_what_should_be_over_and_not_for_what_stalls) {
    turn(0s, 1s, 0);
    turn(1s + 1ms, 2s, 1);
    turn(5s, 6s, 2);
    delays["/0"] = 60s;
    player p(what, engine, "127.0.0.1", port);
    play_until(p, 0s);
    play_until(p, 1s + 1ms);
    EXPECT_THAT(begun, ElementsAre(0));
    EXPECT_GT(p.next_due(engine.now()), 1s + what.patience);
    play_until(p, p.next_due(engine.now()));
    EXPECT_THAT(begun, ElementsAre(0, 1));
    play_until(p, 5s);
    EXPECT_THAT(begun, ElementsAre(0, 1, 2));  // at its time
    EXPECT_FALSE(p.done());
    play_until(p, 60s);
    EXPECT_TRUE(p.done());
}

TEST_F(Playback, lets_requests_of_one_connection_follow_each_other_on_it) {
    turn(0s, 1s, 0, 7, false);
    turn(10ms, 2s, 0, 7, false);
    turn(20ms, 3s, 0, 7, true);
    delays["/0"] = delays["/1"] = 1s;
    player p(what, engine, "127.0.0.1", port);
    play_until(p, 0s);
    play_until(p, 20ms);
    EXPECT_THAT(begun, ElementsAre(0));
    play_until(p, 1s);
    EXPECT_THAT(begun, ElementsAre(0, 1));
    play_until(p, 2s);
    play_until(p, 3s);
    EXPECT_THAT(begun, ElementsAre(0, 1, 2));
    EXPECT_TRUE(p.done());
    std::set<std::string> clients;
    for (const auto& socket : engine.shut_down())
        if (socket.remote == "127.0.0.1:" + std::to_string(port)) clients.insert(socket.local);
    EXPECT_EQ(clients.size(), 1u);
}

TEST_F(Playback, gives_each_turn_its_token_though_a_later_one_begins_before) {
    turn(0s, 1s, 0, 7, false);
    turn(10ms, 2s, 0, 7, true);
    turn(20ms, 3s, 0);
    delays["/0"] = 1s;
    player p(what, engine, "127.0.0.1", port);
    play_until(p, 0s);
    play_until(p, 20ms);
    EXPECT_THAT(begun, ElementsAre(0, 2));
    play_until(p, 1s);
    EXPECT_THAT(begun, ElementsAre(0, 2, 1));
    EXPECT_EQ(tokens, (std::map<std::string, std::string>{{"/0", "run-c1"}, {"/1", "run-c2"}, {"/2", "run-c3"}}));
}

}  // namespace
}  // namespace badorigin::stage
