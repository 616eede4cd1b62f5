// Captures made elsewhere: what is judged there alone, what is not judged there, and how it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/judge/bodies.h"
#include "harness/judge/elsewhere.h"
#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

using testing::HasSubstr;

struct elsewhere : staged {
    elsewhere() { evidence.manifest.evidence = capture::evidence_kind::file; }

    /// One page, fetched once.
    exchange_handle page(const std::string& fields, const std::string& body = "content", const std::string& asked_with = {},
                         connection_handle on = {}) {
        auto client = step("page" + std::to_string(++pages_), "GET", "/page", asked_with);
        auto origin = fetch(client, {}, on);
        answer(origin, 200, body, fields);
        deliver(client, origin);
        return origin;
    }
    /// POSTs over one connection to the origin: the first is answered, the second `ends`.
    exchange_handle post_on_reused(int status_for_client, bool origin_ends = true) {
        auto on = origin_connection();
        auto first = step("first", "POST", "/orders", {}, "one");
        answer(fetch(first, {}, on), 200, "made");
        answer(first, 200, "made");
        at(5s);
        auto second = step("second", "POST", "/orders", {}, "two");
        auto attempt = fetch(second, {}, on);
        attempt->idle_before = 5s;
        origin_ends ? server_closes(on) : client_closes(on);
        answer(second, status_for_client, "sorry");
        return attempt;
    }

private:
    int pages_ = 0;
};

constexpr auto lost = "request-not-lost-with-reused-connection";

TEST(elsewhere, post_lost_with_a_reused_connection_is_violated_with_its_idle_time) {
    elsewhere s;
    s.post_on_reused(503);
    EXPECT_EQ(s.outcome_of(lost), outcome::violated);
    EXPECT_THAT(s.messages_of(lost), HasSubstr("reused for the 1st time after 5 s idle"));
}
TEST(elsewhere, post_that_was_answered_after_all_is_not_lost) {
    elsewhere s;
    s.post_on_reused(200);
    EXPECT_EQ(s.outcome_of(lost), outcome::upheld);
}
TEST(elsewhere, post_that_the_proxy_gave_up_is_not_lost_with_its_connection) {
    elsewhere s;
    s.post_on_reused(503, false);
    EXPECT_EQ(s.outcome_of(lost), outcome::upheld);
}
TEST(elsewhere, post_that_dies_on_a_fresh_connection_is_the_origins_affair) {
    elsewhere s;
    auto client = s.step("order", "POST", "/orders", {}, "one");
    auto on = s.origin_connection();
    s.fetch(client, {}, on);
    s.server_closes(on);
    s.answer(client, 503, "sorry");
    EXPECT_EQ(s.outcome_of(lost), outcome::not_applicable);
    EXPECT_EQ(follow_bodies(s.whole()).troubled.size(), 1u);
}
TEST(elsewhere, staged_run_with_a_lost_post_says_nothing_of_it) {
    elsewhere s;
    s.evidence.manifest.evidence = capture::evidence_kind::libpcap;
    s.post_on_reused(503);
    for (const auto& f : s.judged().findings) EXPECT_NE(f.claim, lost);
}

