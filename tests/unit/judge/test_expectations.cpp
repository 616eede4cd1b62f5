#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

using scenario::expectation;
using setter = std::function<void(expectation&)>;

outcome of_hit(const std::string& key, const setter& set) {
    auto run = stale_hit();
    set(run.expect("hit"));
    return run.outcome_of("expect hit " + key);
}

struct row {
    std::string key;
    setter holds, fails;
};

TEST(expectations, each_key_of_a_response_holds_and_fails) {
    const std::vector<row> rows{
        {"status", [](auto& e) { e.status = 200; }, [](auto& e) { e.status = 503; }},
        {"status", [](auto& e) { e.status_in = {200, 206}; }, [](auto& e) { e.status_in = {500, 503}; }},
        {"body", [](auto& e) { e.body = "first"; }, [](auto& e) { e.body = "fir"; }},
        {"age", [](auto& e) { e.age = 35s; }, [](auto& e) { e.age = 37s; }},
        {"age", [](auto& e) { e.age = 34s; }, [](auto& e) { e.age = 0s; }},
        {"age", [](auto& e) { e.age_present = true; }, [](auto& e) { e.age_present = false; }},
        {"stale", [](auto& e) { e.stale = true; }, [](auto& e) { e.stale = false; }},
        {"fetches", [](auto& e) { e.fetches = 0; }, [](auto& e) { e.fetches = 1; }},
        {"attempts", [](auto& e) { e.attempts = 0; }, [](auto& e) { e.attempts = 1; }},
        {"same_copy_as", [](auto& e) { e.same_copy_as = "miss"; }, nullptr},
        {"fields", [](auto& e) { e.fields = {{"x-colour", "^r.d$"}}; }, [](auto& e) { e.fields = {{"X-Colour", "blue"}}; }},
        {"fields", [](auto& e) { e.fields_absent = {"X-None"}; }, [](auto& e) { e.fields_absent = {"X-Colour"}; }},
        {"fields", nullptr, [](auto& e) { e.fields = {{"X-None", "."}}; }},
        {"interim", [](auto& e) { e.interim.emplace(); }, [](auto& e) { e.interim = {103}; }},
        {"own_fetch", [](auto& e) { e.own_fetch = false; }, [](auto& e) { e.own_fetch = true; }},
        {"fields_at_origin", nullptr, [](auto& e) { e.fields_at_origin = {{"Host", "."}}; }},
        {"fields_at_origin", nullptr, [](auto& e) { e.fields_absent_at_origin = {"X-None"}; }},
        {"complete", [](auto& e) { e.complete = true; }, [](auto& e) { e.complete = false; }},
        {"answered", [](auto& e) { e.answered = true; }, [](auto& e) { e.answered = false; }},
        {"closed", [](auto& e) { e.closed = false; }, [](auto& e) { e.closed = true; }},
        {"reused", [](auto& e) { e.reused = false; }, [](auto& e) { e.reused = true; }},
        {"overlaps", nullptr, [](auto& e) { e.overlaps = {"miss"}; }},
        {"within", [](auto& e) { e.within = 0s; }, nullptr},
        {"at_least", [](auto& e) { e.at_least = 0s; }, [](auto& e) { e.at_least = 1s; }},
        {"fetched_from", nullptr, [](auto& e) { e.fetched_from = {"app"}; }},
        {"body_at_origin", nullptr, [](auto& e) { e.body_at_origin = "whole"; }},
        {"reused_at_origin", nullptr, [](auto& e) { e.reused_at_origin = false; }},
    };
    for (const auto& r : rows) {
        if (r.holds) { EXPECT_EQ(of_hit(r.key, r.holds), outcome::upheld) << r.key; }
        if (r.fails) { EXPECT_EQ(of_hit(r.key, r.fails), outcome::violated) << r.key; }
    }
}

TEST(expectations, a_generated_body_is_compared_by_size_and_content) {
    for (std::uint64_t seed : {7, 8}) {
        staged run;
        peers::content content{peers::content::kind::generated, {}, 5000, 7, false};
        run.fetched("view", "/a", content.bytes());
        content.seed = seed;
        run.expect("view").body_of = content;
        EXPECT_EQ(run.outcome_of("expect view body"), seed == 7 ? outcome::upheld : outcome::violated);
    }
}

