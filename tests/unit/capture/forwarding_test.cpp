// Joining without tokens, case by case.
#include "capture/foreign.h"
#include "several_captures.h"

namespace badorigin::capture::testing {
namespace {

using namespace std::chrono_literals;

class joining : public captures {
protected:
    timed_connection client(int n = 0) { return {"192.0.2." + std::to_string(n + 1) + ":50000", "192.0.2.80:80"}; }
    timed_connection origin(int n = 0) { return {"192.0.2.80:" + std::to_string(40000 + n), "192.0.2.90:8000"}; }

    std::vector<transaction> join(const std::vector<timed_connection>& traffic) {
        auto found = read_foreign({write("all.pcapng", traffic)}, {.proxies = {"192.0.2.80:80"}});
        EXPECT_TRUE(found) << found.error();
        return found ? found->evidence.transactions : std::vector<transaction>();
    }
};

std::string without_body(const std::string& message) {
    return message.substr(0, message.find("\r\n\r\n") + 4);
}

TEST_F(joining, an_attempt_without_its_body_and_the_retry_with_it_belong_to_the_post) {
    const std::string whole = post("/form", std::string(100, 'b'));
    const auto found = join({client().open(1ms).request(2ms, whole).response(30ms, ok("fine")),
                             origin(0).open(3ms).request(4ms, without_body(whole)).server_closes(8ms),
                             origin(1).open(9ms).request(10ms, whole).response(20ms, ok("fine"))});
    ASSERT_EQ(found.size(), 1u);
    ASSERT_EQ(found[0].fetches.size(), 1u);
    EXPECT_EQ(found[0].fetches[0].attempts.size(), 2u);
    EXPECT_EQ(found[0].fetches[0].joined, confidence::certain);
    EXPECT_EQ(found[0].delivered_from, found[0].fetches[0].attempts[1]);
}

TEST_F(joining, the_same_post_of_two_clients_at_once_is_ambiguous_and_said_so) {
    const std::string whole = post("/form", "the same");
    const auto found = join({client(0).open(1ms).request(2ms, whole).response(30ms, ok("fine")),
                             client(1).open(1ms).request(3ms, whole).response(31ms, ok("fine")),
                             origin(0).open(4ms).request(5ms, whole).response(20ms, ok("fine")),
                             origin(1).open(4ms).request(6ms, whole).response(21ms, ok("fine"))});
    ASSERT_EQ(found.size(), 4u);
    for (const std::size_t n : {2u, 3u}) {
        EXPECT_EQ(found[n].kind, transaction::kind::probe_or_unasked);
        EXPECT_EQ(found[n].fetches.at(0).joined, confidence::ambiguous);
        EXPECT_EQ(found[n].candidates.size(), 2u);
    }
    EXPECT_TRUE(found[0].fetches.empty() && found[1].fetches.empty());
}

TEST_F(joining, bodies_tell_two_posts_apart) {
    const auto found = join({client(0).open(1ms).request(2ms, post("/form", "one")).response(30ms, ok("fine")),
                             client(1).open(1ms).request(3ms, post("/form", "two")).response(31ms, ok("fine")),
                             origin(0).open(4ms).request(5ms, post("/form", "two")).response(20ms, ok("fine")),
                             origin(1).open(4ms).request(6ms, post("/form", "one")).response(21ms, ok("fine"))});
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].fetches.at(0).attempts[0]->request->message.content_start, "one");
    EXPECT_EQ(found[1].fetches.at(0).attempts[0]->request->message.content_start, "two");
    EXPECT_EQ(found[0].fetches[0].by, "body");
}

