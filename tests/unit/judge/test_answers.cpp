#include <gtest/gtest.h>

#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

// right-answer-to-right-request

const std::string right = "right-answer-to-right-request";

TEST(right_answer_to_right_request, a_hit_on_the_same_target_is_upheld) {
    staged run;
    auto origin = run.fetched("first", "/a");
    run.deliver(run.step("second", "GET", "/a"), origin, 0);
    EXPECT_EQ(run.outcome_of(right), outcome::upheld);
}

TEST(right_answer_to_right_request, an_answer_to_another_target_is_violated) {
    staged run;
    auto origin = run.fetched("first", "/a");
    run.deliver(run.step("second", "GET", "/b"), origin, 0);
    EXPECT_EQ(run.outcome_of(right), outcome::violated);
}

TEST(right_answer_to_right_request, an_answer_for_another_host_is_violated) {
    staged run;
    auto origin = run.fetched("first", "/a");
    auto other = run.raw_step("other", "GET /a HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n");
    run.deliver(other, origin, 0);
    EXPECT_EQ(run.outcome_of(right), outcome::violated);
}

TEST(right_answer_to_right_request, other_content_than_the_origin_gave_is_violated) {
    staged run;
    auto client = run.step("view", "GET", "/a");
    auto origin = run.fetch(client);
    run.answer(origin, 200, "right");
    run.answer_raw(client, "HTTP/1.1 200 OK\r\nBadorigin-Serial: " + origin->serial + "\r\nContent-Length: 5\r\n\r\nwrong");
    EXPECT_EQ(run.outcome_of(right), outcome::violated);
}

TEST(right_answer_to_right_request, a_post_that_gets_anothers_answer_is_violated) {
    staged run;
    auto origin = run.fetched("first", "/a");
    run.deliver(run.step("second", "POST", "/a", {}, "x"), origin, 0);
    EXPECT_EQ(run.outcome_of(right), outcome::violated);
}