TEST(expectations, a_step_without_an_exchange_is_never_upheld) {
    staged run;
    run.expect("nowhere").fetches = 0;
    EXPECT_EQ(run.outcome_of("expect nowhere fetches"), outcome::inconclusive);
    EXPECT_EQ(run.judged().outcome, outcome::inconclusive);
}

TEST(expectations, incomplete_evidence_makes_upheld_and_absence_inconclusive_but_not_what_was_seen) {
    auto run = stale_hit();
    run.evidence.incomplete = {"2 packets were dropped"};
    run.expect("hit").status = 200;
    run.expect("hit").fetches = 1;
    run.expect("hit").body = "second";
    EXPECT_EQ(run.outcome_of("expect hit status"), outcome::inconclusive);
    EXPECT_EQ(run.outcome_of("expect hit fetches"), outcome::inconclusive);
    EXPECT_EQ(run.outcome_of("expect hit body"), outcome::violated);
}

TEST(expectations, a_hole_takes_what_cites_its_server_and_in_a_capture_from_elsewhere_only_what_cites_itself) {
    for (auto kind : {capture::evidence_kind::libpcap, capture::evidence_kind::file}) {
        staged run;
        run.evidence.manifest.evidence = kind;
        run.fetched("view", "/a", "one");
        run.origin_connection()->holes.push_back({http::direction::request, 0, 100, run.frame()});
        run.evidence.incomplete = {"bytes are missing"};
        run.expect("view").fetches = 0;
        run.expect("view").body = "two";
        bool staged_run = kind == capture::evidence_kind::libpcap;
        EXPECT_EQ(run.outcome_of("expect view fetches"), staged_run ? outcome::inconclusive : outcome::violated);
        EXPECT_EQ(run.outcome_of("expect view body"), outcome::violated);
    }
}

TEST(expectations, the_age_of_a_copy_whose_fetch_the_capture_lacks_is_not_known) {
    staged run;
    run.answer_raw(run.step("view", "GET", "/a"), "HTTP/1.1 200 OK\r\nBadorigin-Serial: s9\r\nContent-Length: 0\r\n\r\n");
    run.expect("view").stale = true;
    run.expect("view").age = 0s;
    EXPECT_EQ(run.outcome_of("expect view stale"), outcome::inconclusive);
    EXPECT_EQ(run.outcome_of("expect view age"), outcome::violated);
    run.evidence.incomplete = {"a packet was dropped"};
    EXPECT_EQ(run.outcome_of("expect view age"), outcome::inconclusive);
}

TEST(expectations, no_response_violates_what_one_should_say) {
    staged run;
    run.step("view", "GET", "/a");
    run.expect("view").status = 200;
    run.expect("view").within = 1s;
    run.expect("view").answered = false;
    EXPECT_EQ(run.outcome_of("expect view status"), outcome::violated);
    EXPECT_EQ(run.outcome_of("expect view within"), outcome::violated);
    EXPECT_EQ(run.outcome_of("expect view answered"), outcome::upheld);
}

TEST(expectations, two_copies_are_told_apart) {
    staged run;
    run.fetched("a", "/a");
    run.fetched("b", "/a");
    run.expect("b").same_copy_as = "a";
    EXPECT_EQ(run.outcome_of("expect b same_copy_as"), outcome::violated);
}

TEST(expectations, stale_needs_an_origins_response) {
    staged run;
    run.scenario.promises = {{"ttl", 30s}};
    run.answer(run.step("error", "GET", "/a"), 503);
    run.expect("error").stale = true;
    EXPECT_EQ(run.outcome_of("expect error stale"), outcome::violated);
    run.expect("error").stale = false;
    EXPECT_EQ(run.outcome_of("expect error stale"), outcome::inconclusive);
}