TEST_F(joining, trace_fields_tell_requests_apart_that_are_alike_otherwise) {
    const auto traced = [](const std::string& id) { return get("/x", "X-Request-Id: " + id + "\r\n"); };
    const auto found = join({client(0).open(1ms).request(2ms, traced("a")).response(30ms, ok("fine")),
                             client(1).open(1ms).request(3ms, traced("b")).response(31ms, ok("fine")),
                             origin(0).open(4ms).request(5ms, traced("b")).response(20ms, ok("fine"))});
    ASSERT_EQ(found.size(), 2u);
    EXPECT_TRUE(found[0].fetches.empty());
    EXPECT_EQ(found[1].fetches.at(0).by, "x-request-id");
    EXPECT_EQ(found[1].fetches.at(0).joined, confidence::certain);
}

TEST_F(joining, a_trace_goes_on_though_each_hop_has_its_own_parent_id) {
    const std::string trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-";
    const auto found = join({client(0).open(1ms).request(2ms, get("/x", trace + "b7ad6b7169203331-01\r\n")).response(30ms, ok("fine")),
                             client(1).open(1ms).request(2ms, get("/x")).response(30ms, ok("fine")),
                             origin(0).open(4ms).request(5ms, get("/x", trace + "00f067aa0ba902b7-01\r\n")).response(20ms, ok("fine"))});
    ASSERT_EQ(found[0].fetches.size(), 1u);
    EXPECT_EQ(found[0].fetches[0].by, "traceparent");
}

TEST_F(joining, the_client_that_x_varnish_shows_as_waiting_is_not_the_one_who_asked) {
    const auto found = join({client(0).open(1ms).request(2ms, get("/x")).response(30ms, ok("fine", "X-Varnish: 1002\r\n")),
                             client(1).open(1ms).request(3ms, get("/x")).response(31ms, ok("fine", "X-Varnish: 1004 1003\r\n")),
                             origin(0).open(4ms).request(5ms, get("/x", "X-Varnish: 1003\r\n")).response(20ms, ok("fine"))});
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].fetches.size(), 1u);
    EXPECT_EQ(found[1].delivered_from, found[0].fetches.at(0).attempts[0]);
}

TEST_F(joining, the_same_fetch_id_is_the_same_fetch_only_at_once) {
    // Two clients alike; varnish sends its request again on another connection, and much later, started anew, has the id for another fetch.
    const std::string asked = get("/x", "X-Varnish: 3\r\n");
    const auto found = join({client(0).open(1ms).request(2ms, get("/x")).response(30ms, ok("fine", "X-Varnish: 2\r\n")),
                             origin(0).open(3ms).request(4ms, asked).server_closes(8ms),
                             client(1).open(1ms).request(9ms, get("/x")).response(31ms, ok("fine", "X-Varnish: 40 3\r\n")),
                             origin(1).open(9ms).request(10ms, asked).response(20ms, ok("fine")),
                             client(2).open(9s).request(10s, get("/x")).response(10s + 30ms, ok("new", "X-Varnish: 2\r\n")),
                             origin(2).open(10s + 3ms).request(10s + 4ms, asked).response(10s + 20ms, ok("new"))});
    ASSERT_EQ(found.size(), 3u);
    ASSERT_EQ(found[0].fetches.size(), 1u);
    EXPECT_EQ(found[0].fetches[0].attempts.size(), 2u);
    EXPECT_TRUE(found[1].fetches.empty());
    EXPECT_EQ(found[1].delivered_from, found[0].fetches[0].attempts[1]);
    ASSERT_EQ(found[2].fetches.size(), 1u);
    EXPECT_EQ(found[2].delivered_from, found[2].fetches[0].attempts[0]);
}

TEST_F(joining, a_refresh_behind_a_hit_is_linked_to_it) {
    const auto found = join({client().open(1ms).request(2ms, get("/x")).response(3ms, ok("old", "Age: 35\r\nETag: \"1\"\r\n")),
                             origin().open(4ms).request(5ms, get("/x", "If-None-Match: \"1\"\r\n")).response(20ms, ok("new"))});
    ASSERT_EQ(found.size(), 1u);
    ASSERT_EQ(found[0].fetches.size(), 1u);
    EXPECT_EQ(found[0].fetches[0].by, "background");
    EXPECT_EQ(found[0].fetches[0].joined, confidence::likely);
    EXPECT_EQ(found[0].delivered_from, nullptr);
}

