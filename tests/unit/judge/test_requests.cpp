#include <gtest/gtest.h>

#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

const std::string hops = "hop-by-hop-stays", ambiguity = "framing-ambiguity-refused";

TEST(hop_by_hop_stays, fields_of_the_clients_connection_do_not_reach_the_origin) {
    for (std::string field : {"X-Mine: 1", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: trailers"}) {
        for (bool forwarded : {false, true}) {
            staged run;
            auto client = run.step("view", "GET", "/a", "Connection: keep-alive, X-Mine\r\n" + field + "\r\n");
            run.request(run.origin_connection(), "GET /a HTTP/1.1\r\nHost: a\r\nBadorigin-Token: " + client->token + "\r\n" +
                                                     (forwarded ? field + "\r\n" : "") + "\r\n");
            EXPECT_EQ(run.outcome_of(hops), forwarded ? outcome::violated : outcome::upheld) << field;
        }
    }
}

TEST(hop_by_hop_stays, fields_of_the_origins_connection_do_not_reach_the_client) {
    for (bool forwarded : {false, true}) {
        staged run;
        auto client = run.step("view", "GET", "/a");
        auto origin = run.fetch(client);
        run.answer(origin, 200, "x", "Connection: X-Theirs\r\nX-Theirs: 2\r\n");
        run.answer_raw(client, "HTTP/1.1 200 OK\r\nBadorigin-Serial: " + origin->serial + "\r\n" + (forwarded ? "X-Theirs: 2\r\n" : "") +
                                   "Content-Length: 1\r\n\r\nx");
        EXPECT_EQ(run.outcome_of(hops), forwarded ? outcome::violated : outcome::upheld);
        run.evidence.incomplete = {"dropped"};
        EXPECT_EQ(run.outcome_of(hops), forwarded ? outcome::violated : outcome::inconclusive);
    }
}

TEST(hop_by_hop_stays, it_does_not_apply_to_end_to_end_fields) {
    staged run;
    run.fetched("view", "/a", "x", "X-Any: 1\r\n");
    EXPECT_EQ(run.outcome_of(hops), outcome::not_applicable);
}

/// Raw bytes to the proxy; `forwarded` is what an origin then gets (nothing when empty), `status` what the client gets.
outcome judged(const std::string& sent, const std::string& forwarded, int status) {
    staged run;
    auto client = run.raw_step("raw", sent);
    if (!forwarded.empty()) run.answer(run.request(run.origin_connection(), forwarded), 200, "ok");
    run.answer(client, status, "x");
    return run.outcome_of(ambiguity);
}

const std::string to_a = "POST /a HTTP/1.1\r\nHost: a\r\n";

TEST(framing_ambiguity_refused, what_must_be_refused_is_upheld_by_400_and_violated_by_200_or_by_going_on) {
    for (std::string sent :
         {to_a + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", to_a + "Content-Length: x\r\n\r\n", to_a + "X-A : 1\r\n\r\n",
          to_a + "Host: b\r\n\r\n", std::string{"GET /a HTTP/1.1\r\n\r\n"}, to_a + "Transfer-Encoding: chunked, gzip\r\n\r\n"}) {
        EXPECT_EQ(judged(sent, {}, 400), outcome::upheld) << sent;
        EXPECT_EQ(judged(sent, {}, 200), outcome::violated) << sent;
        EXPECT_EQ(judged(sent, to_a + "Content-Length: 2\r\n\r\nab", 400), outcome::violated) << sent;
    }
}

TEST(framing_ambiguity_refused, an_equal_second_length_may_be_merged_but_not_passed_on) {
    auto sent = to_a + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na";
    EXPECT_EQ(judged(sent, {}, 400), outcome::upheld);
    EXPECT_EQ(judged(sent, to_a + "Content-Length: 1\r\n\r\na", 200), outcome::upheld);
    EXPECT_EQ(judged(sent, sent, 200), outcome::violated);
}

TEST(framing_ambiguity_refused, both_lengths_may_become_one) {
    auto sent = to_a + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    EXPECT_EQ(judged(sent, to_a + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200), outcome::upheld);
    EXPECT_EQ(judged(sent, sent, 200), outcome::violated);
}

TEST(framing_ambiguity_refused, a_bare_cr_may_become_a_blank_but_no_line_end) {
    auto sent = to_a + "X-A: 1\rX-Evil: 2\r\n\r\n";
    EXPECT_EQ(judged(sent, to_a + "X-A: 1 X-Evil: 2\r\n\r\n", 200), outcome::upheld);
    EXPECT_EQ(judged(sent, to_a + "X-A: 1\r\nX-Evil: 2\r\n\r\n", 200), outcome::violated);
    EXPECT_EQ(judged(sent, sent, 200), outcome::violated);
}

TEST(framing_ambiguity_refused, it_does_not_apply_to_clean_requests) {
    EXPECT_EQ(judged(to_a + "Content-Length: 1\r\n\r\na", to_a + "Content-Length: 1\r\n\r\na", 200), outcome::not_applicable);
}

TEST(framing_ambiguity_refused, incomplete_evidence_upholds_nothing) {
    staged run;
    run.answer(run.raw_step("raw", to_a + "Host: b\r\n\r\n"), 400);
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of(ambiguity), outcome::inconclusive);
}

// the proxy as a process

