#include <gtest/gtest.h>

#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

const std::string body_rule = "body-forwarded-whole";
const std::string retry_rule = "no-retry-of-non-idempotent";
const std::string hundred(100, 'x');

TEST(body_forwarded_whole, a_post_whose_attempt_carries_its_body_is_upheld) {
    staged run;
    auto client = run.step("order", "POST", "/orders", {}, hundred);
    run.answer(run.fetch(client), 200, "ok");
    EXPECT_EQ(run.outcome_of(body_rule), outcome::upheld);
}

TEST(body_forwarded_whole, without_any_body_it_does_not_apply) {
    staged run;
    run.fetched("view", "/");
    EXPECT_EQ(run.outcome_of(body_rule), outcome::not_applicable);
}

exchange_handle header_only(staged& run, const exchange_handle& client) {
    return run.request(run.origin_connection(), "POST /orders HTTP/1.1\r\nHost: badorigin.test\r\nBadorigin-Token: " + client->token +
                                                    "\r\nContent-Length: 100\r\n\r\n");
}

TEST(body_forwarded_whole, a_header_alone_while_the_origin_waits_is_violated) {
    staged run;
    auto client = run.step("order", "POST", "/orders", {}, hundred);
    auto attempt = header_only(run, client);
    run.at(30s);
    run.server_closes(run.origin_connection("other"));
    run.answer(attempt, 400);
    EXPECT_EQ(run.outcome_of(body_rule), outcome::violated);
    EXPECT_NE(run.messages_of(body_rule).find("announces Content-Length 100, no body byte follows; the origin waited 30 s"),
              std::string::npos)
        << run.messages_of(body_rule);
}

TEST(body_forwarded_whole, a_body_that_the_origin_itself_cut_is_not_judged) {
    staged run;
    auto client = run.step("order", "POST", "/orders", {}, hundred);
    run.answer(header_only(run, client), 413);
    EXPECT_EQ(run.outcome_of(body_rule), outcome::not_applicable);
}

TEST(body_forwarded_whole, a_proxy_that_ends_the_connection_before_the_body_is_violated) {
    staged run;
    auto client = run.step("order", "POST", "/orders", {}, hundred);
    auto on = run.origin_connection();
    run.request(on, "POST /orders HTTP/1.1\r\nHost: a\r\nBadorigin-Token: " + client->token + "\r\nContent-Length: 100\r\n\r\n",
                ending::fin);
    EXPECT_EQ(run.outcome_of(body_rule), outcome::violated);
}

TEST(body_forwarded_whole, a_body_that_never_came_until_the_end_says_nothing_with_incomplete_evidence) {
    staged run;
    auto client = run.step("order", "POST", "/orders", {}, hundred);
    header_only(run, client);
    run.at(60s);
    EXPECT_EQ(run.outcome_of(body_rule), outcome::violated);
    run.evidence.incomplete = {"3 packets were dropped"};
    EXPECT_EQ(run.outcome_of(body_rule), outcome::inconclusive);
}

TEST(body_forwarded_whole, other_content_is_violated) {
    staged run;
    auto client = run.step("order", "POST", "/orders", {}, hundred);
    run.request(run.origin_connection(),
                "POST /orders HTTP/1.1\r\nHost: a\r\nBadorigin-Token: " + client->token + "\r\nContent-Length: 3\r\n\r\nxxx");
    EXPECT_EQ(run.outcome_of(body_rule), outcome::violated);
}

TEST(body_forwarded_whole, a_request_that_the_client_did_not_finish_must_not_be_finished) {
    staged run;
    auto on = run.client_connection();
    run.note("token order=t9");
    run.request(on, "POST /o HTTP/1.1\r\nHost: a\r\nBadorigin-Token: t9\r\nContent-Length: 10\r\n\r\nabc", ending::fin);
    auto origin = run.origin_connection();
    run.request(origin, "POST /o HTTP/1.1\r\nHost: a\r\nBadorigin-Token: t9\r\nContent-Length: 10\r\n\r\nabc", ending::fin);
    EXPECT_EQ(run.outcome_of(body_rule), outcome::upheld);
    run.request(run.origin_connection(), "POST /o HTTP/1.1\r\nHost: a\r\nBadorigin-Token: t9\r\nContent-Length: 10\r\n\r\nabc0000000");
    EXPECT_EQ(run.outcome_of(body_rule), outcome::violated);
}

TEST(body_forwarded_whole, an_attempt_with_a_hole_is_inconclusive) {
    staged run;
    auto client = run.step("order", "POST", "/orders", {}, hundred);
    auto attempt = header_only(run, client);
    attempt->gap = true;
    run.client_closes(run.origin_connection());
    run.at(30s);
    run.answer(attempt, 400);
    EXPECT_EQ(run.outcome_of(body_rule), outcome::inconclusive);
}

TEST(no_retry_of_non_idempotent, one_post_is_upheld_and_a_second_one_violated) {
    staged run;
    auto client = run.step("order", "POST", "/orders", {}, hundred);
    auto first = run.origin_connection();
    run.fetch(client, {}, first);
    EXPECT_EQ(run.outcome_of(retry_rule), outcome::upheld);
    run.server_closes(first);
    run.answer(run.fetch(client), 200);
    EXPECT_EQ(run.outcome_of(retry_rule), outcome::violated);
}

TEST(no_retry_of_non_idempotent, a_get_may_be_sent_again) {
    staged run;
    auto client = run.step("view", "GET", "/");
    run.fetch(client);
    run.fetch(client);
    EXPECT_EQ(run.outcome_of(retry_rule), outcome::not_applicable);
}

TEST(load_bounded, five_attempts_are_upheld_and_twenty_violated) {
    staged run;
    auto client = run.step("view", "GET", "/");
    for (int i = 0; i < 5; ++i) run.fetch(client);
    EXPECT_EQ(run.outcome_of("load-bounded"), outcome::upheld);
    for (int i = 0; i < 15; ++i) run.fetch(client);
    EXPECT_EQ(run.outcome_of("load-bounded"), outcome::violated);
}

TEST(load_bounded, without_requests_to_origins_it_does_not_apply) {
    staged run;
    run.answer(run.step("view", "GET", "/"), 200);
    EXPECT_EQ(run.outcome_of("load-bounded"), outcome::not_applicable);
}

TEST(load_bounded, incomplete_evidence_upholds_nothing) {
    staged run;
    run.fetched("view", "/");
    run.evidence.incomplete = {"the capture ends before the run"};
    EXPECT_EQ(run.outcome_of("load-bounded"), outcome::inconclusive);
    EXPECT_EQ(run.judged().outcome, outcome::inconclusive);
}

}  // namespace
}  // namespace badorigin::judge::test
