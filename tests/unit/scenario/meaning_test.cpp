// What files mean: the values that come out of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Pair;

scenario read(const std::string& text, time_mode mode = time_mode::virtual_time) {
    auto out = read_yaml(text, "f.yaml", "f", mode);
    EXPECT_TRUE(out) << (out ? "" : out.error().front().text());
    return out ? *out : scenario{};
}

scenario good(const std::string& name, time_mode mode = time_mode::virtual_time) {
    const auto folder = std::string{BADORIGIN_TEST_FOLDER} + "/good/";
    auto out = read_file(folder + name + ".yaml", folder, mode);
    EXPECT_TRUE(out) << (out ? "" : out.error().front().text());
    return out ? *out : scenario{};
}

const peers::reply& reply_of(const scenario& what, std::size_t route, std::size_t reply) {
    return what.origins.at(0).routes.at(route).replies.at(reply);
}

/// A scenario of one step, and promises for expressions.
scenario with_step(const std::string& step) {
    return read("claim: c\npromises: {ttl: 30s}\norigins: {app: {}}\nsteps: [{client: GET /, name: a, wait: no}, " + step + "]\n");
}

TEST(meaning, of_the_designs_example) {
    const auto value = good("design_example");
    EXPECT_EQ(value.id, "design_example");
    EXPECT_EQ(value.claim, "While a URL is in saint mode, its origin is not asked for it");
    EXPECT_THAT(value.covers, ElementsAre("R1.6", "R3.3"));
    EXPECT_EQ(value.policy, "saint");
    EXPECT_THAT(value.promises, ElementsAre(Pair("grace", 30s), Pair("saint", 90s), Pair("ttl", 30s)));
    EXPECT_TRUE(value.can_be_real);
    ASSERT_EQ(value.origins.size(), 1u);
    EXPECT_EQ(value.origins[0].name, "app");
    EXPECT_EQ(value.origins[0].routes.at(0).method, "GET");
    EXPECT_EQ(value.origins[0].routes.at(0).target, "/report");
    EXPECT_EQ(reply_of(value, 0, 0).repeat, 1);
    EXPECT_EQ(reply_of(value, 0, 0).body.literal, "first");
    EXPECT_EQ(reply_of(value, 0, 1).status, 500);
    EXPECT_EQ(reply_of(value, 0, 1).repeat, -1);
    EXPECT_EQ(reply_of(value, 1, 0).repeat, -1);
    EXPECT_THAT(reply_of(value, 1, 0).fields, ElementsAre(Pair("Cache-Control", "no-store")));
    ASSERT_EQ(value.steps.size(), 5u);
    EXPECT_EQ(value.steps[0].name, "step-1");
    EXPECT_EQ(value.steps[0].at, (instant{"", 0s}));
    EXPECT_EQ(value.steps[1].name, "struck");
    EXPECT_EQ(value.steps[1].at, (instant{"", 34s}));
    EXPECT_EQ(value.steps[1].where.line, 15);
    EXPECT_EQ(value.steps[1].where.column, 5);
    EXPECT_EQ(value.steps[2].at, (instant{"struck", 30s}));
    EXPECT_EQ(value.steps[4].at, (instant{"struck", 92s}));
    const auto& struck = value.steps[1].clients.at(0);
    EXPECT_EQ(struck.name, "struck");
    EXPECT_EQ(struck.request.target, "/report");
    EXPECT_EQ(struck.expect.status, 200);
    EXPECT_EQ(struck.expect.body, "first");
    EXPECT_EQ(struck.expect.stale, true);
    EXPECT_EQ(struck.expect.fetches, 1);
    EXPECT_EQ(value.steps[0].clients.at(0).expect.age, 0s);
}

