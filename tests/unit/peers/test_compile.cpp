#include <cctype>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake-backends/compile.h"
#include "fake-backends/faults.h"
#include "fake-backends/wire_text.h"

namespace badorigin::peers {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr auto date = std::chrono::seconds(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT

request_facts asking(std::string method = "GET", field_lines fields = {}, std::string version = "1.1") {
    return {std::move(method), "/", std::move(version), std::move(fields), false};
}

reply good(std::string body = "hello") {
    reply r;
    r.body = {.kind = content::kind::literal, .literal = std::move(body)};
    return r;
}

reply with(std::string id, fault arguments = {}) {
    auto r = good();
    arguments.id = std::move(id);
    r.fault = arguments;
    return r;
}

wire_program compiled(const reply& r, const request_facts& asked = asking(), bool reused = false) {
    return compile(r, asked, "run-app-1", date, reused);
}

std::string bytes(const reply& r, const request_facts& asked = asking(), bool reused = false) {
    return sent_bytes(compiled(r, asked, reused));
}

template <typename Act>
bool ends_with(const wire_program& p) {
    return !p.keep && std::holds_alternative<Act>(p.actions.back());
}

template <typename Act>
const Act* find(const wire_program& p) {
    for (const auto& each : p.actions) {
        if (const auto* found = std::get_if<Act>(&each)) return found;
    }
    return nullptr;
}

// Honest responses

TEST(Compile, fields_hold_dates_counted_from_the_responses_own) {
    reply r;
    r.fields = {{"Expires", "{date + 2m}"}, {"X-Dates", "{date}/{ date }/{date - 1d}"}, {"X-Other", "{dat} }{"}};
    const auto text = bytes(r);
    EXPECT_THAT(text, HasSubstr("Expires: Sun, 06 Nov 1994 08:51:37 GMT\r\n"));
    EXPECT_THAT(text, HasSubstr("X-Dates: Sun, 06 Nov 1994 08:49:37 GMT/{ date }/Sat, 05 Nov 1994 08:49:37 GMT\r\n"));
    EXPECT_THAT(text, HasSubstr("X-Other: {dat} }{\r\n"));
    for (const auto* wrong : {"{date", "{date +}", "{date + s}", "{date + 2}", "{date * 2s}", "{date + 2y}", "{dates}"})
        EXPECT_FALSE(with_dates(wrong, date)) << wrong;
}

TEST(Compile, an_honest_response_has_date_serial_and_length) {
    const auto p = compiled(good());
    EXPECT_EQ(sent_bytes(p),
              "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nBadorigin-Serial: run-app-1\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_TRUE(p.keep);
    EXPECT_TRUE(std::holds_alternative<act::read_request_header>(p.actions[0]));
    EXPECT_TRUE(std::holds_alternative<act::read_request_body>(p.actions[1]));
}

TEST(Compile, fields_of_the_script_replace_generated_ones) {
    auto r = good();
    r.fields = {{"date", "never"}, {"X-A", "1"}, {"Content-Length", "7"}};
    EXPECT_EQ(bytes(r), "HTTP/1.1 200 OK\r\nBadorigin-Serial: run-app-1\r\ndate: never\r\nX-A: 1\r\nContent-Length: 7\r\n\r\nhello");
}

TEST(Compile, head_announces_the_length_and_sends_no_body) {
    EXPECT_THAT(bytes(good(), asking("HEAD")), EndsWith("Content-Length: 5\r\n\r\n"));
}

TEST(Compile, no_content_has_no_framing) {
    auto r = good("");
    r.status = 204;
    EXPECT_THAT(bytes(r), Not(HasSubstr("Content-Length")));
}

TEST(Compile, chunks_carry_the_body_and_go_without_for_http_10) {
    auto r = good();
    r.body.chunked = true;
    EXPECT_THAT(bytes(r), EndsWith("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    const auto old = compiled(r, asking("GET", {}, "1.0"));
    EXPECT_THAT(sent_bytes(old), EndsWith("Connection: close\r\n\r\nhello"));
    EXPECT_TRUE(ends_with<act::close>(old));
}

TEST(Compile, persistence_follows_version_and_connection_fields) {
    EXPECT_TRUE(compiled(good()).keep);
    EXPECT_FALSE(compiled(good(), asking("GET", {{"Connection", "close"}})).keep);
    EXPECT_FALSE(compiled(good(), asking("GET", {}, "1.0")).keep);
    const auto kept = compiled(good(), asking("GET", {{"Connection", "Keep-Alive"}}, "1.0"));
    EXPECT_TRUE(kept.keep);
    EXPECT_THAT(sent_bytes(kept), HasSubstr("Connection: keep-alive\r\n"));
    auto closing = good();
    closing.close = true;
    EXPECT_TRUE(ends_with<act::close>(compiled(closing)));
    EXPECT_THAT(bytes(closing), HasSubstr("Connection: close\r\n"));
}

TEST(Compile, a_matching_validator_is_answered_304_with_serial) {
    auto r = good();
    r.validates = true;
    r.fields = {{"ETag", "\"a\""},
                {"Content-Type", "text/plain"},
                {"Cache-Control", "max-age=5"},
                {"Last-Modified", "Sun, 06 Nov 1994 08:00:00 GMT"}};
    const auto same = bytes(r, asking("GET", {{"If-None-Match", "W/\"z\", W/\"a\""}}));
    EXPECT_THAT(same, StartsWith("HTTP/1.1 304 Not Modified\r\n"));
    EXPECT_THAT(same, HasSubstr("Badorigin-Serial: run-app-1\r\n"));
    EXPECT_THAT(same, HasSubstr("Cache-Control: max-age=5\r\n"));
    EXPECT_THAT(same, Not(HasSubstr("Content-")));
    EXPECT_THAT(same, EndsWith("\r\n\r\n"));
    EXPECT_THAT(bytes(r, asking("GET", {{"If-None-Match", "\"b\""}})), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(bytes(r, asking("GET", {{"If-Modified-Since", "Sun, 06 Nov 1994 08:30:00 GMT"}})), StartsWith("HTTP/1.1 304"));
    EXPECT_THAT(bytes(r, asking("GET", {{"If-Modified-Since", "Sun, 06 Nov 1994 07:30:00 GMT"}})), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(bytes(r), StartsWith("HTTP/1.1 200"));
}

TEST(Compile, interim_responses_and_delay_come_in_their_order) {
    auto r = good();
    r.interim = {100, 103};
    r.delay = 3s;
    const auto p = compiled(r);
    ASSERT_EQ(p.actions.size(), 6u);
    EXPECT_EQ(std::get<act::send>(p.actions[1]).bytes, "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(std::holds_alternative<act::read_request_body>(p.actions[2]));
    EXPECT_THAT(std::get<act::send>(p.actions[3]).bytes, StartsWith("HTTP/1.1 103 "));
    EXPECT_EQ(std::get<act::wait>(p.actions[4]).time, 3s);
}

TEST(Compile, an_expectation_is_answered_before_the_body_is_awaited) {
    auto asked = asking("POST", {{"Expect", "100-continue"}});
    asked.body_announced = true;
    EXPECT_THAT(bytes(good(), asked), StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
}

TEST(Compile, raw_replies_stay_as_they_are) {
    auto r = good();
    r.raw = "anything\n";
    EXPECT_EQ(bytes(r), "anything\n");
    EXPECT_TRUE(ends_with<act::close>(compiled(r)));
    r.keep_open = true;
    EXPECT_TRUE(compiled(r).keep);
}

TEST(Compile, routes_match_by_method_and_target) {
    const auto asked = [](std::string method, std::string target) {
        return request_facts{std::move(method), std::move(target), "1.1", {}, false};
    };
    EXPECT_TRUE(matches({"GET", "/a", {}}, asked("GET", "/a")));
    EXPECT_FALSE(matches({"GET", "/a", {}}, asked("POST", "/a")));
    EXPECT_FALSE(matches({"GET", "/a", {}}, asked("GET", "/ab")));
    EXPECT_TRUE(matches({"*", "/x/*", {}}, asked("PUT", "/x/y?z")));
    EXPECT_FALSE(matches({"*", "/x/*", {}}, asked("PUT", "/y")));
    EXPECT_TRUE(matches({"*", "/a", {}}, asked("GET", "http://host/a")));
    EXPECT_FALSE(matches({"*", "/a", {}}, asked("GET", "/?u=http://host/a")));
}

TEST(Compile, generated_bodies_are_prefixes_of_longer_ones_and_printable) {
    const auto longer = generated_bytes(1000, 7);
    EXPECT_EQ(generated_bytes(333, 7), longer.substr(0, 333));
    EXPECT_NE(generated_bytes(333, 8), longer.substr(0, 333));
    for (const char c : longer) ASSERT_TRUE(std::isprint(static_cast<unsigned char>(c)));
}

// The catalogue

TEST(Faults, ids_are_unique_kebab_case_and_explained) {
    std::set<std::string_view> seen;
    for (const auto& row : fault_catalogue()) {
        EXPECT_TRUE(seen.insert(row.id).second) << row.id;
        EXPECT_EQ(row.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), row.id.npos) << row.id;
        EXPECT_FALSE(row.on_the_wire.empty()) << row.id;
        EXPECT_FALSE(row.who.empty()) << row.id;
        EXPECT_FALSE(name(row.place).empty()) << row.id;
        EXPECT_EQ(find_fault(row.id), &row);
    }
    EXPECT_GE(seen.size(), 50u);
    EXPECT_EQ(find_fault("no-such-fault"), nullptr);
}

TEST(Faults, each_changes_what_an_honest_origin_would_do) {
    // The situation in which the fault strikes: most in any, these in their own.
    const auto asked_for = [](std::string_view id) {
        if (id == "stale-304") return asking("GET", {{"If-None-Match", "\"a\""}});
        return asking(id == "wrong-length-for-head" ? "HEAD" : "GET");
    };
    for (const auto& row : fault_catalogue()) {
        const auto asked = asked_for(row.id);
        const bool reused = row.id.ends_with("-on-reuse");
        const auto faulty = compiled(with(std::string(row.id)), asked, reused), honest = compiled(good(), asked, reused);
        const bool same = sent_bytes(faulty) == sent_bytes(honest) && faulty.actions.size() == honest.actions.size() &&
                          faulty.keep == honest.keep && faulty.idle_close == honest.idle_close;
        EXPECT_FALSE(same) << row.id;
    }
}

TEST(Faults, arguments_named_in_the_catalogue_change_something_and_others_do_not) {
    const auto fingerprint = [](const fault& f) {
        auto r = good(std::string(64, 'b'));
        r.fault = f;
        const auto asked = f.id == "stale-304" ? asking("GET", {{"If-None-Match", "\"a\""}}) : asking();
        const auto p = compiled(r, asked);
        std::string out = sent_bytes(p);
        for (const auto& each : p.actions) {
            out += static_cast<char>('0' + each.index());
            if (const auto* stall = std::get_if<act::stall>(&each)) out += std::to_string(stall->time.value_or(-1ns).count());
            if (const auto* drip = std::get_if<act::drip>(&each))
                out += std::to_string(drip->piece) + "," + std::to_string(drip->every.count());
            if (const auto* send = std::get_if<act::send>(&each)) out += std::to_string(send->bytes.size());
        }
        return out + std::to_string(p.idle_close.value_or(-1ns).count());
    };
    for (const auto& row : fault_catalogue()) {
        const fault plain{.id = std::string(row.id)};
        const auto has = [&](std::string_view argument) {
            return ("," + std::string(row.arguments) + ",").find("," + std::string(argument) + ",") != std::string::npos;
        };
        const auto changes = [&](auto member, auto value) {
            fault changed = plain;
            changed.*member = value;
            return fingerprint(changed) != fingerprint(plain);
        };
        EXPECT_EQ(changes(&fault::after, std::uint64_t{3}), has("after")) << row.id;
        EXPECT_EQ(changes(&fault::lasts, nanoseconds(7s)), has("for")) << row.id;
        EXPECT_EQ(changes(&fault::every, nanoseconds(7s)), has("every")) << row.id;
        EXPECT_EQ(changes(&fault::size, std::uint64_t{17}), has("size")) << row.id;
        EXPECT_EQ(changes(&fault::text, std::string("102")), has("text")) << row.id;
    }
}

TEST(Faults, all_compile_for_every_method_and_an_empty_body) {
    for (const auto& row : fault_catalogue()) {
        for (const char* method : {"GET", "HEAD", "POST"}) {
            for (const int status : {200, 204, 304, 413}) {
                auto r = with(std::string(row.id));
                r.body = {};
                r.status = status;
                const auto p = compiled(r, asking(method));
                EXPECT_TRUE(std::holds_alternative<act::read_request_header>(p.actions.front())) << row.id;
            }
        }
    }
    EXPECT_THROW(compiled(with("no-such-fault")), std::invalid_argument);
}

TEST(Faults, responses_with_a_header_carry_the_serial) {
    const std::set<std::string_view> without = {"headerless", "http-09-response", "interim-then-close"};
    for (const auto& row : fault_catalogue()) {
        const auto sent = bytes(with(std::string(row.id)), asking(), true);
        if (without.contains(row.id) || sent.empty() || row.id.find("-in-header") != row.id.npos) continue;
        EXPECT_THAT(sent, HasSubstr("\nBadorigin-Serial: run-app-1")) << row.id;
    }
}

TEST(Faults, closes_strike_where_they_say) {
    EXPECT_EQ(compiled(with("close-on-request")).actions.size(), 2u);
    EXPECT_TRUE(ends_with<act::close>(compiled(with("close-on-request"))));
    EXPECT_EQ(bytes(with("close-before-response")), "");
    EXPECT_EQ(bytes(with("close-in-header", {.after = 9})), "HTTP/1.1 ");
    EXPECT_THAT(bytes(with("close-in-header", {.after = 99999})), EndsWith("\r\n\r"));
    EXPECT_THAT(bytes(with("close-in-body", {.after = 2})), EndsWith("Content-Length: 5\r\n\r\nhe"));
    EXPECT_THAT(bytes(with("close-in-body", {.after = 99})), EndsWith("\r\n\r\nhell"));
    EXPECT_THAT(bytes(with("close-after-response")), EndsWith("\r\n\r\nhello"));
    EXPECT_THAT(bytes(with("close-after-response")), Not(HasSubstr("Connection")));
    EXPECT_TRUE(ends_with<act::half_close>(compiled(with("half-close-after-response"))));
}

TEST(Faults, resets_strike_where_they_say) {
    for (const char* id : {"reset-on-request", "reset-before-response", "reset-in-header", "reset-in-body", "reset-after-response",
                           "early-response-reset"}) {
        EXPECT_TRUE(ends_with<act::reset>(compiled(with(id)))) << id;
    }
    EXPECT_THAT(bytes(with("reset-in-body", {.after = 0})), EndsWith("\r\n\r\n"));
    EXPECT_THAT(bytes(with("reset-after-response")), EndsWith("hello"));
}

TEST(Faults, reuse_decides_about_faults_on_reuse) {
    EXPECT_EQ(bytes(with("close-on-reuse"), asking(), false), bytes(good()));
    EXPECT_TRUE(compiled(with("close-on-reuse"), asking(), false).keep);
    EXPECT_EQ(bytes(with("close-on-reuse"), asking(), true), "");
    EXPECT_TRUE(ends_with<act::close>(compiled(with("close-on-reuse"), asking(), true)));
    EXPECT_TRUE(ends_with<act::reset>(compiled(with("reset-on-reuse"), asking(), true)));
}

TEST(Faults, stalls_last_as_told_and_let_the_rest_follow) {
    const auto p = compiled(with("stall-in-body", {.after = 1, .lasts = 5s}));
    EXPECT_EQ(find<act::stall>(p)->time, 5s);
    EXPECT_EQ(sent_bytes(p), bytes(good()));
    EXPECT_THAT(std::get<act::send>(p.actions[2]).bytes, EndsWith("\r\n\r\nh"));
    EXPECT_FALSE(find<act::stall>(compiled(with("stall-before-response")))->time.has_value());
    EXPECT_EQ(bytes(with("stall-in-header")), bytes(good()));
}

TEST(Faults, drips_send_everything_in_pieces) {
    const auto body = compiled(with("drip-body", {.every = 1s, .size = 2}));
    EXPECT_EQ(find<act::drip>(body)->bytes, "hello");
    EXPECT_EQ(find<act::drip>(body)->piece, 2u);
    EXPECT_EQ(find<act::drip>(body)->every, 1s);
    EXPECT_EQ(sent_bytes(body), bytes(good()));
    EXPECT_THAT(find<act::drip>(compiled(with("drip-header")))->bytes, EndsWith("\r\n\r\n"));
}

TEST(Faults, never_read_stops_behind_the_header) {
    const auto p = compiled(with("never-read"));
    EXPECT_TRUE(std::holds_alternative<act::stop_reading>(p.actions[1]));
    EXPECT_TRUE(std::holds_alternative<act::stall>(p.actions[2]));
}

TEST(Faults, early_responses_do_not_read_the_body) {
    const auto p = compiled(with("early-response"), asking("POST"));
    EXPECT_EQ(find<act::read_request_body>(p), nullptr);
    EXPECT_TRUE(ends_with<act::close>(p));
    EXPECT_THAT(sent_bytes(p), HasSubstr("Connection: close\r\n"));
}

TEST(Faults, headers_can_be_missing_altogether) {
    const auto page = bytes(with("headerless"));
    EXPECT_THAT(page, StartsWith("<!DOCTYPE html>"));
    EXPECT_THAT(page, Not(HasSubstr("HTTP/1")));
    EXPECT_NEAR(static_cast<double>(page.size()), 565, 150);
    EXPECT_TRUE(ends_with<act::close>(compiled(with("headerless"))));
    EXPECT_EQ(bytes(with("headerless", {.text = "<p>"})), "<p>");
    EXPECT_EQ(bytes(with("http-09-response")), "hello");
}

TEST(Faults, status_lines_break) {
    EXPECT_THAT(bytes(with("bad-status-line")), StartsWith("HTTP/1.1 abc Nonsense\r\n"));
    EXPECT_THAT(bytes(with("missing-version")), StartsWith("200 OK\r\n"));
    EXPECT_THAT(bytes(with("wrong-version")), StartsWith("HTTP/3.0 200 OK\r\n"));
    EXPECT_THAT(bytes(with("status-out-of-range")), StartsWith("HTTP/1.1 999 "));
    EXPECT_THAT(bytes(with("long-status-line", {.size = 5})), StartsWith("HTTP/1.1 200 rrrrr\r\n"));
}

TEST(Faults, field_lines_break) {
    EXPECT_THAT(bytes(with("bare-cr-in-header")), HasSubstr("one\rBadorigin-Smuggled: two\r\n"));
    EXPECT_THAT(bytes(with("bare-lf")), Not(HasSubstr("\r")));
    EXPECT_THAT(bytes(with("bare-lf")), EndsWith("\n\nhello"));
    EXPECT_THAT(bytes(with("obs-fold")), HasSubstr("Badorigin-Folded: one\r\n two\r\n"));
    EXPECT_THAT(bytes(with("space-before-colon")), HasSubstr("\r\nBadorigin-Spaced : one\r\n"));
    EXPECT_NE(bytes(with("nul-in-header")).find('\0'), std::string::npos);
    EXPECT_GT(bytes(with("huge-header", {.size = 5000})).size(), 5000u);
    EXPECT_THAT(bytes(with("many-fields", {.size = 3})), HasSubstr("Badorigin-Field-3: "));
    EXPECT_THAT(bytes(with("many-fields", {.size = 3})), Not(HasSubstr("Badorigin-Field-4: ")));
}

TEST(Faults, lengths_lie) {
    EXPECT_THAT(bytes(with("body-short")), EndsWith("Content-Length: 105\r\n\r\nhello"));
    EXPECT_TRUE(ends_with<act::close>(compiled(with("body-short"))));
    EXPECT_THAT(bytes(with("body-long", {.size = 3})), EndsWith("Content-Length: 5\r\n\r\nhello+++"));
    EXPECT_TRUE(compiled(with("body-long")).keep);
    EXPECT_THAT(bytes(with("conflicting-lengths")), HasSubstr("Content-Length: 5\r\nContent-Length: 6\r\n"));
    EXPECT_THAT(bytes(with("duplicate-length")), HasSubstr("Content-Length: 5\r\nContent-Length: 5\r\n"));
    EXPECT_THAT(bytes(with("bad-length")), HasSubstr("Content-Length: -1\r\n"));
    EXPECT_THAT(bytes(with("length-with-chunked")),
                EndsWith("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    EXPECT_THAT(bytes(with("unknown-coding")), EndsWith("Transfer-Encoding: badorigin\r\n\r\nhello"));
}

TEST(Faults, chunks_break) {
    EXPECT_THAT(bytes(with("bad-chunk-size")), EndsWith("\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n"));
    EXPECT_THAT(bytes(with("bad-chunk-end")), EndsWith("5\r\nhelloXX0\r\n\r\n"));
    EXPECT_THAT(bytes(with("missing-last-chunk")), EndsWith("5\r\nhello\r\n"));
    EXPECT_THAT(bytes(with("truncated-chunk", {.after = 2})), EndsWith("5\r\nhe"));
    EXPECT_THAT(bytes(with("huge-chunk-extension", {.size = 4})), EndsWith("5;x=eeee\r\nhello\r\n0\r\n\r\n"));
    EXPECT_THAT(bytes(with("forbidden-trailer")), EndsWith("0\r\nContent-Length: 7\r\nSet-Cookie: smuggled=yes\r\n\r\n"));
    EXPECT_THAT(bytes(with("chunked-in-http-10")), StartsWith("HTTP/1.0 200"));
}

TEST(Faults, bodies_come_where_none_may) {
    EXPECT_THAT(bytes(with("wrong-length-for-head"), asking("HEAD")), EndsWith("Content-Length: 5\r\n\r\nhello"));
    const auto sent = bytes(with("body-on-304"));
    EXPECT_THAT(sent, StartsWith("HTTP/1.1 304 "));
    EXPECT_THAT(sent, EndsWith("Content-Length: 5\r\n\r\nhello"));
}

TEST(Faults, not_modified_is_said_to_the_wrong_ones) {
    EXPECT_THAT(bytes(with("unsolicited-304")), StartsWith("HTTP/1.1 304 "));
    EXPECT_THAT(bytes(with("unsolicited-304")), EndsWith("Badorigin-Serial: run-app-1\r\n\r\n"));
    EXPECT_THAT(bytes(with("stale-304")), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(bytes(with("stale-304"), asking("GET", {{"If-None-Match", "\"a\""}})), HasSubstr("ETag: \"another\"\r\n"));
}

TEST(Faults, dates_and_ages_lie) {
    EXPECT_THAT(bytes(with("set-age-huge")), HasSubstr("\r\nAge: 4294967296\r\n"));
    EXPECT_THAT(bytes(with("bad-date")), HasSubstr("\r\nDate: yesterday\r\n"));
    EXPECT_THAT(bytes(with("no-date")), Not(HasSubstr("Date:")));
    EXPECT_THAT(bytes(with("expires-garbage")), HasSubstr("\r\nExpires: soon\r\n"));
    EXPECT_THAT(bytes(with("gzip-garbage")), HasSubstr("Content-Encoding: gzip\r\n"));
}

TEST(Faults, more_messages_than_asked_for) {
    EXPECT_THAT(bytes(with("interim-first")), StartsWith("HTTP/1.1 103 Early Hints\r\n"));
    EXPECT_THAT(bytes(with("interim-first", {.text = "100"})), StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
    EXPECT_TRUE(ends_with<act::close>(compiled(with("interim-then-close"))));
    EXPECT_THAT(bytes(with("interim-then-close")), Not(HasSubstr("200")));
    const auto two = bytes(with("second-response"));
    EXPECT_THAT(two, HasSubstr("helloHTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(two, HasSubstr("Badorigin-Serial: run-app-1-stray\r\n"));
    EXPECT_THAT(bytes(with("bytes-after-message", {.text = "zz"})), EndsWith("hellozz"));
    EXPECT_THAT(bytes(with("switch-protocols")), StartsWith("HTTP/1.1 101 "));
    const auto many = bytes(with("many-interims", {.size = 3}));
    std::size_t count = 0;
    for (auto at = many.find("HTTP/1.1 103"); at != many.npos; at = many.find("HTTP/1.1 103", at + 1)) ++count;
    EXPECT_EQ(count, 3u);
}

TEST(Faults, idle_close_is_unannounced) {
    const auto p = compiled(with("close-idle-after", {.lasts = 4s}));
    EXPECT_TRUE(p.keep);
    EXPECT_EQ(p.idle_close, 4s);
    EXPECT_EQ(sent_bytes(p), bytes(good()));
}

}  // namespace
}  // namespace badorigin::peers
