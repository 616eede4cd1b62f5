#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class table : public testing::Test {
protected:
    table() : root_(fs::path{testing::TempDir()} / ("scenario-table-" + std::to_string(::getpid()))) { fs::create_directories(root_); }
    ~table() override { fs::remove_all(root_); }

    auto read(const std::string& text, time_mode mode = time_mode::virtual_time) {
        file_ = (root_ / "ages.yaml").generic_string();
        std::ofstream{file_} << text;
        return read_all(file_, root_.generic_string(), mode, {"age-honest"});
    }
    std::vector<std::string> problems_of(const std::string& text) {
        const auto out = read(text);
        std::vector<std::string> all;
        if (!out)
            for (const auto& one : out.error()) all.push_back(one.text().substr(file_.size() + 1));
        return all;
    }
    std::vector<std::string> ids() const { return ids_in(file_, root_.generic_string()); }

private:
    fs::path root_;
    std::string file_;
};

constexpr const char* two_cases = R"(topic: t
rules_off: {age-honest: of all}
given:
  origin: {cache: 60s}
  exchanges: [origin, store]
cases:
  - id: grows
    says: Age grows
    rfc: [9111/5.1, 9111/4.2.3]
    covers: [R1.1]
    origin: [{cache: 60s, body: old}, {status: 404, cache: 60s}]
    exchanges: [{after: 1s, from: origin}, {after: 3s, name: again, from: store, expect: {age: 3s}}]
    rules_off: {age-honest: why}
  - id: refused
    says: What is malformed is refused
    kind: advice
    rfc: 9112/2.2
    exchanges: [{raw: "x\r\n\r\n", from: refused}]
)";

TEST_F(table, makes_a_scenario_of_each_case) {
    const auto all = read(two_cases);
    ASSERT_TRUE(all) << all.error().front().text();
    EXPECT_THAT(ids(), ElementsAre("ages/grows", "ages/refused"));
    const auto& grows = all->at(0);
    EXPECT_EQ(grows.id, "ages/grows");
    EXPECT_EQ(grows.claim, "Age grows");
    EXPECT_EQ(grows.kind, demand::required);
    EXPECT_THAT(grows.sections, ElementsAre("RFC 9111 section 5.1", "RFC 9111 section 4.2.3"));
    EXPECT_THAT(grows.covers, ElementsAre("R1.1"));
    EXPECT_EQ(grows.rules_off.at("age-honest"), "why");
    EXPECT_EQ(all->at(1).rules_off.at("age-honest"), "of all");
    EXPECT_EQ(grows.policy, "default");
    EXPECT_EQ(all->at(1).kind, demand::advice);
}

TEST_F(table, performs_what_is_given_first_and_as_a_premise) {
    const auto all = read(two_cases);
    ASSERT_TRUE(all);
    const auto& steps = all->at(0).steps;
    ASSERT_EQ(steps.size(), 4u);
    EXPECT_EQ(steps[0].clients[0].request.target, "/given");
    EXPECT_EQ(steps[0].clients[0].premise.own_fetch, true);
    EXPECT_TRUE(steps[0].clients[0].expect.empty());
    EXPECT_EQ(steps[1].clients[0].premise.fetches, 0);
    EXPECT_EQ(steps[2].clients[0].request.target, "/case");
    EXPECT_EQ(steps[2].at, (instant{"given-2", 1s}));
    EXPECT_EQ(steps[3].at, (instant{"step-1", 3s}));
    EXPECT_EQ(steps[3].name, "again");
    EXPECT_EQ(steps[3].clients[0].expect.age, 3s);
    EXPECT_EQ(steps[3].clients[0].expect.fetches, 0);
    EXPECT_EQ(steps[3].clients[0].expect.status, 200);
}

TEST_F(table, tells_replies_apart_and_gives_the_last_for_ever) {
    const auto all = read(two_cases);
    ASSERT_TRUE(all);
    const auto& routes = all->at(0).origins.at(0).routes;
    ASSERT_EQ(routes.size(), 2u);
    EXPECT_EQ(routes[0].target, "/given");
    EXPECT_EQ(routes[1].replies[0].body.literal, "old");
    EXPECT_EQ(routes[1].replies[0].repeat, 1);
    EXPECT_EQ(routes[1].replies[1].body.literal, "reply 2");
    EXPECT_EQ(routes[1].replies[1].repeat, -1);
}

