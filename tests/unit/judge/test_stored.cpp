#include <gtest/gtest.h>

#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

// 304s

const std::string client_304 = "not-modified-only-to-conditional", unsolicited = "unsolicited-304-is-a-failed-fetch",
                  matches = "validation-matches", updates = "validation-updates-stored";

TEST(not_modified_only_to_conditional, a_304_needs_a_condition) {
    for (bool conditional : {true, false}) {
        staged run;
        run.answer(run.step("view", "GET", "/a", conditional ? "If-None-Match: \"1\"\r\n" : ""), 304);
        EXPECT_EQ(run.outcome_of(client_304), conditional ? outcome::upheld : outcome::violated);
    }
}

TEST(not_modified_only_to_conditional, it_does_not_apply_without_conditions) {
    staged run;
    run.fetched("view", "/a");
    EXPECT_EQ(run.outcome_of(client_304), outcome::not_applicable);
    run.answer(run.step("again", "GET", "/a", "If-None-Match: \"1\"\r\n"), 304);
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of(client_304), outcome::inconclusive);
}

TEST(unsolicited_304, an_error_is_upheld_and_a_304_passed_on_violated) {
    staged run;
    auto client = run.step("view", "GET", "/a");
    auto origin = run.fetch(client);
    run.answer(origin, 304);
    run.answer(client, 503);
    EXPECT_EQ(run.outcome_of(unsolicited), outcome::upheld);
    run.deliver(client, origin, 0);
    EXPECT_EQ(run.outcome_of(unsolicited), outcome::violated);
}

TEST(unsolicited_304, a_copy_from_before_is_upheld) {
    staged run;
    auto first = run.fetched("first", "/a");
    auto client = run.step("view", "GET", "/a");
    run.answer(run.fetch(client), 304);
    run.deliver(client, first, 40);
    EXPECT_EQ(run.outcome_of(unsolicited), outcome::upheld);
}

TEST(unsolicited_304, it_does_not_apply_to_a_304_that_was_asked_for) {
    staged run;
    auto client = run.step("view", "GET", "/a");
    run.answer(run.fetch(client, "If-None-Match: \"1\"\r\n"), 304, {}, "ETag: \"1\"\r\n");
    EXPECT_EQ(run.outcome_of(unsolicited), outcome::not_applicable);
}

/// A stored response, validated by a 304 with this entity tag, whose answer goes to the client.
exchange_handle validated(staged& run, const std::string& tag) {
    run.fetched("first", "/a", "content", "ETag: \"1\"\r\n");
    run.at(40s);
    auto client = run.step("second", "GET", "/a");
    auto origin = run.fetch(client, "If-None-Match: \"1\"\r\n");
    run.answer(origin, 304, {}, "ETag: " + tag + "\r\n");
    run.answer_raw(client, "HTTP/1.1 200 OK\r\nBadorigin-Serial: " + origin->serial + "\r\nAge: 0\r\nContent-Length: 7\r\n\r\ncontent");
    return origin;
}

TEST(validation_matches, the_tag_asked_about_is_upheld_and_another_violated) {
    staged good;
    validated(good, "W/\"1\"");
    EXPECT_EQ(good.outcome_of(matches), outcome::upheld);
    staged bad;
    validated(bad, "\"2\"");
    EXPECT_EQ(bad.outcome_of(matches), outcome::violated);
    bad.evidence.incomplete = {"dropped"};
    EXPECT_EQ(bad.outcome_of(matches), outcome::violated);  // seen is seen
    good.evidence.incomplete = {"dropped"};
    EXPECT_EQ(good.outcome_of(matches), outcome::inconclusive);
}

TEST(validation_matches, it_does_not_apply_without_validation) {
    staged run;
    run.fetched("first", "/a");
    EXPECT_EQ(run.outcome_of(matches), outcome::not_applicable);
    EXPECT_EQ(run.outcome_of(updates), outcome::not_applicable);
}