TEST(elsewhere, rules_that_need_more_than_packets_are_not_applicable_with_the_reason) {
    elsewhere s;
    s.page({});
    for (const auto& r : rule_catalogue()) {
        if (r.needs == need::packets) continue;
        EXPECT_EQ(s.outcome_of(std::string{r.id}), outcome::not_applicable) << r.id;
        EXPECT_THAT(s.messages_of(std::string{r.id}), HasSubstr("which a capture made elsewhere does not have")) << r.id;
    }
}
TEST(elsewhere, promises_of_a_scenario_make_their_rules_applicable) {
    elsewhere s;
    s.scenario.promises = {{"ttl", 10s}, {"grace", 10s}};
    s.fetched("first", "/page", "content", "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n");
    auto from = s.whole().exchanges.back();
    s.at(60s);
    auto late = s.step("late", "GET", "/page");
    s.deliver(late, std::const_pointer_cast<capture::exchange>(from), 60);
    EXPECT_EQ(s.outcome_of("stale-only-within-grace"), outcome::violated);
}
TEST(elsewhere, copy_without_a_date_is_not_taken_to_be_from_the_store) {
    elsewhere s;
    auto from = s.fetched("first", "/page");
    s.at(60s);
    s.deliver(s.step("late", "GET", "/page"), from);         // without Age
    EXPECT_EQ(s.outcome_of("age-honest"), outcome::upheld);  // of the first
}
TEST(elsewhere, what_was_not_seen_is_inconclusive_where_a_capture_may_end_anywhere) {
    elsewhere s;
    s.step("waits", "GET", "/page");
    s.at(300s);
    s.page({});
    EXPECT_EQ(s.outcome_of("answered-or-closed"), outcome::inconclusive);
}
TEST(elsewhere, likely_join_is_said_where_something_rests_on_it) {
    elsewhere s;
    s.post_on_reused(503);
    auto all = s.whole();
    for (auto& t : all.transactions)
        for (auto& f : t.fetches) {
            f.joined = capture::confidence::likely;
            f.by = "body";
        }
    std::string said;
    for (const auto& f : judge(all, s.scenario).findings)
        if (f.claim == lost) said += f.message;
    EXPECT_THAT(said, HasSubstr("is likely, not certain, to be this client's (joined by body)"));
}
TEST(elsewhere, frames_are_named_as_their_files_count_them) {
    capture::evidence several;
    several.sources = {{1, 1, std::make_shared<const std::string>("a.pcap")}, {11, 1, std::make_shared<const std::string>("b.pcap")}};
    EXPECT_EQ(with_files("POST /frame 3x (frame 3) is sent (frames 12 to 14), the frames of", several),
              "POST /frame 3x (a.pcap frame 3) is sent (b.pcap frame 2 to b.pcap frame 4), the frames of");
}

TEST(bodies, attempt_without_its_body_and_the_retry_that_carries_it_are_told_apart) {
    elsewhere s;
    auto client = s.step("order", "POST", "/orders", {}, "hundred bytes");
    auto fresh = s.origin_connection(), other = s.origin_connection();
    s.request(fresh, "POST /orders HTTP/1.1\r\nHost: badorigin.test\r\nBadorigin-Token: t1\r\nContent-Length: 13\r\n\r\n");
    s.client_closes(fresh);
    s.answer(s.fetch(client, {}, other), 200, "made");
    s.answer(client, 200, "made");
    const auto all = follow_bodies(s.whole());
    ASSERT_EQ(all.troubled.size(), 1u);
    const auto& attempts = all.troubled.front().attempts;
    ASSERT_EQ(attempts.size(), 2u);
    EXPECT_FALSE(attempts[0].whole);
    EXPECT_TRUE(attempts[0].died);
    EXPECT_FALSE(attempts[0].origin_ended_it);
    EXPECT_TRUE(attempts[1].whole);
    EXPECT_FALSE(attempts[1].died);
}
TEST(bodies, requests_that_arrive_whole_are_counted_and_not_named) {
    elsewhere s;
    auto client = s.step("order", "POST", "/orders", {}, "body");
    s.answer(s.fetch(client), 200, "made");
    s.answer(client, 200, "made");
    s.page({});
    const auto all = follow_bodies(s.whole());
    EXPECT_EQ(all.requests, 1u);
    EXPECT_TRUE(all.troubled.empty());
}

constexpr auto both = "Cache-Control: max-age=60\r\nETag: \"1\"\r\n";

void expect_told(elsewhere& s, const std::string& rule, const std::string& words) {
    EXPECT_EQ(s.outcome_of(rule), outcome::violated) << rule;
    EXPECT_THAT(s.messages_of(rule), HasSubstr(words));
    EXPECT_NE(s.judged().outcome, outcome::violated) << "advice decides";
}

