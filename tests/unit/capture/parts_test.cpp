// Evidence in parts is the evidence as a whole, whatever the parts' size.
#include <set>

#include <fmt/format.h>

#include "capture/foreign.h"
#include "capture/recent.h"
#include "several_captures.h"

namespace badorigin::capture::testing {
namespace {

using namespace std::chrono_literals;

std::string id_of(const exchange_ptr& e) {
    return e ? std::to_string(e->id) : "-";
}

std::string gist(const transaction& t) {
    std::string text = "client " + id_of(t.client);
    for (const fetch& f : t.fetches) {
        text += fmt::format(", fetch by {} {}", f.by, name(f.joined));
        for (const exchange_ptr& a : f.attempts) text += ' ' + id_of(a);
    }
    text += ", delivered from " + id_of(t.delivered_from);
    for (const exchange_ptr& c : t.candidates) text += ", perhaps " + id_of(c);
    return text;
}

/// What parts of evidence hold, taken together.
struct together {
    std::multiset<std::string> transactions;
    std::vector<std::uint64_t> exchanges, connections;  // ids
    std::size_t parts = 0, begun_anew = 0, largest = 0;

    void void_all() {
        const std::size_t before = begun_anew;
        *this = {};
        begun_anew = before + 1;
    }
    void add(const evidence& part) {
        ++parts;
        largest = std::max(largest, part.exchanges.size());
        for (const transaction& t : part.transactions) transactions.insert(gist(t));
        for (const exchange_ptr& e : part.exchanges) exchanges.push_back(e->id);
        for (const auto& c : part.connections) connections.push_back(c->id);
    }
};

class parts : public captures {
protected:
    static constexpr auto proxy = "192.0.2.80:80";

    together read(const std::string& file, const part_limits& limits) {
        together all;
        taker_of_parts to;
        to.part = [&](const evidence& part) { all.add(part); };
        to.anew = [&] { all.void_all(); };
        to.limits = limits;
        const auto found = read_in_parts({file}, {.proxies = {proxy}}, to);
        EXPECT_TRUE(found) << found.error();
        EXPECT_EQ(found ? found->exchanges : 0, all.exchanges.size());
        return all;
    }
    together read_whole(const std::string& file) {
        together all;
        const auto found = read_foreign({file}, {.proxies = {proxy}});
        EXPECT_TRUE(found) << found.error();
        if (found) all.add(found->evidence);
        return all;
    }