TEST(validation_updates_stored, a_hit_that_shows_the_304s_serial_is_upheld) {
    staged run;
    run.scenario.promises["ttl"] = 30s;
    auto origin = validated(run, "\"1\"");
    run.at(45s);
    run.answer_raw(run.step("third", "GET", "/a"),
                   "HTTP/1.1 200 OK\r\nBadorigin-Serial: " + origin->serial + "\r\nAge: 5\r\nContent-Length: 7\r\n\r\ncontent");
    EXPECT_EQ(run.outcome_of(updates), outcome::upheld);
    EXPECT_EQ(run.outcome_of("age-honest"), outcome::upheld) << run.messages_of("age-honest");
    EXPECT_EQ(run.outcome_of("right-answer-to-right-request"), outcome::upheld);
}

TEST(validation_updates_stored, a_hit_with_the_old_serial_is_violated) {
    staged run;
    auto first = run.fetched("first", "/a", "content", "ETag: \"1\"\r\n");
    run.at(40s);
    auto client = run.step("second", "GET", "/a");
    run.answer(run.fetch(client, "If-None-Match: \"1\"\r\n"), 304, {}, "ETag: \"1\"\r\n");
    run.deliver(client, first, 40);
    run.at(45s);
    run.deliver(run.step("third", "GET", "/a"), first, 45);
    EXPECT_EQ(run.outcome_of(updates), outcome::violated);
}

TEST(validation_updates_stored, fetching_again_within_the_new_lifetime_is_violated) {
    staged run;
    run.scenario.promises["ttl"] = 30s;
    validated(run, "\"1\"");
    run.at(45s);
    run.fetched("third", "/a");
    EXPECT_EQ(run.outcome_of(updates), outcome::violated);
}

// one-fetch-in-flight

const std::string one_fetch = "one-fetch-in-flight";

/// Two clients at once; both fetch when `twice`.
void herd(staged& run, bool twice, const std::string& fields, const std::string& second_fields = {}) {
    auto a = run.step("a", "GET", "/hot");
    auto b = run.step("b", "GET", "/hot", second_fields);
    auto first = run.fetch(a);
    auto second = twice ? run.fetch(b) : first;
    run.at(5s);
    run.answer(first, 200, "new", fields);
    if (twice) run.answer(second, 200, "new", fields);
    run.deliver(a, first, 0);
    run.deliver(b, second, 0);
}

TEST(one_fetch_in_flight, waiting_for_the_first_is_upheld_and_fetching_again_violated) {
    for (bool twice : {false, true}) {
        staged run;
        herd(run, twice, "Cache-Control: max-age=30\r\n");
        EXPECT_EQ(run.outcome_of(one_fetch), twice ? outcome::violated : outcome::upheld) << run.messages_of(one_fetch);
    }
}

TEST(one_fetch_in_flight, it_does_not_apply_to_what_cannot_be_shared) {
    for (std::string fields :
         {"Cache-Control: no-store\r\n", "Cache-Control: private\r\n", "Set-Cookie: a=b\r\n", "Cache-Control: max-age=0\r\n"}) {
        staged run;
        herd(run, true, fields);
        EXPECT_EQ(run.outcome_of(one_fetch), outcome::not_applicable) << fields;
    }
    for (std::string asked : {"Cookie: a=b\r\n", "Authorization: x\r\n", "Cache-Control: no-cache\r\n"}) {
        staged run;
        herd(run, true, "Cache-Control: max-age=30\r\n", asked);
        EXPECT_NE(run.outcome_of(one_fetch), outcome::violated) << asked;
    }
}

TEST(one_fetch_in_flight, variants_are_fetched_on_their_own) {
    staged run;
    herd(run, true, "Cache-Control: max-age=30\r\nVary: Accept-Language\r\n", "Accept-Language: fr\r\n");
    EXPECT_NE(run.outcome_of(one_fetch), outcome::violated);
}

TEST(one_fetch_in_flight, incomplete_evidence_upholds_nothing) {
    staged run;
    herd(run, false, "Cache-Control: max-age=30\r\n");
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of(one_fetch), outcome::inconclusive);
}

// stale-only-within-grace, age-honest, error-not-stored

const std::string grace = "stale-only-within-grace", age = "age-honest", errors = "error-not-stored";

