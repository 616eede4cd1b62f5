// Then against now.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/traffic/compare.h"
#include "tests/unit/traffic/captured.h"

namespace badorigin::traffic {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_captured::captured;
using testing_captured::noon;
using testing_captured::said;

const said page{200, {{"X-Colour", "red", 0}, {"Date", "Sun, 22 Nov 2026 12:00:00 GMT", 0}}, "page"};

class Comparison : public testing::Test {
protected:
    Comparison() { ask(then, {}); }
    /// Two requests for /page one after the other, of which the first makes the fetch.
    static void ask(captured& in, const std::string& run, const said& answer = page) {
        in.fetch(in.ask("GET", "/page", 0s, 10ms, answer, run.empty() ? "" : run + "-c1"), "/page", 1ms, 9ms, answer);
        in.ask("GET", "/page", 1s, 1s + 10ms, answer, run.empty() ? "" : run + "-c2");
    }
    std::vector<std::string> told(std::set<std::string> may_differ = {}, pace how = {}) {
        recorded = record(then.evidence, {});
        const date_shift shift{how, noon, noon};
        result = compare(recorded, now.evidence, shift, {how, storms, std::move(may_differ)});
        std::vector<std::string> out;
        for (const auto& d : result.differences)
            out.push_back(std::to_string(d.ask + 1) + " " + std::string{name(d.what)} + " " + d.name + (d.name.empty() ? "" : " ") +
                          d.then + " → " + d.now);
        return out;
    }

    captured then, now;
    recording recorded;
    std::vector<storm> storms;
    comparison result;
};

TEST_F(Comparison, of_the_same_has_no_difference) {
    ask(now, "k3");
    EXPECT_THAT(told(), IsEmpty());
    EXPECT_EQ(result.compared, 2u);
    EXPECT_EQ(result.origins_compared, 2u);
}

TEST_F(Comparison, names_another_status_and_nothing_that_follows_from_it) {
    ask(now, "k3", {503, {}, "sorry"});
    EXPECT_THAT(told(), ElementsAre("1 status 200 → 503", "1 origin 200 → 503", "2 status 200 → 503"));
}

TEST_F(Comparison, names_a_request_that_was_not_made) {
    now.fetch(now.ask("GET", "/page", 0s, 10ms, page, "k3-c1"), "/page", 1ms, 9ms, page);
    EXPECT_THAT(told(), ElementsAre("2 not-asked asked → not in the packets"));
}

TEST_F(Comparison, names_another_body_of_the_same_size) {
    ask(now, "k3", {200, page.fields, "gape"});
    EXPECT_EQ(told().size(), 2u);
    EXPECT_EQ(result.differences.front().what, difference::kind::body);
}

TEST_F(Comparison, names_fields_that_changed_came_or_went_but_for_the_volatile) {
    ask(now, "k3",
        {200, {{"X-Colour", "blue", 0}, {"X-New", "1", 0}, {"Date", "Mon, 23 Nov 2026 12:00:00 GMT", 0}, {"Age", "4", 0}}, "page"});
    EXPECT_THAT(told(), ElementsAre("1 field x-colour red → blue", "1 field x-new absent → 1", "2 field x-colour red → blue",
                                    "2 field x-new absent → 1"));
    EXPECT_THAT(told({"x-colour", "x-new"}), IsEmpty());
}

TEST_F(Comparison, names_what_origins_were_asked_though_the_client_got_the_same) {
    ask(now, "k3");
    now.fetch(1, "/page", 1s + 1ms, 1s + 9ms, page);
    EXPECT_THAT(told(), ElementsAre("2 origin none → 200"));
}

TEST_F(Comparison, of_requests_in_flight_together_asks_for_the_sum_of_fetches) {
    captured both;
    std::swap(then, both);
    for (auto* in : {&then, &now}) {
        const std::string run = in == &now ? "k3-c" : "";
        const auto one = in->ask("GET", "/page", 0s, 10ms, page, run.empty() ? "" : run + "1");
        const auto other = in->ask("GET", "/page", 5ms, 12ms, page, run.empty() ? "" : run + "2");
        in->fetch(in == &now ? other : one, "/page", 6ms, 9ms, page);
    }
    EXPECT_THAT(told(), IsEmpty());
    now.fetch(0, "/page", 7ms, 8ms, page);
    EXPECT_THAT(told(), ElementsAre("1 origin 200 → 200 (2 times)"));
}

TEST_F(Comparison, tells_the_storm_that_lay_over_the_moment) {
    storms.push_back(*parse_storm("status_storm from 500ms for 1s"));
    ask(now, "k3", {503, {}, "sorry"});
    told();
    std::vector<std::string> by;
    for (const auto& d : result.differences) by.push_back(d.storm);
    EXPECT_THAT(by, ElementsAre("", "", "status_storm from 500ms for 1s"));
}

TEST_F(Comparison, tells_what_origins_were_asked_by_the_request_that_was_struck_where_two_were_in_flight) {
    const auto two = [](captured& in, const std::string& run, const said& second) {
        ask(in, run);
        in.fetch(in.ask("GET", "/both", 2s, 2s + 40ms, page, run.empty() ? "" : run + "-c3"), "/both", 2s + 1ms, 2s + 30ms, page);
        in.fetch(in.ask("GET", "/both", 2s + 10ms, 2s + 50ms, second, run.empty() ? "" : run + "-c4"), "/both", 2s + 11ms, 2s + 20ms,
                 second);
    };
    then = captured{};
    two(then, "", page);
    two(now, "k3", {503, {}, "sorry"});
    storms.push_back(*parse_storm("status_storm on /both from 2005ms for 1s"));
    EXPECT_THAT(told(), testing::UnorderedElementsAre("4 status 200 → 503", "4 origin 200 (2 times) → 200, 503"));
    for (const auto& d : result.differences) EXPECT_EQ(d.storm, "status_storm on /both from 2005ms for 1s");
}

TEST_F(Comparison, measures_how_late_requests_and_answers_are) {
    now.fetch(now.ask("GET", "/page", 100ms, 120ms, page, "k3-c1"), "/page", 101ms, 112ms, page);
    now.ask("GET", "/page", 1s + 105ms, 1s + 110ms, page, "k3-c2");
    told();
    EXPECT_EQ(result.requests.count, 2u);
    EXPECT_EQ(result.requests.least, 0ms);
    EXPECT_EQ(result.requests.most, 5ms);
    EXPECT_EQ(result.waits.most, 3ms);
    told({}, {std::nullopt});
    EXPECT_EQ(result.requests.count, 0u);
}

TEST(Distribution, is_by_nearest_rank) {
    std::vector<nanoseconds> values;
    for (int i = 100; i >= 0; --i) values.emplace_back(i);
    const auto d = distribution_of(values);
    EXPECT_EQ(d.count, 101u);
    EXPECT_EQ((std::vector{d.least, d.median, d.percentile_90, d.percentile_99, d.most}),
              (std::vector<nanoseconds>{0ns, 50ns, 90ns, 99ns, 100ns}));
    EXPECT_EQ(distribution_of({}).count, 0u);
}

}  // namespace
}  // namespace badorigin::traffic
