#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

// claims over the run

TEST(origin_logs, count_and_statuses_leave_probes_aside) {
    staged run;
    auto failed = run.fetch(run.step("a", "GET", "/a"));
    run.answer(failed, 500);
    run.fetched("b", "/b");
    run.fetch(run.step("c", "GET", "/a"));
    run.answer(run.request(run.origin_connection(), "GET /probe HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    scenario::origin_log log;
    log.origin = "app";
    log.requests = 3;
    log.statuses = std::vector<int>{500, 200, 0};
    run.scenario.origin_logs = {log};
    EXPECT_EQ(run.outcome_of("origin log app"), outcome::upheld) << run.messages_of("origin log app");
    log.target = "/a";
    log.requests = 2;
    log.statuses = std::vector<int>{500, 0};
    run.scenario.origin_logs = {log};
    EXPECT_EQ(run.outcome_of("origin log app"), outcome::upheld);
    log.statuses = std::vector<int>{500, 500};
    run.scenario.origin_logs = {log};
    EXPECT_EQ(run.outcome_of("origin log app"), outcome::violated);
    log.statuses.reset();
    log.requests = 3;
    run.scenario.origin_logs = {log};
    EXPECT_EQ(run.outcome_of("origin log app"), outcome::violated);
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of("origin log app"), outcome::inconclusive);
}

TEST(probes, are_requests_that_no_client_caused) {
    staged run;
    for (int i = 0; i < 3; ++i) run.request(run.origin_connection(), "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n");
    run.fetch(run.step("a", "GET", "/health"));
    scenario::probe_expectation expected;
    expected.origin = "app";
    expected.target = "/health";
    expected.at_least = expected.at_most = 3;
    run.scenario.probes = {expected};
    EXPECT_EQ(run.outcome_of("probes app"), outcome::upheld);
    run.scenario.probes.front().at_least = 4;
    EXPECT_EQ(run.outcome_of("probes app"), outcome::violated);
    run.scenario.probes.front() = expected;
    run.scenario.probes.front().at_most = 2;
    EXPECT_EQ(run.outcome_of("probes app"), outcome::violated);
}

TEST(vitals, limits_hold_between_two_steps) {
    staged run;
    run.vitals("start", 0s, 0s, 20, 1000);
    run.vitals("busy", 1s, 900ms, 30, 3000);
    run.vitals("end", 2s, 1s, 25, 2000);
    scenario::vitals_limits limits;
    limits.cpu_share = 0.5;
    limits.descriptors_grow = 5;
    limits.resident_grow = 999;
    run.scenario.vitals = {limits};
    EXPECT_EQ(run.outcome_of("vitals cpu_share"), outcome::upheld);
    EXPECT_EQ(run.outcome_of("vitals descriptors_grow"), outcome::upheld);
    EXPECT_EQ(run.outcome_of("vitals resident_grow"), outcome::violated);
    run.scenario.vitals.front().to = "busy";
    EXPECT_EQ(run.outcome_of("vitals cpu_share"), outcome::violated);
    EXPECT_EQ(run.outcome_of("vitals descriptors_grow"), outcome::violated);
    run.scenario.vitals.front().to = "nowhere";
    EXPECT_EQ(run.outcome_of("vitals cpu_share"), outcome::inconclusive);
    run.scenario.vitals.front().to.clear();
    run.evidence.vitals[2].alive = false;  // a dead process uses nothing
    for (std::string key : {"cpu_share", "descriptors_grow", "resident_grow"})
        EXPECT_EQ(run.outcome_of("vitals " + key), outcome::inconclusive) << key;
    run.evidence.vitals[1].monotonic = 100ms;
    run.scenario.vitals.front().to = "busy";
    EXPECT_EQ(run.outcome_of("vitals cpu_share"), outcome::inconclusive);
}

TEST(conditions, count_the_groups_that_match) {
    auto run = stale_hit();
    scenario::condition c;
    c.query = "RespHeader:Age > 30";
    auto judged = [&] {
        run.scenario.conditions = {c};
        return run.outcome_of("where " + c.query);
    };
    EXPECT_EQ(judged(), outcome::upheld);
    c.count = 1;
    EXPECT_EQ(judged(), outcome::upheld);
    c.count = 0;
    EXPECT_EQ(judged(), outcome::violated);
    c.count.reset();
    c.at_least = 2;
    EXPECT_EQ(judged(), outcome::violated);
    c.premise = true;
    EXPECT_EQ(judged(), outcome::inconclusive);
    c.premise = false;
    c.at_least.reset();
    c.at_most = 0;
    EXPECT_EQ(judged(), outcome::violated);
    c.at_most = 1;
    EXPECT_EQ(judged(), outcome::upheld);
    c.query = "RespHeader:Age >";
    EXPECT_EQ(judged(), outcome::error);
    c.query = "RespStatus == 200";
    c.group = "nothing";
    EXPECT_EQ(judged(), outcome::error);
}

// the verdict as a whole

TEST(verdict, a_late_step_takes_the_meaning_from_itself_and_what_follows) {
    staged run;
    run.expect("early").status = 404;
    run.expect("late").status = 404;
    run.premise("early").status = 200;
    run.premise("late").status = 200;
    run.fetched("early", "/a");
    run.fetched("late", "/b");
    EXPECT_EQ(run.judged().outcome, outcome::violated);
    run.evidence.manifest.late = "step late is due at 4s but the step before it was over at 5s";
    run.evidence.manifest.late_step = "late";
    EXPECT_EQ(run.outcome_of("expect early status"), outcome::violated);
    EXPECT_EQ(run.outcome_of("expect late status"), outcome::inconclusive);
    EXPECT_EQ(run.outcome_of("right-answer-to-right-request"), outcome::inconclusive);
    run.scenario.steps[0].clients[0].expect.status = 200;
    EXPECT_EQ(run.judged().outcome, outcome::inconclusive);
    EXPECT_EQ(run.judged().reason, run.evidence.manifest.late);
}

TEST(verdict, rules_switched_off_are_named_and_do_not_apply) {
    staged run;
    auto origin = run.fetched("first", "/a");
    run.deliver(run.step("second", "GET", "/b"), origin, 0);
    EXPECT_EQ(run.judged().outcome, outcome::violated);
    run.scenario.rules_off["right-answer-to-right-request"] = "the policy rewrites targets";
    EXPECT_EQ(run.outcome_of("right-answer-to-right-request"), outcome::not_applicable);
    EXPECT_EQ(run.judged().outcome, outcome::upheld);
}

TEST(verdict, nothing_to_judge_is_not_applicable) {
    staged run;
    EXPECT_EQ(run.judged().outcome, outcome::not_applicable);
}

TEST(verdict, every_rule_has_one_row_and_ends_with_a_finding) {
    staged run;
    run.fetched("view", "/a");
    auto v = run.judged();
    for (const auto& r : rule_catalogue()) {
        auto of = std::count_if(v.findings.begin(), v.findings.end(), [&](const finding& f) { return f.claim == r.id; });
        EXPECT_EQ(of, r.where == judged_in::every_evidence ? 1 : 0) << r.id;
    }
    EXPECT_EQ(all_rules().size(), rule_catalogue().size());
    for (std::size_t i = 0; i < rule_catalogue().size(); ++i) {
        EXPECT_EQ(all_rules()[i]->id(), rule_catalogue()[i].id);
        // what only captures made elsewhere are judged by is no error of the honest cache: nothing can be planted
        EXPECT_EQ(rule_catalogue()[i].bugs.empty(), rule_catalogue()[i].where == judged_in::captures_made_elsewhere)
            << rule_catalogue()[i].id;
        EXPECT_FALSE(rule_catalogue()[i].source.empty());
    }
}

TEST(verdict, its_stable_part_is_sorted_and_says_nothing_of_this_run) {
    auto run = stale_hit();
    run.expect("hit").status = 503;
    auto v = run.judged();
    auto text = verdicts_json(v);
    EXPECT_EQ(text, verdicts_json(run.judged()));
    EXPECT_EQ(text.find("instead of"), std::string::npos);
    EXPECT_LT(text.find("\"age-honest\""), text.find("\"alive-and-serving\""));
    EXPECT_LT(text.find("\"alive-and-serving\""), text.find("\"expect hit status\""));
    std::reverse(v.findings.begin(), v.findings.end());
    EXPECT_EQ(verdicts_json(v), text);
    EXPECT_NE(citations_json(v).find("status 200 instead of 503"), std::string::npos);
}

}  // namespace
}  // namespace badorigin::judge::test