/// A copy of ttl 30 s and grace 30 s, delivered `after` its fetch.
void delivered_after(staged& run, nanoseconds after, std::optional<int> said) {
    run.scenario.promises = {{"ttl", 30s}, {"grace", 30s}};
    auto origin = run.fetched("first", "/a");
    run.at(after);
    run.deliver(run.step("second", "GET", "/a"), origin, said);
}

TEST(stale_only_within_grace, stale_within_grace_is_upheld_and_beyond_violated) {
    for (auto after : {10s, 59s, 60s, 61s, 300s}) {
        staged run;
        delivered_after(run, after, static_cast<int>(after.count()));
        EXPECT_EQ(run.outcome_of(grace), after > 60s ? outcome::violated : outcome::upheld) << after.count();
        EXPECT_EQ(run.outcome_of(age), outcome::upheld) << run.messages_of(age);
    }
}

TEST(stale_only_within_grace, it_does_not_apply_without_a_promise_or_a_hit) {
    staged run;
    delivered_after(run, 300s, 300);
    run.scenario.promises.clear();
    EXPECT_EQ(run.outcome_of(grace), outcome::not_applicable);
}

TEST(stale_only_within_grace, incomplete_evidence_upholds_nothing) {
    staged run;
    delivered_after(run, 10s, 10);
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of(grace), outcome::inconclusive);
    EXPECT_EQ(run.outcome_of(age), outcome::inconclusive);
}

TEST(age_honest, no_age_a_frozen_one_and_a_wrong_one_are_violated) {
    for (std::optional<int> said : {std::optional<int>{}, std::optional<int>{0}, std::optional<int>{13}, std::optional<int>{30}}) {
        staged run;
        delivered_after(run, 20s, said);
        EXPECT_EQ(run.outcome_of(age), outcome::violated) << said.value_or(-1);
    }
    for (int said : {19, 20, 21}) {
        staged run;
        delivered_after(run, 20s, said);
        EXPECT_EQ(run.outcome_of(age), outcome::upheld) << said;
    }
}

TEST(age_honest, the_age_that_a_response_came_with_is_added) {
    for (int said : {2, 12}) {
        staged run;
        auto client = run.step("first", "GET", "/a");
        auto origin = run.fetch(client);
        run.answer(origin, 200, "content", "Age: 10\r\n");
        run.deliver(client, origin, 10);
        run.at(2s);
        run.deliver(run.step("second", "GET", "/a"), origin, said);
        EXPECT_EQ(run.outcome_of(age), said == 12 ? outcome::upheld : outcome::violated);
    }
}

TEST(age_honest, a_slow_response_may_count_its_delay_or_not) {
    for (int said : {0, 3, 5}) {
        staged run;
        auto client = run.step("first", "GET", "/a");
        auto origin = run.fetch(client);
        run.at(5s);
        run.answer(origin, 200, "content");
        run.deliver(client, origin, said);
        EXPECT_EQ(run.outcome_of(age), outcome::upheld) << said;
    }
}

TEST(age_honest, it_does_not_apply_to_errors_of_the_proxys_own) {
    staged run;
    run.answer(run.step("first", "GET", "/a"), 503);
    EXPECT_EQ(run.outcome_of(age), outcome::not_applicable);
}

TEST(error_not_stored, sharing_a_failure_late_says_nothing_where_the_machine_left_the_proxy_no_core_for_so_long) {
    for (auto starved : {1s, 4s}) {
        staged run;
        run.starve(12s, starved);
        auto client = run.step("first", "GET", "/a");
        auto origin = run.fetch(client);
        run.answer(origin, 500, "oops");
        run.deliver(client, origin, 0);
        run.at(5s);
        run.deliver(run.step("second", "GET", "/a"), origin, 5);
        EXPECT_EQ(run.outcome_of(errors), starved == 4s ? outcome::inconclusive : outcome::violated) << run.messages_of(errors);
    }
}