TEST(expectations, a_validated_copy_is_as_old_as_its_304) {
    staged run;
    run.scenario.promises = {{"ttl", 30s}};
    run.fetched("first", "/a", "content", "ETag: \"1\"\r\n");
    run.at(40s);
    auto client = run.step("second", "GET", "/a");
    auto origin = run.fetch(client, "If-None-Match: \"1\"\r\n");
    run.answer(origin, 304, {}, "ETag: \"1\"\r\n");
    run.answer_raw(client, "HTTP/1.1 200 OK\r\nBadorigin-Serial: " + origin->serial + "\r\nAge: 0\r\nContent-Length: 7\r\n\r\ncontent");
    run.expect("second").stale = false;
    EXPECT_EQ(run.outcome_of("expect second stale"), outcome::upheld);
}

TEST(expectations, a_repeated_step_is_judged_each_time) {
    staged run;
    run.fetched("view", "/a");
    run.answer(run.step("view#2", "GET", "/a"), 503);
    run.expect("view").status = 200;
    run.scenario.steps.front().clients.front().repeat = 2;
    auto v = run.judged();
    int upheld = 0, violated = 0;
    for (const auto& f : v.findings) {
        if (f.claim != "expect view status") continue;
        upheld += f.outcome == outcome::upheld && f.subject == "view";
        violated += f.outcome == outcome::violated && f.subject == "view#2";
    }
    EXPECT_EQ(upheld, 1);
    EXPECT_EQ(violated, 1);
}

TEST(expectations, clients_at_once_overlap_and_one_that_hangs_overlaps_all_that_follows) {
    staged run;
    auto a = run.step("a", "GET", "/a");
    auto b = run.step("b", "GET", "/a");
    run.answer(a, 200);
    run.answer(b, 200);
    run.expect("a").overlaps = {"b"};
    EXPECT_EQ(run.outcome_of("expect a overlaps"), outcome::upheld);
    run.expect("a").overlaps = {"nobody"};
    EXPECT_EQ(run.outcome_of("expect a overlaps"), outcome::inconclusive);
}

TEST(expectations, time_to_the_first_byte_is_taken_on_the_runs_clock) {
    staged run;
    auto a = run.step("a", "GET", "/a");
    run.at(5s);
    run.answer(a, 200);
    run.expect("a").within = 4s;
    run.expect("a").at_least = 5s;
    EXPECT_EQ(run.outcome_of("expect a within"), outcome::violated);
    EXPECT_EQ(run.outcome_of("expect a at_least"), outcome::upheld);
}

TEST(expectations, being_late_says_nothing_where_the_machine_left_the_proxy_no_core_for_so_long) {
    const auto late_by_5s = [](nanoseconds starved) {
        staged run;
        run.starve(6s, starved);
        auto a = run.step("a", "GET", "/a");
        run.at(5s);
        run.answer(a, 200);
        run.expect("a").within = 1s;
        return run.outcome_of("expect a within");
    };
    EXPECT_EQ(late_by_5s(3s), outcome::violated);
    EXPECT_EQ(late_by_5s(5s), outcome::inconclusive);
}

TEST(expectations, of_several_proxies_the_time_without_a_core_is_that_of_all) {
    const auto late_by_10s = [](bool virtual_time) {
        staged tier, run;
        tier.starve(12s, 4s);
        run.starve(12s, 0s);
        run.evidence.manifest.virtual_time = virtual_time;
        run.evidence.tiers = {tier.evidence, tier.evidence};
        auto client = run.step("view", "GET", "/a");
        run.at(10s);
        run.expect("view").within = 3s;
        run.answer(client, 200, "ok");
        return run.outcome_of("expect view within");
    };
    EXPECT_EQ(late_by_10s(false), outcome::inconclusive);
    EXPECT_EQ(late_by_10s(true), outcome::violated) << "the run's clock stood still meanwhile";
}

