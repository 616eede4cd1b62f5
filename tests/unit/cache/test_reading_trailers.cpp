// Trailer sections (RFC 9110 6.5, RFC 9112 7.1.2): what is read of them, and what is refused.
#include <gtest/gtest.h>

#include "proxy-under-test/cache/message_reader.h"

namespace badorigin::cache {
namespace {

const std::string request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: X-Mine\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";

struct seen {
    std::string outcome, fields, content, left;
};

/// Bytes come `step` at a time; 0: all at once. What is read, and what is wrong with it.
seen read(const std::string& bytes, std::size_t step, side of = side::request) {
    message_reader reader(of);
    seen out;
    std::string input;
    for (std::size_t at = 0; at < bytes.size() && !reader.complete();) {
        const auto size = step == 0 ? bytes.size() : step;
        input += bytes.substr(at, size);
        at += size;
        if (auto put = reader.put(input); !put) {
            out.outcome = put.error();
            break;
        }
    }
    out.content = reader.take_content();
    out.left = input;
    for (const auto& [name, value] : reader.trailers()) out.fields += name + "=" + value + ";";
    if (out.outcome.empty()) out.outcome = reader.complete() ? "ok" : "incomplete";
    EXPECT_EQ(reader.complete(), out.outcome == "ok") << bytes << " by " << step;
    return out;
}

TEST(reading_trailers, they_are_kept_apart_however_they_come) {
    const std::string next = "GET /next";
    for (const std::size_t step : {0, 1, 2, 3, 5, 7, 11}) {
        const auto got = read(request + "00;x=y\r\nX-Sum: 1\r\nETag:\"a\" \r\nX-Empty:\r\n\r\n", step);
        EXPECT_EQ(got.outcome, "ok") << step;
        EXPECT_EQ(got.fields, "X-Sum=1;ETag=\"a\";X-Empty=;") << step;
        EXPECT_EQ(got.content, "abc") << step;
    }
    const auto got = read(request + "0\r\nX-Sum: 1\r\n\r\n" + next, 0);
    EXPECT_EQ(got.fields, "X-Sum=1;");
    EXPECT_EQ(got.left, next);
}

TEST(reading_trailers, they_are_no_header_fields) {
    message_reader reader(side::response);
    std::string input = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n";
    ASSERT_TRUE(reader.put(input));
    EXPECT_FALSE(reader.response().fields.has("X-Sum"));
    EXPECT_EQ(reader.trailers().value("X-Sum"), "1");
}

TEST(reading_trailers, a_chunk_of_zeros_and_a_size_that_begins_with_one_are_content) {
    for (const std::size_t step : {0, 1, 3}) {
        const auto got = read(request + "3\r\n0\r\n\r\n00a\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n", step);
        EXPECT_EQ(got.outcome, "ok");
        EXPECT_EQ(got.content, "abc0\r\n0123456789");
        EXPECT_EQ(got.fields, "X-Sum=1;");
    }
    EXPECT_EQ(read("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n", 1).fields, "X-Sum=1;");
}

// RFC 9110 6.5.1
TEST(reading_trailers, what_a_header_alone_may_say_is_dropped) {
    for (const std::string forbidden : {"Transfer-Encoding: chunked",
                                        "content-length: 7",
                                        "Host: b",
                                        "TRAILER: X",
                                        "Connection: close",
                                        "TE: trailers",
                                        "Upgrade: h2c",
                                        "Authorization: Basic a",
                                        "Cookie: a=b",
                                        "Set-Cookie: a=b",
                                        "WWW-Authenticate: Basic",
                                        "Cache-Control: no-store",
                                        "Age: 7",
                                        "Expires: 0",
                                        "Vary: *",
                                        "Range: bytes=0-0",
                                        "If-None-Match: *",
                                        "Expect: 100-continue",
                                        "X-Forwarded-For: 192.0.2.1",
                                        "Content-Encoding: gzip",
                                        "Content-Type: text/html",
                                        "Content-Range: bytes 0-0/1",
                                        "X-Mine: named by Connection"}) {
        const auto got = read(request + "0\r\nX-Sum: 1\r\n" + forbidden + "\r\n\r\n", 0);
        EXPECT_EQ(got.outcome, "ok") << forbidden;
        EXPECT_EQ(got.fields, "X-Sum=1;") << forbidden;
    }
}

TEST(reading_trailers, they_are_read_as_strictly_as_a_header) {
    using namespace std::string_literals;
    for (const auto& [section, refused] : std::vector<std::pair<std::string, std::string>>{
             {"X : y\r\n\r\n", "white space before the colon"},
             {"X: y\r\n folded\r\n\r\n", "obs-fold"},
             {" X: y\r\n\r\n", "obs-fold"},
             {"X\r\n\r\n", "a field line without colon"},
             {": y\r\n\r\n", "a field name that is no token"},
             {"X(: y\r\n\r\n", "a field name that is no token"},
             {"X: a\rY: b\r\n\r\n", "bare CR"},
             {"\rX: a\r\n\r\n", "bare CR"},
             {"X: a\nY: b\r\n\r\n", "bare LF"},
             {"X: a\n\n", "bare LF"},
             {"X: \0\r\n\r\n"s, "a control character"},
             {"X: " + std::string(70'000, 'a'), "a head or trailer section of more than 64 KiB"}}) {
        for (const std::size_t step : {0, 1, 3}) {
            EXPECT_EQ(read(request + "0\r\n" + section, step).outcome, refused) << section.substr(0, 20) << " by " << step;
        }
    }
}

TEST(reading_trailers, without_their_end_the_message_is_not_whole) {
    for (const std::string begun : {"0\r\nX: y\r\n", "0\r\nX: y", "0\r\n", "0\r\n\r"}) {
        message_reader reader(side::response);
        std::string input = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + begun;
        ASSERT_TRUE(reader.put(input));
        EXPECT_FALSE(reader.complete()) << begun;
        EXPECT_FALSE(reader.end()) << begun;
        EXPECT_TRUE(reader.trailers().empty());
    }
}

TEST(reading_trailers, what_is_announced_is_forwarded_but_for_what_may_not_come) {
    const auto announced = [](std::vector<std::pair<std::string, std::string>> lines) {
        field_list header;
        for (const auto& [name, value] : lines) header.append(name, value);
        return announced_trailers(header);
    };
    EXPECT_EQ(announced({}), "");
    EXPECT_EQ(announced({{"Trailer", "X-Sum, Host"}, {"trailer", "ETag,X-Mine"}, {"Connection", "x-mine"}}), "X-Sum, ETag");
    EXPECT_EQ(announced({{"Trailer", "X-Sum"}, {"Connection", "Trailer"}}), "");
}

}  // namespace
}  // namespace badorigin::cache