TEST_F(table, of_what_is_refused_nothing_may_be_forwarded) {
    const auto all = read(two_cases);
    ASSERT_TRUE(all);
    const auto& refused = all->at(1);
    EXPECT_EQ(refused.steps.back().clients[0].expect.attempts, 0);
    EXPECT_THAT(refused.steps.back().clients[0].expect.status_in, testing::IsSupersetOf({0, 400}));
    ASSERT_EQ(refused.conditions.size(), 1u);
    EXPECT_EQ(refused.conditions[0].count, 0);
    EXPECT_TRUE(all->at(0).conditions.empty());
}

TEST_F(table, cases_read_back_as_they_were_written) {
    for (const auto mode : {time_mode::virtual_time, time_mode::real_time}) {
        const auto all = read(two_cases, mode);
        ASSERT_TRUE(all);
        for (const auto& one : *all) {
            const auto again = read_yaml(write_yaml(one), one.file, one.id, mode);
            ASSERT_TRUE(again) << again.error().front().text();
            EXPECT_EQ(*again, one);
        }
    }
}

TEST_F(table, a_long_wait_is_of_its_own_case_alone) {
    const auto all = read(
        "topic: t\ncases:\n"
        "  - {id: a, says: s, rfc: 1/1, exchanges: [origin, {after: 1h, from: origin}]}\n"
        "  - {id: b, says: s, rfc: 1/1, exchanges: [origin]}\n");
    ASSERT_TRUE(all);
    EXPECT_FALSE(all->at(0).can_be_real);
    EXPECT_TRUE(all->at(1).can_be_real);
}

TEST_F(table, mistakes_have_their_place) {
    EXPECT_THAT(problems_of("topic: t\ncases:\n  - {id: a, says: s, rfc: 9111-4, exchanges: [orgin]}\n"),
                ElementsAre(HasSubstr("3:27: rfc: expected the RFC's number and the section, such as 9111/4.2.1"),
                            HasSubstr("3:47: an exchange: unknown 'orgin'; did you mean 'origin'?")));
    EXPECT_THAT(problems_of("topic: t\ncases:\n  - {id: a, says: s, rfc: 1/1, orign: {}, exchanges: [{}]}\n"),
                ElementsAre(HasSubstr("3:32: a case: unknown key 'orign'; did you mean 'origin'?"),
                            HasSubstr("3:55: an exchange: expects nothing")));
    EXPECT_THAT(problems_of("topic: t\ncases:\n  - {id: a}\n"),
                ElementsAre(HasSubstr("'says' is missing"), HasSubstr("'rfc' is missing"), HasSubstr("'exchanges' is missing")));
    EXPECT_THAT(problems_of("cases: [{id: a, says: s, rfc: 1/1, exchanges: [origin]}, {id: a, says: s, rfc: 1/1, exchanges: [origin]}]\n"),
                ElementsAre(HasSubstr("'topic' is missing"), HasSubstr("another case is named 'a' already")));
    EXPECT_THAT(problems_of("topic: t\ncases: [{id: a, says: s, rfc: 1/1, exchanges: [{from: store, expect: {fetches: 0}}]}]\n"),
                ElementsAre(HasSubstr("fetches: is what `from` says already")));
    EXPECT_THAT(problems_of("topic: t\ncases: [{id: a, says: s, rfc: 1/1, exchanges: [{name: x, from: store}, {name: x, from: store}]}]\n"),
                ElementsAre(HasSubstr("another exchange is named 'x' already")));
    EXPECT_THAT(problems_of("topic: t\ncases: [{id: a, says: s, rfc: 1/1, exchanges: [origin], rules_off: {age-honesty: why}}]\n"),
                ElementsAre(HasSubstr("did you mean 'age-honest'?")));
    EXPECT_THAT(problems_of("topic: t\ngiven: {exchange: [origin]}\ncases: [{id: a, says: s, rfc: 1/1, exchanges: [origin]}]\n"),
                ElementsAre(HasSubstr("did you mean 'exchanges'?")));
    EXPECT_THAT(problems_of("topic: t\ncases: []\n"), ElementsAre(HasSubstr("the list is empty")));
    EXPECT_THAT(
        problems_of("topic: t\ncases: [{id: a, says: s, rfc: 1/1, origin: {fields: {Expires: '{date * 2}'}}, exchanges: [origin]}]\n"),
        ElementsAre(HasSubstr("expected a date such as {date}")));
}

}  // namespace
}  // namespace badorigin::scenario