TEST(expectations, the_body_is_followed_through_every_attempt) {
    struct expected {
        std::string how;
        outcome judged;
    };
    for (const auto& e : {expected{"whole", outcome::violated}, expected{"last", outcome::upheld}, expected{"none", outcome::violated}}) {
        staged run;
        auto client = run.step("order", "POST", "/o", {}, "body");
        run.request(run.origin_connection("one"),
                    "POST /o HTTP/1.1\r\nHost: a\r\nBadorigin-Token: " + client->token + "\r\nContent-Length: 4\r\n\r\n", ending::fin);
        auto on = run.origin_connection("two");
        run.fetch(client, {}, on);
        run.expect("order").body_at_origin = e.how;
        run.expect("order").fetched_from = {"one", "two"};
        run.expect("order").attempts = 2;
        run.expect("order").reused_at_origin = false;
        EXPECT_EQ(run.outcome_of("expect order body_at_origin"), e.judged) << e.how;
        EXPECT_EQ(run.outcome_of("expect order fetched_from"), outcome::upheld);
        EXPECT_EQ(run.outcome_of("expect order attempts"), outcome::upheld);
        EXPECT_EQ(run.outcome_of("expect order reused_at_origin"), outcome::upheld);
    }
}

TEST(expectations, a_body_is_at_no_origin_when_no_attempt_is_whole_or_there_is_none) {
    staged run;
    auto on = run.client_connection();
    run.note("token gone=t9");
    auto gone = run.request(on, "POST /o HTTP/1.1\r\nHost: a\r\nBadorigin-Token: t9\r\nContent-Length: 10\r\n\r\nabc", ending::fin);
    run.expect("gone").body_at_origin = "none";
    EXPECT_EQ(run.outcome_of("expect gone body_at_origin"), outcome::upheld);
    run.fetch(gone);
    EXPECT_EQ(run.outcome_of("expect gone body_at_origin"), outcome::upheld);
    run.request(run.origin_connection(), "POST /o HTTP/1.1\r\nHost: a\r\nBadorigin-Token: t9\r\nContent-Length: 10\r\n\r\nabc0000000");
    EXPECT_EQ(run.outcome_of("expect gone body_at_origin"), outcome::violated);
}

TEST(expectations, fields_at_an_origin_are_those_of_the_last_request) {
    staged run;
    auto client = run.step("page", "GET", "/p");
    run.fetch(client, {});
    const auto judged = [&](const setter& set) {
        run.expect("page") = {};
        set(run.expect("page"));
        return run.outcome_of("expect page fields_at_origin");
    };
    EXPECT_EQ(judged([](auto& e) { e.fields_at_origin = {{"host", "."}}; }), outcome::upheld);
    EXPECT_EQ(judged([](auto& e) { e.fields_at_origin = {{"X-None", "."}}; }), outcome::violated);
    EXPECT_EQ(judged([](auto& e) { e.fields_absent_at_origin = {"X-None"}; }), outcome::upheld);
    EXPECT_EQ(judged([](auto& e) { e.fields_absent_at_origin = {"HOST"}; }), outcome::violated);
}

TEST(expectations, trailers_are_judged_apart_from_the_header) {
    staged run;
    const auto client = run.step("order", "POST", "/o");
    const auto at_origin = run.fetch(client);
    at_origin->request->message.trailers.push_back({"X-Count", "5"});
    run.answer(at_origin, 200, "made");
    run.answer_raw(client, "HTTP/1.1 200 OK\r\nX-Kind: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmade\r\n0\r\nX-Sum: 7\r\n\r\n");
    const auto judged = [&](std::string_view key, const setter& set) {
        run.expect("order") = {};
        set(run.expect("order"));
        return run.outcome_of("expect order " + std::string(key));
    };
    EXPECT_EQ(judged("trailers", [](auto& e) { e.trailers = {{"x-sum", "^7$"}}; }), outcome::upheld);
    EXPECT_EQ(judged("trailers", [](auto& e) { e.trailers = {{"X-Sum", "8"}}; }), outcome::violated);
    EXPECT_EQ(judged("trailers", [](auto& e) { e.trailers = {{"X-Kind", "a"}}; }), outcome::violated);
    EXPECT_EQ(judged("trailers", [](auto& e) { e.trailers_absent = {"X-Kind"}; }), outcome::upheld);
    EXPECT_EQ(judged("trailers", [](auto& e) { e.trailers_absent = {"X-Sum"}; }), outcome::violated);
    EXPECT_EQ(judged("fields", [](auto& e) { e.fields_absent = {"X-Sum"}; }), outcome::upheld);
    EXPECT_EQ(judged("trailers_at_origin", [](auto& e) { e.trailers_at_origin = {{"X-Count", "5"}}; }), outcome::upheld);
    EXPECT_EQ(judged("trailers_at_origin", [](auto& e) { e.trailers_at_origin = {{"Host", "."}}; }), outcome::violated);
    EXPECT_EQ(judged("trailers_at_origin", [](auto& e) { e.trailers_absent_at_origin = {"Host"}; }), outcome::upheld);
    EXPECT_EQ(judged("trailers_at_origin", [](auto& e) { e.trailers_absent_at_origin = {"x-count"}; }), outcome::violated);
}