TEST(meaning, of_the_designs_example_in_real_time) {
    const auto value = good("design_example", time_mode::real_time);
    EXPECT_EQ(value.mode, time_mode::real_time);
    EXPECT_THAT(value.promises, ElementsAre(Pair("grace", 3s), Pair("saint", 8s), Pair("ttl", 2s)));
    EXPECT_EQ(value.steps[1].at, (instant{"", 6s}));
    EXPECT_EQ(value.steps[4].at, (instant{"struck", 10s}));
}

TEST(meaning, of_a_real_clock_is_real_time_whatever_was_asked_for) {
    const auto value = good("real_clock", time_mode::virtual_time);
    EXPECT_TRUE(value.always_real_time);
    EXPECT_TRUE(value.can_be_real);
    EXPECT_EQ(value.mode, time_mode::real_time);
    EXPECT_THAT(value.promises, ElementsAre(Pair("idle", 20s), Pair("ttl", 2s)));
    EXPECT_EQ(value.steps[1].at, (instant{"step-1", 2s}));
}

TEST(meaning, of_replies) {
    const auto value = good("every_key");
    EXPECT_EQ(reply_of(value, 0, 0).reason, "Fine");
    EXPECT_THAT(reply_of(value, 0, 0).fields, ElementsAre(Pair("Cache-Control", "max-age=30"), Pair("ETag", "\"a\"")));
    EXPECT_TRUE(reply_of(value, 0, 0).validates);
    EXPECT_EQ(reply_of(value, 0, 0).repeat, 2);
    const auto& generated = reply_of(value, 0, 1);
    EXPECT_EQ(generated.version, "1.0");
    EXPECT_EQ(generated.body.kind, peers::content::kind::generated);
    EXPECT_EQ(generated.body.size, 4000u);
    EXPECT_EQ(generated.body.seed, 7u);
    EXPECT_TRUE(generated.body.chunked);
    EXPECT_TRUE(generated.close);
    EXPECT_EQ(generated.delay, 1600ms);
    EXPECT_EQ(generated.when, peers::condition::fresh_connection);
    EXPECT_EQ(reply_of(value, 0, 2).until, 61s);
    EXPECT_EQ(reply_of(value, 0, 2).body.kind, peers::content::kind::literal);
    EXPECT_THAT(reply_of(value, 0, 3).fields,
                ElementsAre(Pair("Vary", "Accept"), Pair("Vary", "Cookie"), Pair("Cache-Control", "private, max-age=0")));
    EXPECT_THAT(reply_of(value, 0, 3).interim, ElementsAre(100, 103));
    EXPECT_EQ(reply_of(value, 0, 4).fault->id, "close-in-body");
    EXPECT_EQ(reply_of(value, 0, 4).fault->after, 500u);
    EXPECT_EQ(reply_of(value, 0, 5).fault->id, "close-on-request");
    EXPECT_EQ(reply_of(value, 0, 6).raw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(reply_of(value, 0, 6).keep_open);
    EXPECT_EQ(reply_of(value, 0, 7).raw, (std::string{"\xff\xfe\x00\xff", 4}));
    EXPECT_THAT(reply_of(value, 0, 8).fields, ElementsAre(Pair("Cache-Control", "max-age=30")));
    EXPECT_EQ(value.origins.at(0).routes.at(1).method, "*");
    EXPECT_EQ(value.origins.at(0).routes.at(1).target, "/x/*");
    EXPECT_EQ(value.origins.at(1).start, peers::listening::never_read);
}

TEST(meaning, of_clients) {
    const auto value = good("every_key");
    const auto& first = value.steps.at(0).clients.at(0).request;
    EXPECT_EQ(first.version, "1.0");
    EXPECT_THAT(first.fields, ElementsAre(Pair("Host", "a.example"), Pair("Accept", "*/*")));
    EXPECT_EQ(first.connection, "kept");
    EXPECT_EQ(first.deadline, 10s);
    const auto& struck = value.steps.at(1).clients.at(0);
    EXPECT_FALSE(struck.wait);
    EXPECT_EQ(struck.repeat, 3);
    EXPECT_EQ(struck.request.sending.stop_after, 40u);
    EXPECT_EQ(struck.request.sending.then, peers::sending::ending::half_close);
    EXPECT_EQ(struck.request.sending.piece, 10u);
    EXPECT_EQ(struck.request.sending.every, 20ms);
    EXPECT_TRUE(struck.request.body.chunked);
    const auto& rush = value.steps.at(2);
    EXPECT_EQ(rush.at, (instant{"struck", 88s}));
    ASSERT_EQ(rush.clients.size(), 3u);
    EXPECT_EQ(rush.clients[1].name, "two");
    EXPECT_EQ(rush.clients[2].name, "rush.3");
    EXPECT_TRUE(rush.clients[2].request.raw);
    EXPECT_THAT(rush.clients[1].expect.overlaps, ElementsAre("one", "rush.3"));
}

TEST(meaning, of_expectations) {
    const auto value = good("every_key");
    const auto& first = value.steps.at(0).clients.at(0).expect;
    EXPECT_THAT(first.fields, ElementsAre(Pair("ETag", "\"a\""), Pair("X-Plain", "absent")));
    EXPECT_THAT(first.fields_absent, ElementsAre("Via"));
    EXPECT_EQ(first.complete, true);
    EXPECT_EQ(first.closed, false);
    EXPECT_EQ(first.within, 1500ms);
    EXPECT_EQ(first.at_least, 0s);
    const auto& struck = value.steps.at(1).clients.at(0);
    EXPECT_THAT(struck.expect.status_in, ElementsAre(200, 500, 0));
    EXPECT_THAT(struck.expect.interim, testing::Optional(ElementsAre(103)));
    EXPECT_EQ(struck.expect.own_fetch, true);
    EXPECT_THAT(struck.expect.fields_at_origin, ElementsAre(testing::Pair("If-None-Match", "\"a\"")));
    EXPECT_THAT(struck.expect.fields_absent_at_origin, ElementsAre("Via"));
    EXPECT_THAT(struck.expect.trailers, ElementsAre(Pair("X-Sum", "^1$")));
    EXPECT_THAT(struck.expect.trailers_absent, ElementsAre("X-Secret"));
    EXPECT_THAT(struck.expect.trailers_at_origin, ElementsAre(Pair("X-Count", "5")));
    EXPECT_FALSE(struck.expect.status);
    EXPECT_EQ(struck.expect.body_of->size, 4000u);
    EXPECT_EQ(struck.expect.age_present, false);
    EXPECT_EQ(struck.expect.same_copy_as, "first");
    EXPECT_EQ(struck.premise.attempts, 2);
    EXPECT_THAT(struck.premise.fetched_from, ElementsAre("app", "other", "app"));
    EXPECT_EQ(struck.premise.body_at_origin, "whole");
    EXPECT_EQ(struck.premise.reused_at_origin, false);
    EXPECT_EQ(struck.premise.reused, true);
    EXPECT_TRUE(value.steps.at(3).clients.at(0).premise.empty());
}

TEST(meaning, of_acts) {
    const auto value = good("every_key");
    EXPECT_THAT(value.steps.at(3).origins,
                ElementsAre(origin_act{"app", origin_act::what::close_idle}, origin_act{"other", origin_act::what::refuse}));
    EXPECT_EQ(value.steps.at(3).clients.size(), 1u);
    EXPECT_EQ(value.steps.at(4).proxy, (proxy_act{proxy_act::what::ban, "req.url ~ \"^/x\""}));
    EXPECT_EQ(value.steps.at(5).proxy, (proxy_act{proxy_act::what::reload, "default"}));
    EXPECT_EQ(value.steps.at(6).settle, 8s);
    EXPECT_EQ(value.steps.at(7).await, "struck");
    EXPECT_EQ(value.steps.at(8).await, "all");
    EXPECT_THAT(value.needs, ElementsAre("ban", "vitals", "reload"));  // reload: a step needs it
}

TEST(meaning, of_the_whole_runs_expectations) {
    const auto value = good("every_key");
    ASSERT_EQ(value.origin_logs.size(), 3u);
    EXPECT_EQ(value.origin_logs[0].requests, 3);
    EXPECT_THAT(*value.origin_logs[0].statuses, ElementsAre(200, 500, 0));
    EXPECT_EQ(value.origin_logs[1].target, "/report");
    EXPECT_TRUE(value.origin_logs[2].statuses->empty());
    ASSERT_EQ(value.conditions.size(), 3u);
    EXPECT_EQ(value.conditions[0].query, "BereqMethod eq POST");
    EXPECT_EQ(value.conditions[0].group, "request");
    EXPECT_TRUE(value.conditions[1].premise);
    EXPECT_EQ(value.conditions[1].count, 1);
    EXPECT_EQ(value.conditions[2].at_most, 2);
    ASSERT_EQ(value.vitals.size(), 2u);
    EXPECT_EQ(value.vitals[0].cpu_share, 0.5);
    EXPECT_EQ(value.vitals[0].resident_grow, 64u << 20);
    EXPECT_EQ(value.vitals[0].from, "first");
    EXPECT_EQ(value.probes.at(0).origin, "app");
    EXPECT_EQ(value.probes.at(0).target, "/health");
    EXPECT_EQ(value.probes.at(0).at_least, 2);
    EXPECT_EQ(value.rules_off.at("no-retry-of-non-idempotent"), "the policy configures it");
    EXPECT_EQ(value.not_for.at("varnish"), "has no such thing");
    EXPECT_THAT(value.placeholders, ElementsAre(Pair("host-name", "a b"), Pair("threshold", "10")));
}

TEST(meaning, of_an_instant_may_follow_from_a_step_whose_begin_only_the_run_knows) {
    EXPECT_EQ(with_step("{at: a + ttl, client: GET /}").steps.at(1).at, (instant{"a", 30s}));
    EXPECT_EQ(with_step("{settle: 1s, name: b}, {at: a + ttl, client: GET /}, {at: b, client: GET /}").steps.at(3).at, (instant{"b", 0s}));
}

TEST(can_be_real, when_nothing_takes_long_or_real_durations_are_given) {
    const auto can = [](const std::string& head, const std::string& step = "client: GET /") {
        return read("claim: c\n" + head + "\nsteps: [{" + step + "}]\n").can_be_real;
    };
    EXPECT_TRUE(can(""));
    EXPECT_TRUE(can("promises: {ttl: 5s}"));
    EXPECT_FALSE(can("promises: {ttl: 6s}"));
    EXPECT_TRUE(can("promises: {ttl: 6s}\nreal: {ttl: 2s}"));
    EXPECT_FALSE(can("promises: {ttl: 6s, grace: 7s}\nreal: {ttl: 2s}"));
    EXPECT_TRUE(can("promises: {ttl: 600s}\nreal: yes"));
    EXPECT_FALSE(can("promises: {ttl: 1s}\nreal: no"));
    EXPECT_TRUE(can("promises: {ttl: 600s}\nclock: real"));
    EXPECT_TRUE(can("", "client: GET /, at: 10s"));
    EXPECT_FALSE(can("", "client: GET /, at: 11s"));
    EXPECT_FALSE(can("", "settle: 11s"));
    EXPECT_FALSE(can("promises: {ttl: 60s}\nreal: {ttl: 2s}", "client: GET /, at: ttl + 60s"));
    EXPECT_TRUE(can("", "client: GET /, deadline: 60s, expect: {within: 60s}"));  // neither makes a good run wait
    EXPECT_FALSE(can("origins: {app: {GET /: {delay: 11s}}}"));
}

TEST(needs, are_known_from_the_steps) {
    EXPECT_THAT(with_step("{proxy: {ban: x}}, {proxy: {ban: y}}").needs, ElementsAre("ban"));
}

}  // namespace
}  // namespace badorigin::scenario