TEST(right_answer_to_right_request, a_raw_post_gets_the_answer_to_what_it_caused) {
    staged run;
    auto client = run.raw_step("raw", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    auto origin = run.request(run.origin_connection(), "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    run.answer(origin, 200, "ok");
    run.deliver(client, origin);
    EXPECT_EQ(run.outcome_of(right), outcome::upheld) << run.messages_of(right);
}

TEST(right_answer_to_right_request, an_error_of_the_proxys_own_is_no_answer_of_an_origin) {
    staged run;
    run.answer(run.step("view", "GET", "/a"), 503, "sorry");
    EXPECT_EQ(run.outcome_of(right), outcome::not_applicable);
}

TEST(right_answer_to_right_request, a_hole_in_what_was_delivered_makes_it_inconclusive) {
    staged run;
    auto origin = run.fetched("first", "/a");
    auto client = run.step("second", "GET", "/b");
    run.deliver(client, origin, 0);
    client->gap = true;
    EXPECT_EQ(run.outcome_of(right), outcome::inconclusive);
}

// private-content-stays-with-its-key

const std::string privacy = "private-content-stays-with-its-key";

TEST(private_content_stays_with_its_key, a_variant_for_the_same_values_is_upheld_and_for_others_violated) {
    staged run;
    auto client = run.step("de", "GET", "/a", "Accept-Language: de\r\n");
    auto origin = run.fetch(client);
    run.answer(origin, 200, "hallo", "Vary: Accept-Language\r\n");
    run.deliver(client, origin, 0);
    EXPECT_EQ(run.outcome_of(privacy), outcome::not_applicable);
    run.deliver(run.step("de-again", "GET", "/a", "Accept-Language: de\r\n"), origin, 0);
    EXPECT_EQ(run.outcome_of(privacy), outcome::upheld);
    run.deliver(run.step("fr", "GET", "/a", "Accept-Language: fr\r\n"), origin, 0);
    EXPECT_EQ(run.outcome_of(privacy), outcome::violated);
}

TEST(private_content_stays_with_its_key, the_same_list_otherwise_written_and_a_coding_that_both_accept_are_upheld) {
    struct row {
        std::string field, there, here;
        outcome expected;
    };
    for (const auto& r :
         {row{"Accept", "a, b", "a,b", outcome::upheld}, row{"Accept", "a, b", "b, a", outcome::violated},
          row{"Accept-Encoding", "gzip", "gzip, br", outcome::upheld}, row{"Accept-Encoding", "gzip", "br", outcome::violated}}) {
        staged run;
        auto client = run.step("there", "GET", "/a", r.field + ": " + r.there + "\r\n");
        auto origin = run.fetch(client);
        run.answer(origin, 200, "coded", "Vary: " + r.field + "\r\nContent-Encoding: gzip\r\n");
        run.deliver(client, origin, 0);
        run.deliver(run.step("here", "GET", "/a", r.field + ": " + r.here + "\r\n"), origin, 0);
        EXPECT_EQ(run.outcome_of(privacy), r.expected) << r.field << " " << r.here;
    }
}

TEST(private_content_stays_with_its_key, private_responses_from_the_store_are_violated) {
    for (std::string fields : {"Cache-Control: private\r\n", "Cache-Control: no-store\r\n", "Set-Cookie: id=1\r\n"}) {
        staged run;
        auto origin = run.fetched("first", "/a", "mine", fields);
        run.deliver(run.step("second", "GET", "/a"), origin, 0);
        EXPECT_EQ(run.outcome_of(privacy), outcome::violated) << fields;
    }
}

TEST(private_content_stays_with_its_key, what_lifts_a_no_store_for_some_caches_is_no_violation) {
    struct row {
        std::string fields;
        int status;
        outcome expected;
    };
    for (const auto& r : {row{"Cache-Control: no-store, must-understand\r\n", 200, outcome::not_applicable},
                          row{"Cache-Control: no-store, must-understand\r\n", 299, outcome::violated},
                          row{"Cache-Control: private, must-understand\r\n", 200, outcome::violated},
                          row{"Cache-Control: no-store\r\nCDN-Cache-Control: max-age=60\r\n", 200, outcome::not_applicable},
                          row{"Cache-Control: no-store\r\nCDN-Cache-Control: private\r\n", 200, outcome::violated},
                          row{"Cache-Control: max-age=60\r\nCDN-Cache-Control: private\r\n", 200, outcome::not_applicable},
                          row{"Cache-Control: no-store\r\nCDN-Cache-Control: max-age=60,, &\r\n", 200, outcome::violated},
                          row{"Cache-Control: no-store\r\nCDN-Cache-Control: \r\n", 200, outcome::violated}}) {
        staged run;
        auto client = run.step("first", "GET", "/a");
        auto origin = run.fetch(client);
        run.answer(origin, r.status, "mine", r.fields);
        run.deliver(client, origin, 0);
        run.deliver(run.step("second", "GET", "/a"), origin, 0);
        EXPECT_EQ(run.outcome_of(privacy), r.expected) << r.fields << r.status;
    }
}

TEST(private_content_stays_with_its_key, an_answer_to_authorization_may_be_shared_only_when_it_says_so) {
    for (bool shared : {false, true}) {
        staged run;
        auto client = run.step("first", "GET", "/a", "Authorization: Basic eA==\r\n");
        auto origin = run.fetch(client);
        run.answer(origin, 200, "mine", shared ? "Cache-Control: public, max-age=60\r\n" : "Cache-Control: max-age=60\r\n");
        run.deliver(client, origin, 0);
        run.deliver(run.step("second", "GET", "/a"), origin, 0);
        EXPECT_EQ(run.outcome_of(privacy), shared ? outcome::not_applicable : outcome::violated);
    }
}

// nothing-of-broken-reused

const std::string reuse = "nothing-of-broken-reused";

TEST(nothing_of_broken_reused, a_connection_with_bytes_left_over_must_carry_nothing_more) {
    staged run;
    auto on = run.origin_connection();
    auto client = run.step("view", "GET", "/a");
    auto broken = run.fetch(client, {}, on);
    run.answer_raw(broken, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(run.outcome_of(reuse), outcome::not_applicable);
    on->stray.push_back({http::anomaly::bytes_after_message, broken->response->message.end});
    EXPECT_EQ(run.outcome_of(reuse), outcome::upheld);
    run.fetch(run.step("next", "GET", "/b"), {}, on);
    EXPECT_EQ(run.outcome_of(reuse), outcome::violated);
}

TEST(nothing_of_broken_reused, a_response_with_broken_chunks_must_be_the_last_of_its_connection) {
    staged run;
    auto on = run.origin_connection();
    run.answer_raw(run.fetch(run.step("view", "GET", "/a"), {}, on), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok");
    EXPECT_EQ(run.outcome_of(reuse), outcome::upheld);
    run.fetch(run.step("next", "GET", "/b"), {}, on);
    EXPECT_EQ(run.outcome_of(reuse), outcome::violated);
}

TEST(nothing_of_broken_reused, bytes_behind_a_clients_response_are_violated) {
    staged run;
    auto on = run.client_connection();
    auto client = run.step("view", "GET", "/a", {}, {}, on);
    run.answer(client, 200, "ok");
    on->stray.push_back({http::anomaly::bytes_after_message, client->response->message.end});
    EXPECT_EQ(run.outcome_of(reuse), outcome::violated);
}

TEST(nothing_of_broken_reused, incomplete_evidence_upholds_nothing) {
    staged run;
    run.answer_raw(run.fetch(run.step("view", "GET", "/a")), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok");
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of(reuse), outcome::inconclusive);
}

// incomplete-not-passed-as-complete, incomplete-not-stored

const std::string passed = "incomplete-not-passed-as-complete", stored = "incomplete-not-stored";

exchange_handle cut(staged& run, const exchange_handle& client) {
    auto origin = run.fetch(client);
    run.answer_raw(origin, "HTTP/1.1 200 OK\r\nBadorigin-Serial: cut\r\nContent-Length: 10\r\n\r\nhalf", ending::fin);
    return origin;
}

TEST(incomplete_not_passed_as_complete, a_cut_response_passed_on_as_cut_is_upheld_and_as_whole_violated) {
    for (bool whole : {false, true}) {
        staged run;
        auto client = run.step("view", "GET", "/a");
        cut(run, client);
        run.answer_raw(client,
                       std::string{"HTTP/1.1 200 OK\r\nBadorigin-Serial: cut\r\nContent-Length: "} + (whole ? "4" : "10") + "\r\n\r\nhalf",
                       ending::fin);
        EXPECT_EQ(run.outcome_of(passed), whole ? outcome::violated : outcome::upheld);
        EXPECT_EQ(run.outcome_of(stored), outcome::upheld);
    }
}

TEST(incomplete_not_passed_as_complete, it_does_not_apply_to_whole_responses) {
    staged run;
    run.fetched("view", "/a");
    EXPECT_EQ(run.outcome_of(passed), outcome::not_applicable);
    EXPECT_EQ(run.outcome_of(stored), outcome::not_applicable);
}

TEST(incomplete_not_stored, a_later_hit_on_a_cut_response_is_violated) {
    staged run;
    auto client = run.step("view", "GET", "/a");
    auto origin = cut(run, client);
    run.answer(client, 503, "sorry");
    EXPECT_EQ(run.outcome_of(stored), outcome::upheld);
    EXPECT_EQ(run.outcome_of(passed), outcome::upheld);
    run.deliver(run.step("again", "GET", "/a"), origin, 0);
    EXPECT_EQ(run.outcome_of(stored), outcome::violated);
}

TEST(incomplete_not_stored, incomplete_evidence_upholds_nothing) {
    staged run;
    cut(run, run.step("view", "GET", "/a"));
    run.evidence.manifest.interrupted = "SIGINT";
    EXPECT_EQ(run.outcome_of(stored), outcome::inconclusive);
    EXPECT_NE(run.judged().reason.find("SIGINT"), std::string::npos);
}

// headerless-is-an-error

const std::string headerless = "headerless-is-an-error";

exchange_handle without_header(staged& run, const exchange_handle& client) {
    auto origin = run.fetch(client);
    run.answer_raw(origin, "<html>go away</html>", ending::fin);
    return origin;
}

TEST(headerless_is_an_error, a_503_at_once_is_upheld_and_a_200_violated) {
    for (int status : {503, 200}) {
        staged run;
        auto client = run.step("view", "GET", "/a");
        without_header(run, client);
        run.answer(client, status, "x");
        EXPECT_EQ(run.outcome_of(headerless), status == 200 ? outcome::violated : outcome::upheld) << run.messages_of(headerless);
    }
}

TEST(headerless_is_an_error, an_error_after_the_timeout_is_violated) {
    staged run;
    auto client = run.step("view", "GET", "/a");
    without_header(run, client);
    run.at(10s);
    run.answer(client, 503);
    EXPECT_EQ(run.outcome_of(headerless), outcome::violated);
}

TEST(headerless_is_an_error, a_probe_that_goes_on_after_the_close_is_violated) {
    for (bool at_once : {true, false}) {
        staged run;
        auto on = run.origin_connection();
        run.answer_raw(run.request(on, "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n"), "<html>TLS please</html>", ending::fin);
        if (!at_once) run.at(10s);
        run.client_closes(on);
        EXPECT_EQ(run.outcome_of(headerless), at_once ? outcome::upheld : outcome::violated) << run.messages_of(headerless);
    }
}

TEST(headerless_is_an_error, to_be_late_says_nothing_where_the_machine_left_the_proxy_no_core_for_so_long) {
    for (auto starved : {5s, 9s}) {
        const auto expected = starved == 9s ? outcome::inconclusive : outcome::violated;
        staged run, probed;
        run.starve(12s, starved);
        auto client = run.step("view", "GET", "/a");
        without_header(run, client);
        run.at(10s);
        run.answer(client, 503);
        EXPECT_EQ(run.outcome_of(headerless), expected) << run.messages_of(headerless);
        run.answer(client, 200, "x");
        EXPECT_EQ(run.outcome_of(headerless), outcome::violated) << "what was delivered is no matter of time";

        probed.starve(12s, starved);
        auto on = probed.origin_connection();
        probed.answer_raw(probed.request(on, "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n"), "<html>TLS please</html>", ending::fin);
        probed.at(10s);
        probed.client_closes(on);
        EXPECT_EQ(probed.outcome_of(headerless), expected) << probed.messages_of(headerless);
    }
}

TEST(headerless_is_an_error, it_does_not_apply_to_responses_with_a_header) {
    staged run;
    run.fetched("view", "/a");
    EXPECT_EQ(run.outcome_of(headerless), outcome::not_applicable);
}

TEST(headerless_is_an_error, no_answer_at_all_says_nothing_with_incomplete_evidence) {
    staged run;
    without_header(run, run.step("view", "GET", "/a"));
    run.at(30s);
    EXPECT_EQ(run.outcome_of(headerless), outcome::violated);
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of(headerless), outcome::inconclusive);
}

}  // namespace
}  // namespace badorigin::judge::test
