// Several captures as one: clocks apart, connections seen twice, files that follow one another; and whose legs are whose.
#include "capture/foreign.h"

#include "several_captures.h"

namespace badorigin::capture::testing {
namespace {

using namespace std::chrono_literals;

const std::string client_ends = "192.0.2.1:50000", proxy = "192.0.2.80:80", outbound = "192.0.2.80:40000", origin = "192.0.2.90:8000";

foreign read(const std::vector<std::string>& files, const foreign_settings& settings = {}) {
    auto found = read_foreign(files, settings);
    EXPECT_TRUE(found) << found.error();
    return found ? std::move(*found) : foreign{};
}

/// The transaction of the client's request for that target.
const transaction& of(const foreign& f, const std::string& target) {
    for (const transaction& t : f.evidence.transactions)
        if (t.client && t.client->request->message.target == target) return t;
    ADD_FAILURE() << "nobody asked for " << target;
    static const transaction none;
    return none;
}

class several_hosts : public captures {
protected:
    /// Three requests that the proxy forwards, 100 ms apart; `n` gives each its own target.
    void SetUp() override {
        captures::SetUp();
        towards_proxy.open(1ms);
        towards_origin.open(12ms);
        for (int n = 0; n < 3; ++n) {
            const nanoseconds at = 10ms + n * 100ms;
            const std::string target = "/" + std::to_string(n), body = "body " + target;
            towards_proxy.request(at, get(target)).response(at + 40ms, ok(body, "Via: 1.1 proxy\r\n"));
            towards_origin.request(at + 10ms, get(target)).response(at + 30ms, ok(body));
        }
        towards_proxy.close(400ms);
        towards_origin.close(401ms);
    }
    timed_connection towards_proxy{client_ends, proxy}, towards_origin{outbound, origin};
};

TEST_F(several_hosts, one_file_gives_roles_joins_and_deliveries) {
    const foreign f = read({write("all.pcapng", {towards_proxy, towards_origin})});
    EXPECT_EQ(f.proxies, std::vector{proxy});
    ASSERT_EQ(f.evidence.transactions.size(), 3u);
    for (const transaction& t : f.evidence.transactions) {
        ASSERT_EQ(t.fetches.size(), 1u);
        EXPECT_EQ(t.fetches[0].joined, confidence::likely);
        EXPECT_EQ(t.fetches[0].by, "target+fields+time");
        EXPECT_EQ(t.delivered_from, t.fetches[0].attempts[0]);
        EXPECT_EQ(t.fetches[0].attempts[0]->on->server_name, "origin:" + origin);
    }
    EXPECT_EQ(f.evidence.frame_text(7), "frame 7");
    EXPECT_TRUE(f.notes.empty());
}

TEST_F(several_hosts, clocks_hours_apart_are_put_right) {
    const foreign f = read({write("client.pcapng", {towards_proxy}), write("origin.pcapng", {towards_origin}, {.clock = 3h})});
    ASSERT_EQ(f.files.size(), 2u);
    EXPECT_EQ(f.files[0].offset, 0ns);
    EXPECT_LE(std::chrono::abs(f.files[1].offset + 3h), f.files[1].uncertainty);
    EXPECT_LE(f.files[1].uncertainty, 11ms);
    EXPECT_NE(f.files[1].offset_basis, "");
    ASSERT_EQ(f.evidence.transactions.size(), 3u);
    for (const transaction& t : f.evidence.transactions) EXPECT_EQ(t.fetches.size(), 1u);
    EXPECT_TRUE(f.notes.empty()) << f.notes.front();
}

TEST_F(several_hosts, the_order_of_the_files_does_not_matter) {
    const foreign f = read({write("origin.pcapng", {towards_origin}, {.clock = -90s}), write("client.pcapng", {towards_proxy})});
    EXPECT_LE(std::chrono::abs(f.files[1].offset + 90s), f.files[1].uncertainty);
    ASSERT_EQ(f.evidence.transactions.size(), 3u);
    for (const transaction& t : f.evidence.transactions) EXPECT_EQ(t.fetches.size(), 1u);
}

TEST_F(several_hosts, clocks_that_agree_are_left_alone) {
    const foreign f = read({write("client.pcapng", {towards_proxy}), write("origin.pcapng", {towards_origin})});
    EXPECT_EQ(f.files[1].offset, 0ns);
    EXPECT_NE(f.files[1].offset_basis, "");
}

TEST_F(several_hosts, clocks_that_share_nothing_are_said_to_be_unknown) {
    const timed_connection other = timed_connection("198.51.100.1:50000", "198.51.100.2:80").open(1ms).request(2ms, get("/other"));
    const foreign f = read({write("a.pcapng", {towards_proxy}), write("b.pcapng", {other}, {.clock = 5s})});
    EXPECT_EQ(f.files[1].offset, 0ns);
    EXPECT_EQ(f.files[1].offset_basis, "");
    ASSERT_FALSE(f.notes.empty());
    EXPECT_NE(f.notes.back().find("b.pcapng could not be compared"), std::string::npos) << f.notes.back();
}

TEST_F(several_hosts, frames_are_told_as_their_own_files_count) {
    const std::string a = write("client.pcapng", {towards_proxy}), b = write("origin.pcapng", {towards_origin}, {.clock = 3h});
    const foreign f = read({a, b});
    EXPECT_EQ(f.evidence.frames, f.files[0].frames + f.files[1].frames);
    EXPECT_EQ(f.evidence.frame_text(1), "client.pcapng frame 1");
    const transaction& t = of(f, "/0");
    EXPECT_EQ(f.evidence.frame_text(t.client->request->first.number), "client.pcapng frame 4");
    EXPECT_EQ(f.evidence.frame_text(t.fetches.at(0).attempts.at(0)->request->first.number), "origin.pcapng frame 4");
    EXPECT_EQ(f.evidence.frame_text(f.evidence.frames), "origin.pcapng frame " + std::to_string(f.files[1].frames));
    EXPECT_EQ(f.evidence.frame_text(f.files[1].first), "origin.pcapng frame 1");
}

TEST_F(several_hosts, a_connection_seen_at_both_ends_counts_once) {
    // The client's host is 5 ms away from the proxy's, whose clock is 2 s ahead and who captures both legs.
    const auto near_the_proxy = [](const tcp_segment& s) { return s.from == ends(client_ends) ? nanoseconds(5ms) : nanoseconds(-5ms); };
    const std::string a = write("client.pcapng", {towards_proxy});
    const std::string both = write("proxy.pcapng", {towards_proxy, towards_origin}, {.clock = 2s, .delay = near_the_proxy});
    const foreign f = read({a, both});
    EXPECT_EQ(f.evidence.connections.size(), 2u);
    EXPECT_EQ(f.evidence.exchanges.size(), 6u);
    EXPECT_LE(std::chrono::abs(f.files[1].offset + 2s), f.files[1].uncertainty);
    EXPECT_LE(f.files[1].uncertainty, 6ms);
    EXPECT_EQ(f.evidence.connections[0]->retransmissions, 0u);
    ASSERT_EQ(f.notes.size(), 1u);
    EXPECT_NE(f.notes[0].find("count once"), std::string::npos) << f.notes[0];
    for (const transaction& t : f.evidence.transactions) EXPECT_EQ(t.fetches.size(), 1u);
}

TEST_F(several_hosts, the_capture_that_lacks_bytes_gives_way) {
    std::string cut = write("cut.pcapng", {towards_proxy}, {.to = 120ms});  // ends in mid-connection
    const foreign f = read({cut, write("whole.pcapng", {towards_proxy})});
    EXPECT_EQ(f.evidence.exchanges.size(), 3u);
    EXPECT_TRUE(f.evidence.incomplete.empty()) << f.evidence.incomplete.front();
    EXPECT_NE(f.notes.back().find("of cut.pcapng are in another file"), std::string::npos) << f.notes.back();
}

TEST_F(several_hosts, a_rotated_capture_is_read_as_one) {
    // The connections go on across the change of files.
    const std::vector<timed_connection> all = {towards_proxy, towards_origin};
    const foreign f = read({write("1.pcapng", all, {.to = 135ms}), write("2.pcapng", all, {.from = 135ms})});
    EXPECT_EQ(f.evidence.connections.size(), 2u);
    EXPECT_EQ(f.evidence.exchanges.size(), 6u);
    EXPECT_EQ(f.files[1].offset, 0ns);
    EXPECT_TRUE(f.evidence.incomplete.empty()) << f.evidence.incomplete.front();
    for (const transaction& t : f.evidence.transactions) EXPECT_TRUE(t.client && t.fetches.size() == 1 && t.client->answered_whole());
}

TEST_F(several_hosts, a_stopped_reading_and_a_missing_file_are_errors) {
    const std::string a = write("a.pcapng", {towards_proxy});
    const auto missing = read_foreign({a, (folder / "none.pcapng").string()});
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().find("none.pcapng"), std::string::npos);
    EXPECT_FALSE(read_foreign({}));
    const auto wrong = read_foreign({a}, {.proxies = {"proxy.example"}});
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().find("\"proxy.example\" is no proxy address"), std::string::npos);
}