TEST_F(joining, a_probe_has_no_client) {
    const auto found = join({client().open(1ms).request(2ms, get("/x")).response(30ms, ok("fine")),
                             origin(0).open(3ms).request(4ms, get("/x")).response(20ms, ok("fine")),
                             origin(1).open(3ms).request(5ms, get("/health")).response(6ms, ok("ok")).request(500ms, get("/x"))});
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].fetches.size(), 1u);
    for (const std::size_t n : {1u, 2u}) {
        EXPECT_EQ(found[n].kind, transaction::kind::probe_or_unasked);
        EXPECT_TRUE(found[n].candidates.empty());
    }
}

TEST_F(joining, a_rewritten_target_is_joined_by_what_else_was_handed_on) {
    const std::string fields = "User-Agent: curl/8\r\nCookie: a=b\r\n";
    const auto found = join({client(0).open(1ms).request(2ms, get("/x", fields)).response(30ms, ok("fine")),
                             client(1).open(1ms).request(2ms, get("/y", "User-Agent: other\r\nCookie: c\r\n")).response(30ms, ok("fine")),
                             origin().open(4ms).request(5ms, get("/v2/x", fields + "Via: 1.1 proxy\r\n")).response(20ms, ok("fine"))});
    ASSERT_EQ(found.size(), 2u);
    ASSERT_EQ(found[0].fetches.size(), 1u);
    EXPECT_EQ(found[0].fetches[0].by, "fields+time");
}

TEST_F(joining, what_the_store_gave_is_known_by_its_content_and_date) {
    const std::string dated = "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
    const auto found = join({client(0).open(1ms).request(2ms, get("/x")).response(30ms, ok("one", dated)),
                             client(1).open(1ms).request(500ms, get("/x")).response(501ms, ok("one", dated + "Age: 1\r\n")),
                             client(2).open(1ms).request(600ms, get("/x")).response(601ms, ok("two", dated)),
                             origin().open(4ms).request(5ms, get("/x")).response(20ms, ok("one", dated))});
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[1].delivered_from, found[0].fetches.at(0).attempts[0]);
    EXPECT_EQ(found[2].delivered_from, nullptr);  // other content
}

TEST_F(joining, of_two_equal_answers_none_is_said_to_be_the_one_delivered) {
    const auto found =
        join({client(0).open(1ms).request(2ms, get("/x")).response(30ms, ok("one")).request(40ms, get("/x")).response(60ms, ok("one")),
              client(1).open(1ms).request(500ms, get("/x")).response(501ms, ok("one", "Age: 1\r\n")),
              origin().open(4ms).request(5ms, get("/x")).response(20ms, ok("one")).request(45ms, get("/x")).response(50ms, ok("one"))});
    ASSERT_EQ(found.size(), 3u);
    EXPECT_TRUE(found[0].delivered_from && found[1].delivered_from);
    EXPECT_EQ(found[2].delivered_from, nullptr);
}

TEST_F(joining, a_failed_attempt_and_a_later_one_are_one_fetch_and_a_failed_answer_makes_another) {
    const std::string asked = get("/x");
    const auto found =
        join({client().open(1ms).request(2ms, asked).response(60ms, ok("fine")), origin(0).open(3ms).request(4ms, asked).server_closes(8ms),
              origin(1).open(9ms).request(10ms, asked).response(20ms, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
              origin(2).open(21ms).request(22ms, asked).response(40ms, ok("fine"))});
    ASSERT_EQ(found.size(), 1u);
    ASSERT_EQ(found[0].fetches.size(), 2u);
    EXPECT_EQ(found[0].fetches[0].attempts.size(), 2u);
    EXPECT_EQ(found[0].delivered_from, found[0].fetches[1].attempts[0]);
}

}  // namespace
}  // namespace badorigin::capture::testing