TEST(advice, response_without_freshness_or_validator_is_told) {
    elsewhere s;
    s.page(both);
    s.page("ETag: \"1\"\r\n");
    s.page({});
    expect_told(s, "freshness-and-validators-given", "2 of 3");
    EXPECT_THAT(s.messages_of("freshness-and-validators-given"), HasSubstr("1 have only a validator"));
}
TEST(advice, response_with_freshness_and_validator_is_well) {
    elsewhere s;
    s.page(both);
    EXPECT_EQ(s.outcome_of("freshness-and-validators-given"), outcome::upheld);
}
TEST(advice, same_bytes_with_another_etag_from_another_origin_are_told) {
    for (const std::string second : {"\"2\"", "\"1\""}) {
        elsewhere s;
        s.page(both);
        auto on = s.origin_connection("other");
        capture::endpoint::parse("127.0.0.1:9002", on->server);
        s.page("Cache-Control: max-age=60\r\nETag: " + second + "\r\n", "content", {}, on);
        if (second == "\"2\"") {
            expect_told(s, "same-etag-from-each-origin", "1 of 2");
        } else {
            EXPECT_EQ(s.outcome_of("same-etag-from-each-origin"), outcome::upheld);
        }
    }
}
TEST(advice, vary_by_user_agent_is_told_and_by_another_is_not) {
    elsewhere s, other;
    s.page("Vary: Accept-Encoding, User-Agent\r\n");
    other.page("Vary: Accept-Encoding\r\n");
    expect_told(s, "varies-by-few", "1 of 1");
    EXPECT_EQ(other.outcome_of("varies-by-few"), outcome::upheld);
}
TEST(advice, uncompressed_text_is_told_and_what_cannot_or_need_not_be_compressed_is_not) {
    const std::string text(2000, 'x'), gzip = "Accept-Encoding: gzip\r\n", type = "Content-Type: text/css; charset=utf-8\r\n";
    elsewhere s, compressed, image, small, refused;
    s.page(type, text, gzip);
    compressed.page(type + "Content-Encoding: gzip\r\n", text, gzip);
    image.page("Content-Type: image/png\r\n", text, gzip);
    small.page(type, "little", gzip);
    refused.page(type, text);
    expect_told(s, "text-compressed", "1 of 1");
    EXPECT_EQ(compressed.outcome_of("text-compressed"), outcome::upheld);
    for (auto* other : {&image, &small, &refused}) EXPECT_EQ(other->outcome_of("text-compressed"), outcome::not_applicable);
}
TEST(advice, software_version_is_told_and_a_bare_name_is_not) {
    elsewhere s, powered, bare;
    s.page("Server: Apache/2.4.41 (Ubuntu)\r\n");
    powered.page("X-Powered-By: PHP/7.4\r\n");
    bare.page("Server: Apache\r\n");
    expect_told(s, "versions-not-told", "1 of 1");
    expect_told(powered, "versions-not-told", "1 of 1");
    EXPECT_EQ(bare.outcome_of("versions-not-told"), outcome::upheld);
}
TEST(advice, cookie_on_shared_content_is_told_and_on_private_content_is_not) {
    elsewhere s, plain, secret;
    s.page("Cache-Control: public, max-age=60\r\nSet-Cookie: id=1\r\n");
    plain.page("Cache-Control: public, max-age=60\r\n");
    secret.page("Cache-Control: private, max-age=60\r\nSet-Cookie: id=1\r\n");
    expect_told(s, "no-cookie-on-shared-content", "1 of 1");
    EXPECT_EQ(plain.outcome_of("no-cookie-on-shared-content"), outcome::upheld);
    EXPECT_EQ(secret.outcome_of("no-cookie-on-shared-content"), outcome::not_applicable);
}
TEST(advice, page_without_any_header_is_told) {
    elsewhere s, well;
    auto probe = s.request(s.origin_connection(), "HEAD /health HTTP/1.1\r\nHost: badorigin.test\r\n\r\n");
    s.answer_raw(probe, "<!DOCTYPE HTML><html><title>400 Bad Request</title>speaking plain HTTP to an SSL-enabled port</html>",
                 ending::fin);
    well.page(both);
    EXPECT_EQ(s.outcome_of("plain-http-answered-in-http"), outcome::violated);
    EXPECT_EQ(well.outcome_of("plain-http-answered-in-http"), outcome::upheld);
}
TEST(advice, staged_run_gets_none) {
    elsewhere s;
    s.evidence.manifest.evidence = capture::evidence_kind::libpcap;
    s.page({});
    for (const auto& f : s.judged().findings) EXPECT_NE(f.kind, kind::advice) << f.claim;
}

}  // namespace
}  // namespace badorigin::judge::test