TEST_F(several_hosts, files_of_the_same_name_are_told_apart_by_their_paths) {
    std::filesystem::create_directory(folder / "x");
    const foreign f = read({write("a.pcapng", {towards_proxy}), write("x/a.pcapng", {towards_origin})});
    EXPECT_NE(f.files[0].name, f.files[1].name);
}

// Roles

TEST_F(several_hosts, a_proxy_that_is_named_decides) {
    const std::string all = write("all.pcapng", {towards_proxy, towards_origin});
    for (const std::string given : {"192.0.2.80", "192.0.2.80:80"}) {
        const foreign f = read({all}, {.proxies = {given}});
        EXPECT_EQ(f.proxies, std::vector{proxy});
        EXPECT_EQ(of(f, "/1").fetches.size(), 1u);
    }
    const foreign other = read({all}, {.proxies = {"198.51.100.9"}});
    EXPECT_TRUE(other.proxies.empty());
    for (const auto& e : other.evidence.exchanges) EXPECT_EQ(e->leg(), leg::unknown);
}

TEST_F(several_hosts, of_two_tiers_the_one_nearest_the_clients_is_taken) {
    timed_connection second("192.0.2.90:41000", "192.0.2.95:9000");
    second.open(21ms);
    for (int n = 0; n < 3; ++n)
        second.request(21ms + n * 100ms, get("/" + std::to_string(n))).response(35ms + n * 100ms, ok("body /" + std::to_string(n)));
    const foreign f = read({write("all.pcapng", {towards_proxy, towards_origin, second})});
    EXPECT_EQ(f.proxies, std::vector{proxy});
    ASSERT_EQ(f.notes.size(), 1u);
    EXPECT_NE(f.notes[0].find(origin + " is a proxy too"), std::string::npos) << f.notes[0];
    EXPECT_EQ(f.evidence.connections.back()->leg, leg::unknown);
    EXPECT_EQ(of(f, "/2").fetches.size(), 1u);
}

