#include <gtest/gtest.h>

#include "harness/judge/origin_requests.h"
#include "harness/judge/records.h"
#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

using why = enum origin_request::kind;

/// "fetch", "fetch x2" with two attempts, "retry of 0".
std::vector<std::string> asked(const capture::evidence& evidence) {
    std::vector<std::string> all;
    for (const auto& r : origin_requests(evidence.transactions.front())) {
        std::string text{name(r.why)};
        if (r.attempts.size() > 1) text += " x" + std::to_string(r.attempts.size());
        if (r.why == why::retry) text += " of " + std::to_string(r.after);
        all.push_back(text);
    }
    return all;
}
using words = std::vector<std::string>;

exchange_handle lost(staged& run, const exchange_handle& client, const std::string& fields = {}) {
    const auto on = run.origin_connection();
    const auto made = run.fetch(client, fields, on);
    run.server_closes(on);
    return made;
}

TEST(origin_requests, same_header_on_another_connection_is_the_same_request_sent_again) {
    staged run;
    const auto client = run.step("s", "GET", "/x");
    lost(run, client);
    const auto origin = run.fetch(client);
    run.answer(origin, 200, "ok");
    run.deliver(client, origin);
    EXPECT_EQ(asked(run.whole()), words{"fetch x2"});
}

TEST(origin_requests, another_header_after_a_failure_is_a_retry) {
    staged run;
    const auto client = run.step("s", "GET", "/x");
    lost(run, client, "X-Varnish: 3\r\n");
    const auto origin = run.fetch(client, "X-Varnish: 32770\r\n");
    run.answer(origin, 200, "ok");
    run.deliver(client, origin);
    EXPECT_EQ(asked(run.whole()), (words{"fetch", "retry of 0"}));
}

TEST(origin_requests, one_after_an_answer_that_was_not_delivered_is_a_retry_and_so_is_the_third) {
    staged run;
    const auto client = run.step("s", "GET", "/x");
    run.answer(run.fetch(client), 500, "no");
    run.answer(run.fetch(client), 500, "no");
    const auto origin = run.fetch(client);
    run.answer(origin, 200, "ok");
    run.deliver(client, origin);
    const auto evidence = run.whole();
    EXPECT_EQ(asked(evidence), (words{"fetch", "retry of 0", "retry of 1"}));
    for (const auto& g : group_records(evidence, grouping::request))
        for (const auto& r : g.records)
            if (r.tag == "BerespStatus" && r.value == "200") { EXPECT_EQ(r.level, 4); }
}

TEST(origin_requests, one_whose_answer_comes_after_the_response_from_elsewhere_is_in_the_background) {
    staged run;
    const auto before = run.fetched("first", "/x");
    const auto client = run.step("s", "GET", "/x");
    const auto refresh = run.fetch(client);
    run.deliver(client, before, 40);
    run.answer(refresh, 200, "newer");
    const auto evidence = run.whole();
    const auto all = origin_requests(evidence.transactions.back());
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all.front().why, why::bgfetch);
}

TEST(origin_requests, one_that_the_client_waited_for_is_not_in_the_background) {
    staged run;
    const auto before = run.fetched("first", "/x");
    const auto client = run.step("s", "GET", "/x");
    run.answer(run.fetch(client), 500, "no");
    run.deliver(client, before, 40);
    const auto evidence = run.whole();
    EXPECT_EQ(origin_requests(evidence.transactions.back()).front().why, why::fetch);
}

TEST(origin_requests, one_that_is_given_up_with_the_clients_answer_is_not_in_the_background) {
    staged run;
    const auto client = run.step("s", "GET", "/x");
    const auto on = run.origin_connection();
    run.fetch(client, {}, on);
    run.answer(client, 503);
    run.client_closes(on);
    EXPECT_EQ(asked(run.whole()), words{"fetch"});
}

TEST(origin_requests, other_targets_are_fetches_of_their_own) {
    staged run;
    const auto client = run.step("page", "GET", "/page");
    const auto page = run.fetch(client);
    run.answer(page, 200, "page");
    const auto on = run.origin_connection();
    run.answer(run.request(on, "GET /part HTTP/1.1\r\nHost: a\r\nBadorigin-Token: " + client->token + "\r\n\r\n"), 200, "part");
    run.deliver(client, page);
    EXPECT_EQ(asked(run.whole()), (words{"fetch", "fetch"}));
}

}  // namespace
}  // namespace badorigin::judge::test