    /// Clients one after the other: fetches, answers from the store, refreshes in the background, a failure that is tried again, and two
    /// who ask for the same at once.
    std::vector<timed_connection> traffic(int rounds) {
        std::vector<timed_connection> all;
        for (int n = 0; n < rounds; ++n) {
            const nanoseconds at = n * 2s;
            const auto client = [&](int k) { return timed_connection(fmt::format("192.0.2.{}:{}", k + 1, 20000 + n), proxy); };
            const auto origin = [&](int k) { return timed_connection(fmt::format("192.0.2.80:{}", 30000 + 8 * n + k), "192.0.2.90:8000"); };
            const std::string dated = fmt::format("Date: Fri, 15 Jan 2027 08:{:02}:00 GMT\r\n", n % 60);
            const std::string page = get("/page"), form = post("/form", fmt::format("round {}", n)), same = get("/same");
            all.push_back(client(0).open(at + 1ms).request(at + 2ms, page).response(at + 20ms, ok("page", dated)).close(at + 900ms));
            all.push_back(origin(0).open(at + 3ms).request(at + 4ms, page).response(at + 15ms, ok("page", dated)).close(at + 800ms));
            all.push_back(client(1).open(at + 100ms).request(at + 101ms, page).response(at + 102ms, ok("page", dated + "Age: 5\r\n")));
            all.push_back(origin(1).open(at + 110ms).request(at + 111ms, page).response(at + 150ms, ok("page", dated)));
            all.push_back(client(2).open(at + 200ms).request(at + 201ms, form).response(at + 300ms, ok("done")));
            all.push_back(origin(2).open(at + 202ms).request(at + 203ms, form).server_closes(at + 210ms));
            all.push_back(origin(3).open(at + 220ms).request(at + 221ms, form).response(at + 290ms, ok("done")));
            all.push_back(client(3).open(at + 400ms).request(at + 401ms, same).response(at + 450ms, ok("same")));
            all.push_back(client(4).open(at + 400ms).request(at + 402ms, same).response(at + 451ms, ok("same")));
            all.push_back(origin(4).open(at + 403ms).request(at + 404ms, same).response(at + 440ms, ok("same")));
        }
        return all;
    }
};

TEST_F(parts, of_any_size_hold_what_the_whole_holds) {
    const std::string file = write("all.pcapng", traffic(12));
    const together whole = read_whole(file);
    ASSERT_EQ(whole.exchanges.size(), 120u);
    for (const std::size_t size : {1u, 2u, 7u, 50u, 1000u}) {
        const together in_parts = read(file, {.first_look = size, .part = size});
        EXPECT_EQ(in_parts.transactions, whole.transactions) << "parts of " << size;
        EXPECT_EQ(in_parts.exchanges, whole.exchanges) << "parts of " << size;
        EXPECT_EQ(in_parts.connections.size(), whole.connections.size()) << "parts of " << size;
        if (size <= 7) { EXPECT_GT(in_parts.parts, 10u) << "parts of " << size; }
    }
}

TEST_F(parts, are_of_no_more_than_what_came_in_the_last_moment) {
    const std::string file = write("all.pcapng", traffic(40));
    EXPECT_LE(read(file, {.first_look = 10, .part = 10}).largest, 40u);
}

TEST_F(parts, exchanges_and_connections_are_in_one_part_each_and_in_order) {
    const std::string file = write("all.pcapng", traffic(12));
    const together all = read(file, {.first_look = 3, .part = 3});
    EXPECT_TRUE(std::ranges::is_sorted(all.exchanges));
    EXPECT_EQ(std::set(all.exchanges.begin(), all.exchanges.end()).size(), all.exchanges.size());
    EXPECT_EQ(std::set(all.connections.begin(), all.connections.end()).size(), all.connections.size());
}

TEST_F(parts, one_that_stays_open_does_not_hold_up_all_others) {
    auto all = traffic(40);
    timed_connection slow("192.0.2.9:20000", proxy);
    slow.open(1ms).request(2ms, get("/slow")).response(80s, ok("at last"));
    all.push_back(slow);
    const std::string file = write("all.pcapng", all);
    const together held_up = read(file, {.first_look = 10, .part = 10});
    EXPECT_EQ(held_up.largest, held_up.exchanges.size()) << "all wait for it where there is room";
    const together went_on = read(file, {.first_look = 10, .part = 10, .waiting = 20});
    EXPECT_LE(went_on.largest, 80u);
    EXPECT_EQ(went_on.exchanges.size(), held_up.exchanges.size());
    EXPECT_EQ(went_on.transactions.size(), held_up.transactions.size());
}

TEST_F(parts, begin_anew_where_the_legs_show_late) {
    // At first nothing is asked again; then it shows that the endpoint asked is a proxy, and nobody named it.
    std::vector<timed_connection> all;
    for (int n = 0; n < 20; ++n) {
        const nanoseconds at = n * 1s;
        const std::string page = get(fmt::format("/{}", n));
        timed_connection c(fmt::format("192.0.2.1:{}", 20000 + n), proxy), o(fmt::format("192.0.2.80:{}", 30000 + n), "192.0.2.90:8000");
        all.push_back(c.open(at).request(at + 1ms, page).response(at + 50ms, ok("page")));
        if (n >= 10) all.push_back(o.open(at + 2ms).request(at + 3ms, page).response(at + 40ms, ok("page")));
    }
    const std::string file = write("all.pcapng", all);
    together found;
    taker_of_parts to;
    to.part = [&](const evidence& part) { found.add(part); };
    to.anew = [&] { found.void_all(); };
    to.limits = {.first_look = 4, .part = 4};
    const auto read = read_in_parts({file}, {}, to);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(found.begun_anew, 1u);
    EXPECT_EQ(read->proxies, (std::vector<std::string>{proxy}));
    const auto whole = read_foreign({file});
    ASSERT_TRUE(whole) << whole.error();
    together expected;
    expected.add(whole->evidence);
    EXPECT_EQ(found.transactions, expected.transactions);
}

TEST(recent_map, knows_what_was_used_lately_and_forgets_the_rest) {
    recent<int, int, 8> map;
    for (int n = 0; n < 100; ++n) {
        EXPECT_TRUE(map.try_emplace(n, 10 * n).second);
        ASSERT_NE(map.find(0), nullptr) << "used all the time, after " << n;
        EXPECT_LE(map.size(), 8u);
    }
    EXPECT_EQ(*map.find(0), 0);
    EXPECT_EQ(*map.find(99), 990);
    EXPECT_EQ(map.find(50), nullptr);
    EXPECT_FALSE(map.try_emplace(99, 1).second);
    map.clear();
    EXPECT_EQ(map.find(99), nullptr);
}

}  // namespace
}  // namespace badorigin::capture::testing