class one_host : public captures {};

TEST_F(one_host, ports_are_told_apart_by_who_asks_again) {
    timed_connection c("127.0.0.1:50000", "127.0.0.1:8080"), o("127.0.0.1:50001", "127.0.0.1:9001"),
        unrelated("127.0.0.1:50002", "127.0.0.1:7000");
    c.open(1ms).request(2ms, get("/a")).response(9ms, ok("a")).request(12ms, get("/b")).response(19ms, ok("b"));
    o.open(3ms).request(4ms, get("/a")).response(5ms, ok("a")).request(14ms, get("/b")).response(15ms, ok("b"));
    unrelated.open(3ms).request(4ms, get("/metrics")).response(5ms, ok("a"));
    const foreign f = read({write("lo.pcapng", {c, o, unrelated})});
    EXPECT_EQ(f.proxies, std::vector<std::string>{"127.0.0.1:8080"});
    for (const auto& on : f.evidence.connections)
        EXPECT_EQ(on->leg, on->server.port == 8080 ? leg::client : on->server.port == 9001 ? leg::origin : leg::unknown);
    EXPECT_EQ(of(f, "/b").fetches.size(), 1u);
}

TEST_F(one_host, requests_side_by_side_do_not_turn_the_roles_round) {
    std::vector<timed_connection> all;
    for (int n = 0; n < 8; ++n) {
        timed_connection c("127.0.0.1:" + std::to_string(50000 + n), "127.0.0.1:8080"),
            o("127.0.0.1:" + std::to_string(51000 + n), "127.0.0.1:9001");
        const auto at = n * 1ms;
        all.push_back(c.open(at + 1ms).request(at + 2ms, get("/same")).response(at + 19ms, ok("same")));
        all.push_back(o.open(at + 3ms).request(at + 4ms, get("/same")).response(at + 15ms, ok("same")));
    }
    EXPECT_EQ(read({write("lo.pcapng", all)}).proxies, std::vector<std::string>{"127.0.0.1:8080"});
}

TEST_F(one_host, two_files_with_clocks_apart_are_told_by_which_exchange_holds_the_other) {
    timed_connection c("127.0.0.1:50000", "127.0.0.1:8080"), o("127.0.0.1:50001", "127.0.0.1:9001");
    c.open(1ms).request(2ms, get("/a")).response(9ms, ok("a")).request(12ms, get("/b")).response(19ms, ok("b"));
    o.open(3ms).request(4ms, get("/a")).response(5ms, ok("a")).request(14ms, get("/b")).response(15ms, ok("b"));
    const foreign f = read({write("origin.pcapng", {o}, {.clock = 1h}), write("client.pcapng", {c})});
    EXPECT_EQ(f.proxies, std::vector<std::string>{"127.0.0.1:8080"});
    EXPECT_EQ(of(f, "/a").fetches.size(), 1u);
    EXPECT_EQ(of(f, "/b").fetches.size(), 1u);
}

TEST_F(one_host, one_side_alone_is_known_by_the_fields_that_proxies_add) {
    timed_connection c("127.0.0.1:50000", "127.0.0.1:8080"), o("127.0.0.1:50001", "127.0.0.1:9001");
    c.open(1ms).request(2ms, get("/a")).response(9ms, ok("a", "Age: 3\r\nVia: 1.1 x\r\n"));
    o.open(3ms).request(4ms, get("/a", "X-Forwarded-For: 127.0.0.1\r\n")).response(5ms, ok("a"));
    const foreign clients = read({write("c.pcapng", {c})}), origins = read({write("o.pcapng", {o})});
    EXPECT_EQ(clients.evidence.connections[0]->leg, leg::client);
    EXPECT_EQ(origins.evidence.connections[0]->leg, leg::origin);
    EXPECT_EQ(clients.notes.size(), 1u);
}

}  // namespace
}  // namespace badorigin::capture::testing