TEST(error_not_stored, an_error_served_again_later_is_violated_unless_it_says_its_lifetime) {
    struct row {
        nanoseconds after;
        std::string fields;
        outcome expected;
    };
    for (const auto& r : {row{0s, "", outcome::upheld}, row{1s, "", outcome::upheld}, row{5s, "", outcome::violated},
                          row{5s, "Cache-Control: max-age=60\r\n", outcome::upheld}}) {
        staged run;
        auto client = run.step("first", "GET", "/a");
        auto origin = run.fetch(client);
        run.answer(origin, 500, "oops", r.fields);
        run.deliver(client, origin, 0);
        run.at(r.after);
        run.deliver(run.step("second", "GET", "/a"), origin, static_cast<int>(r.after / 1s));
        EXPECT_EQ(run.outcome_of(errors), r.expected) << r.after.count() << r.fields;
    }
    staged none;
    none.fetched("first", "/a");
    EXPECT_EQ(none.outcome_of(errors), outcome::not_applicable);
}

// saint-window-kept

const std::string saint = "saint-window-kept";

void failed_then_asked(staged& run, nanoseconds after, const std::string& target, const std::string& origin_name) {
    run.scenario.promises = {{"saint", 90s}};
    auto client = run.step("struck", "GET", "/report");
    auto origin = run.fetch(client);
    run.answer(origin, 500);
    run.deliver(client, origin, 0);
    run.at(after);
    auto next = run.step("next", "GET", target);
    run.answer(run.fetch(next, {}, run.origin_connection(origin_name)), 200, "ok");
}

TEST(saint_window_kept, the_same_origin_is_not_asked_again_within_the_window) {
    struct row {
        nanoseconds after;
        std::string target, origin;
        outcome expected;
    };
    for (const auto& r : {row{43s, "/report", "app", outcome::violated}, row{0s, "/report", "app", outcome::violated},
                          row{89s, "/report", "app", outcome::violated}, row{90s, "/report", "app", outcome::upheld},
                          row{43s, "/control", "app", outcome::upheld}, row{43s, "/report", "other", outcome::upheld}}) {
        staged run;
        failed_then_asked(run, r.after, r.target, r.origin);
        EXPECT_EQ(run.outcome_of(saint), r.expected) << r.after.count() << r.target << r.origin;
    }
}

TEST(saint_window_kept, it_does_not_apply_without_promise_or_failure) {
    staged run;
    failed_then_asked(run, 43s, "/report", "app");
    run.scenario.promises.clear();
    EXPECT_EQ(run.outcome_of(saint), outcome::not_applicable);
    staged other;
    other.scenario.promises = {{"saint", 90s}};
    other.fetched("view", "/report");
    EXPECT_EQ(other.outcome_of(saint), outcome::not_applicable);
}

TEST(saint_window_kept, incomplete_evidence_upholds_nothing_but_what_was_seen_stands) {
    staged kept, broken;
    failed_then_asked(kept, 95s, "/report", "app");
    failed_then_asked(broken, 43s, "/report", "app");
    kept.evidence.incomplete = broken.evidence.incomplete = {"dropped"};
    EXPECT_EQ(kept.outcome_of(saint), outcome::inconclusive);
    EXPECT_EQ(broken.outcome_of(saint), outcome::violated);
}

// ban-honoured

TEST(ban_honoured, what_was_banned_is_not_delivered_again) {
    struct row {
        std::string ban;
        outcome expected;
    };
    for (const auto& r : {row{"req.url ~ \"^/a\"", outcome::violated}, row{"req.url == /a", outcome::violated},
                          row{"req.url ~ ^/b", outcome::not_applicable}, row{"obj.http.x == 1", outcome::not_applicable},
                          row{"req.url != /b", outcome::violated}}) {
        staged run;
        auto origin = run.fetched("first", "/a");
        run.note("ban " + r.ban);
        run.deliver(run.step("second", "GET", "/a"), origin, 0);
        EXPECT_EQ(run.outcome_of("ban-honoured"), r.expected) << r.ban;
    }
}

TEST(ban_honoured, a_new_fetch_after_the_ban_is_upheld) {
    staged run;
    run.fetched("first", "/a");
    run.note("ban req.url ~ ^/a");
    run.fetched("second", "/a");
    EXPECT_EQ(run.outcome_of("ban-honoured"), outcome::upheld);
    run.evidence.incomplete = {"dropped"};
    EXPECT_EQ(run.outcome_of("ban-honoured"), outcome::inconclusive);
}

}  // namespace
}  // namespace badorigin::judge::test