TEST(expectations, a_status_of_0_is_a_close_without_an_answer_and_no_waiting) {
    for (bool closes : {true, false}) {
        staged run;
        auto on = run.client_connection();
        run.step("refused", "GET", "/p", {}, {}, on);
        if (closes) run.server_closes(on);
        run.client_closes(on);
        run.expect("refused").status_in = {0, 400};
        EXPECT_EQ(run.outcome_of("expect refused status"), closes ? outcome::upheld : outcome::violated);
    }
}

TEST(expectations, closed_is_who_closed_first) {
    for (bool by_proxy : {true, false}) {
        staged run;
        auto on = run.client_connection();
        run.answer(run.step("a", "GET", "/a", {}, {}, on), 400);
        if (by_proxy) run.server_closes(on);
        run.client_closes(on);
        run.expect("a").closed = true;
        EXPECT_EQ(run.outcome_of("expect a closed"), by_proxy ? outcome::upheld : outcome::violated);
        run.expect("a").closed = false;
        EXPECT_EQ(run.outcome_of("expect a closed"), by_proxy ? outcome::violated : outcome::upheld);
        if (!by_proxy) {
            run.server_closes(on);
            run.expect("a").closed = true;
            EXPECT_EQ(run.outcome_of("expect a closed"), outcome::inconclusive);
        }
    }
}

TEST(expectations, raw_steps_are_found_by_their_endpoint_and_what_they_cause_by_target) {
    staged run;
    auto on = run.client_connection();
    auto first = run.raw_step("one", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", ending::framed, on);
    auto caused = run.request(run.origin_connection(), "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    run.request(run.origin_connection(), "GET /probe HTTP/1.1\r\nHost: a\r\n\r\n");
    run.answer(caused, 200, "ok");
    run.answer(first, 200, "ok");
    run.answer(run.raw_step("two", "GET /b HTTP/1.1\r\nHost: a\r\n\r\n", ending::framed, on), 404);
    run.expect("one").fetches = 1;
    run.expect("one").status = 200;
    run.expect("two").fetches = 0;
    run.expect("two").status = 404;
    run.expect("two").reused = true;
    for (const auto& f : run.judged().findings) {
        if (f.kind == kind::expectation) { EXPECT_EQ(f.outcome, outcome::upheld) << f.claim << ": " << f.message; }
    }
}

TEST(premises, an_unmet_premise_makes_expectations_inconclusive_but_hides_no_broken_rule) {
    auto run = stale_hit();
    run.premise("hit").fetches = 1;
    run.expect("hit").status = 503;
    run.expect("hit").body = "first";
    EXPECT_EQ(run.outcome_of("premise hit fetches"), outcome::inconclusive);
    EXPECT_EQ(run.outcome_of("expect hit status"), outcome::inconclusive);
    EXPECT_EQ(run.outcome_of("expect hit body"), outcome::upheld);
    EXPECT_EQ(run.judged().outcome, outcome::inconclusive);
    EXPECT_NE(run.judged().reason.find("premise hit fetches"), std::string::npos);
    run.evidence.manifest.proxy_crash = "signal 11 (Segmentation fault)";
    EXPECT_EQ(run.judged().outcome, outcome::violated);
}

}  // namespace
}  // namespace badorigin::judge::test
