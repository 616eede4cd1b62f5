// Whatever data frame is taken out of a capture: it is noticed, and nothing whole is made of what is left.
#include <algorithm>

#include <gtest/gtest.h>

#include "conversation.h"

namespace badorigin::capture::testing {
namespace {

std::vector<std::vector<segment>> sessions() {
    const std::string upload = post("/up", std::string(300, 'u'));
    const std::string large = ok(std::string(900, 'l'));
    conversation keep_alive;
    keep_alive.open().request(get("/1")).response(ok("one"));
    keep_alive.request(upload.substr(0, 100)).request(upload.substr(100, 100)).request(upload.substr(200));
    keep_alive.response(large.substr(0, 30)).response(large.substr(30, 400)).response(large.substr(430)).ack(0);
    keep_alive.request(get("/3")).response(ok("three")).close();

    conversation until_close;
    until_close.open().request(get("/1")).response("HTTP/1.0 200 OK\r\n\r\nfirst").response("second").response("third");
    until_close.fin(1).ack(0).fin(0).ack(1);

    conversation pipelined;
    pipelined.open().request(get("/1")).request(get("/2")).response(ok("one")).response(ok("two")).close();

    conversation chunked;
    chunked.open()
        .request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .request("5\r\nhello\r\n")
        .request("0\r\n\r\n");
    chunked.response("HTTP/1.1 100 Continue\r\n\r\n").response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunked.response("3\r\nabc\r\n").response("0\r\n\r\n").ack(0).rst(0);

    conversation reset;
    reset.open().request(get("/1")).response(large.substr(0, 200)).response(large.substr(200, 100)).rst(1);

    conversation no_end;  // the capture ends while the connection is open
    no_end.open().request(get("/1")).response(ok("one")).request(get("/2")).response(ok("two")).ack(0);

    return {keep_alive.segments, until_close.segments, pipelined.segments, chunked.segments, reset.segments, no_end.segments};
}

TEST(holes, a_whole_session_has_none) {
    for (const auto& session : sessions()) EXPECT_EQ(read(session).holes(), 0u) << gist(read(session));
}

TEST(holes, every_data_frame_that_is_removed_is_noticed) {
    for (const auto& session : sessions()) {
        for (std::size_t i = 0; i < session.size(); ++i) {
            if (session[i].bytes.empty()) continue;
            auto rest = session;
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
            const seen all = read(rest);
            ASSERT_EQ(all.holes(), 1u) << "frame " << i + 1 << '\n' << gist(all);
            const hole& h = all.connections[0]->holes[0];
            EXPECT_EQ(h.to - h.from, session[i].bytes.size()) << "frame " << i + 1;
            EXPECT_EQ(h.side, session[i].header.to.port == 80 ? http::direction::request : http::direction::response);
            EXPECT_NE(h.noticed_at.number, 0u);
            EXPECT_TRUE(std::ranges::any_of(all.exchanges, [](const auto& e) { return e->gap; })) << "frame " << i + 1 << '\n' << gist(all);
        }
    }
}

/// The client is gone; what the server still says is answered by the client's kernel.
std::vector<segment> to_a_closed_socket(const std::function<void(conversation&)>& what_comes) {
    conversation c;
    c.open().request(get("/1")).response(ok("one")).fin(0);
    what_comes(c);
    c.add(0, "", [](tcp_segment& s) { s.rst = true, s.ack = false, s.acknowledgement = 0; });
    return c.segments;
}

TEST(holes, a_kernels_reset_is_explained_by_what_came_to_the_closed_socket) {
    const auto data = [](conversation& c) { c.response(ok("two")); };
    const auto fin = [](conversation& c) { c.fin(1); };
    for (const auto& session : {to_a_closed_socket(data), to_a_closed_socket(fin)}) {
        const seen whole = read(session);
        EXPECT_FALSE(whole.connections.at(0)->unexplained_reset) << gist(whole);
        auto rest = session;
        rest.erase(rest.end() - 2);
        const seen cut = read(rest);
        EXPECT_EQ(cut.connections.at(0)->unexplained_reset.number, rest.size()) << gist(cut);
        EXPECT_EQ(cut.holes(), 0u);
    }
}

TEST(holes, a_reset_behind_both_ends_hides_nothing) {
    conversation c;
    c.open().request(get("/1")).response(ok("one")).fin(0).fin(1).ack(0).ack(1).ack(0);
    c.add(1, "", [](tcp_segment& s) { s.rst = true, s.ack = false, s.acknowledgement = 0; });
    EXPECT_FALSE(read(c.segments).connections.at(0)->unexplained_reset);
}

TEST(holes, a_reset_that_acknowledges_is_the_program_s_own) {
    conversation c;
    c.open().request(get("/1")).response(ok("one")).fin(0).rst(0);
    EXPECT_FALSE(read(c.segments).connections.at(0)->unexplained_reset);
}

/// An exchange without a gap is an exchange of the whole session, word for word.
TEST(holes, what_is_not_marked_as_gap_is_as_in_the_whole_capture) {
    const auto one = [](const exchange& e) {
        std::string text = e.request ? e.request->message.target : "-";
        for (const auto& i : e.interim) text += ' ' + std::to_string(i.message.status);
        if (e.response) text += ' ' + std::to_string(e.response->message.status) + ' ' + std::to_string(e.response->message.content_hash);
        return text;
    };
    for (const auto& session : sessions()) {
        std::vector<std::string> whole;
        for (const auto& e : read(session).exchanges) whole.push_back(one(*e));
        for (std::size_t i = 0; i < session.size(); ++i) {
            auto rest = session;
            rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
            const seen all = read(rest);
            for (const auto& e : all.exchanges) {
                if (e->gap) continue;
                EXPECT_NE(std::ranges::find(whole, one(*e)), whole.end()) << "frame " << i + 1 << ": " << one(*e) << '\n' << gist(all);
            }
        }
    }
}

TEST(holes, frames_that_changed_places_with_their_neighbours_make_no_difference) {
    for (const auto& session : sessions()) {
        const std::string expected = gist(read(session));
        for (std::size_t i = 0; i + 1 < session.size(); ++i) {
            auto moved = session;
            std::swap(moved[i], moved[i + 1]);
            EXPECT_EQ(gist(read(moved)), expected) << "frames " << i + 1 << " and " << i + 2;
        }
    }
}

TEST(holes, every_frame_twice_makes_no_difference) {
    for (const auto& session : sessions()) {
        std::vector<segment> twice;
        for (const segment& s : session) {
            twice.push_back(s);
            twice.push_back(s);
        }
        EXPECT_EQ(gist(read(twice)), gist(read(session)));
    }
}

TEST(holes, every_frame_cut_in_two_makes_no_difference) {
    for (const auto& session : sessions()) {
        std::vector<segment> pieces;
        for (const segment& s : session) {
            if (s.bytes.size() < 2) {
                pieces.push_back(s);
                continue;
            }
            segment first = s, second = s;
            const std::size_t half = s.bytes.size() / 2;
            first.bytes.resize(half);
            second.bytes.erase(0, half);
            second.header.sequence += static_cast<std::uint32_t>(half);
            pieces.push_back(first);
            pieces.push_back(second);
        }
        EXPECT_EQ(gist(read(pieces)), gist(read(session)));
    }
}

TEST(holes, a_removed_fin_is_noticed_by_its_acknowledgement) {
    conversation c;
    c.open().request(get("/")).response("HTTP/1.0 200 OK\r\n\r\nbody").fin(1).ack(0).fin(0).ack(1);
    auto segments = c.segments;
    segments.erase(segments.begin() + 5);
    const seen all = read(segments);
    EXPECT_EQ(all.holes(), 1u);
    EXPECT_FALSE(all.exchanges.at(0)->answered_whole());
}

TEST(holes, a_removed_syn_makes_no_hole) {
    conversation c;
    c.open().request(get("/")).response(ok("x")).close();
    auto segments = c.segments;
    segments.erase(segments.begin());
    const seen all = read(segments);
    EXPECT_EQ(all.holes(), 0u);
    EXPECT_FALSE(all.connections.at(0)->complete_start);
    EXPECT_TRUE(all.exchanges.at(0)->answered_whole());
}

TEST(holes, data_without_an_acknowledgement_behind_a_fin_is_noticed) {
    conversation c;
    c.open().request(get("/")).response(ok("x"));
    const std::size_t lost = c.segments.size() - 1;
    c.fin(1);
    auto segments = c.segments;
    segments.erase(segments.begin() + static_cast<std::ptrdiff_t>(lost));
    EXPECT_EQ(read(segments).holes(), 1u);
}

}  // namespace
}  // namespace badorigin::capture::testing