TEST(no_cpu_burnt, half_a_core_while_waiting_in_real_time_is_the_limit) {
    staged run;
    run.evidence.manifest.virtual_time = false;
    run.vitals("start", 0s, 0s);
    EXPECT_EQ(run.outcome_of("no-cpu-burnt"), outcome::not_applicable);
    run.vitals("short", 500ms, 500ms);
    EXPECT_EQ(run.outcome_of("no-cpu-burnt"), outcome::not_applicable);
    run.vitals("idle", 2500ms, 600ms);
    EXPECT_EQ(run.outcome_of("no-cpu-burnt"), outcome::upheld);
    run.vitals("spin", 5500ms, 3500ms);
    EXPECT_EQ(run.outcome_of("no-cpu-burnt"), outcome::violated);
    run.evidence.manifest.virtual_time = true;
    EXPECT_EQ(run.outcome_of("no-cpu-burnt"), outcome::not_applicable);
}

TEST(alive_and_serving, a_crash_is_violated) {
    staged run;
    EXPECT_EQ(run.outcome_of("alive-and-serving"), outcome::not_applicable);
    run.fetched("view", "/a");
    EXPECT_EQ(run.outcome_of("alive-and-serving"), outcome::upheld);
    run.evidence.manifest.proxy_crash = "signal 6 (Aborted)";
    EXPECT_EQ(run.outcome_of("alive-and-serving"), outcome::violated);
    EXPECT_EQ(run.judged().outcome, outcome::violated);
}

TEST(alive_and_serving, a_connection_refused_after_a_fault_is_violated) {
    staged run;
    run.answer(run.fetch(run.step("view", "GET", "/a")), 500);
    auto refused = run.client_connection();
    EXPECT_NE(run.outcome_of("alive-and-serving"), outcome::violated);
    refused->refused = true;
    EXPECT_EQ(run.outcome_of("alive-and-serving"), outcome::violated);
}

TEST(nothing_left_behind, growth_beyond_open_connections_is_violated) {
    staged run;
    run.vitals("start", 0s, 0s, 20);
    EXPECT_EQ(run.outcome_of("nothing-left-behind"), outcome::not_applicable);
    run.vitals("end", 1s, 0s, 28);
    EXPECT_EQ(run.outcome_of("nothing-left-behind"), outcome::upheld);
    run.vitals("end", 1s, 0s, 29);
    EXPECT_EQ(run.outcome_of("nothing-left-behind"), outcome::violated);
    auto pooled = run.origin_connection();
    EXPECT_EQ(run.outcome_of("nothing-left-behind"), outcome::upheld);
    run.client_closes(pooled);  // when everything is taken down
    EXPECT_EQ(run.outcome_of("nothing-left-behind"), outcome::upheld);
    run.note("a step after that close");
    EXPECT_EQ(run.outcome_of("nothing-left-behind"), outcome::violated);
    run.origin_connection();
    run.vitals("end", 1s, 0s, 20, 200 << 20);
    EXPECT_EQ(run.outcome_of("nothing-left-behind"), outcome::violated);
    staged missing;
    missing.vitals("start", 0s, 0s);
    missing.vitals("end", 1s, 0s);
    missing.evidence.incomplete = {"dropped"};
    EXPECT_EQ(missing.outcome_of("nothing-left-behind"), outcome::inconclusive);
}

TEST(answered_or_closed, a_request_left_alone_after_its_origin_was_through_is_violated) {
    staged run;
    auto client = run.step("view", "GET", "/a");
    auto origin = run.fetch(client);
    run.answer_raw(origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(run.outcome_of("answered-or-closed"), outcome::upheld);
    run.at(30s);
    EXPECT_EQ(run.outcome_of("answered-or-closed"), outcome::violated);
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of("answered-or-closed"), outcome::inconclusive);
}

TEST(answered_or_closed, while_an_origin_is_silent_a_proxy_may_wait_for_a_minute) {
    staged run;
    run.fetch(run.step("view", "GET", "/a"));
    run.at(59s);
    EXPECT_EQ(run.outcome_of("answered-or-closed"), outcome::upheld);
    run.at(61s);
    EXPECT_EQ(run.outcome_of("answered-or-closed"), outcome::violated);
}

TEST(answered_or_closed, to_be_late_says_nothing_where_the_machine_left_the_proxy_no_core_for_so_long) {
    for (bool answers : {true, false}) {
        const auto late_by_10s = [&](nanoseconds starved) {
            staged run;
            run.starve(12s, starved);
            auto client = run.step("view", "GET", "/a");
            run.answer_raw(run.fetch(client), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            run.at(10s);
            if (answers) run.answer(client, 200, "ok");
            return run.outcome_of("answered-or-closed");
        };
        EXPECT_EQ(late_by_10s(0s), outcome::violated);
        EXPECT_EQ(late_by_10s(3s), outcome::violated);
        EXPECT_EQ(late_by_10s(7s), outcome::inconclusive);
    }
}

TEST(answered_or_closed, a_closed_connection_is_an_answer) {
    staged run;
    auto on = run.client_connection();
    run.step("view", "GET", "/a", {}, {}, on);
    run.server_closes(on);
    run.at(300s);
    EXPECT_EQ(run.outcome_of("answered-or-closed"), outcome::upheld);
}

TEST(answered_or_closed, it_does_not_apply_to_requests_that_are_not_whole) {
    staged run;
    run.raw_step("raw", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", ending::fin);
    run.at(300s);
    EXPECT_EQ(run.outcome_of("answered-or-closed"), outcome::not_applicable);
}

}  // namespace
}  // namespace badorigin::judge::test
