// A small fixed capture, made by the tap with a clock of its own, printed in every format.
#include "reports/log.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "capture/tap.h"

namespace badorigin::report {
namespace {

using namespace std::chrono_literals;
using capture::endpoint;
using http::direction;

endpoint at(std::string_view text) {
    endpoint e;
    if (!endpoint::parse(text, e)) throw std::invalid_argument(std::string(text));
    return e;
}

const endpoint client = at("10.0.0.7:50000"), proxy = at("10.0.0.1:8080"), outside = at("10.0.0.1:40001"), again = at("10.0.0.1:40002"),
               origin = at("10.0.0.2:9001");

std::string ok(int status, const std::string& fields, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " Fine\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

/// A miss; a conditional hit; a request sent again by itself, body lost the first time; a retry; a background fetch; a probe.
void write_capture(const std::string& file) {
    auto now = std::chrono::nanoseconds(1'700'000'000s);
    auto made = capture::tap::create(file, [&] { return now += 1ms; });
    ASSERT_TRUE(made) << made.error();
    auto& w = **made;
    const auto c = w.opened(client, proxy);
    const auto ask = [&](std::uint64_t on, const std::string& line, const std::string& token, const std::string& more = {},
                         const std::string& body = {}) {
        w.data(on, direction::request, line + " HTTP/1.1\r\nHost: shop.test\r\nBadorigin-Token: " + token + "\r\n" + more + "\r\n" + body);
    };
    const auto answer = [&](std::uint64_t on, int status, const std::string& serial, const std::string& more, const std::string& body) {
        w.data(on, direction::response, ok(status, "Badorigin-Serial: " + serial + "\r\n" + more, body));
    };
    ask(c, "GET /page", "t1", "Authorization: Basic YW5uYTpzZWNyZXQ=\r\nReferer: http://shop.test/\r\nUser-Agent: a \"quoted\" one\r\n");
    auto o = w.opened(outside, origin);
    ask(o, "GET /page", "t1", "X-Forwarded-For: 10.0.0.7\r\n");
    answer(o, 200, "s1", "ETag: \"one\"\r\n", "content");
    answer(c, 200, "s1", "ETag: \"one\"\r\nAge: 0\r\n", "content");

    ask(c, "GET /page", "t2", "If-None-Match: \"one\"\r\n");
    w.data(c, direction::response, "HTTP/1.1 304 Not Modified\r\nBadorigin-Serial: s1\r\nETag: \"one\"\r\nAge: 3\r\n\r\n");

    ask(c, "POST /orders", "t3", "Content-Length: 5\r\n", "12345");
    ask(o, "POST /orders", "t3", "Content-Length: 5\r\n");
    w.fin(o, direction::response);
    w.fin(o, direction::request);
    o = w.opened(again, origin);
    ask(o, "POST /orders", "t3", "Content-Length: 5\r\n", "12345");
    answer(o, 201, "s2", "", "made");
    answer(c, 201, "s2", "", "made");

    ask(c, "GET /moody", "t4");
    ask(o, "GET /moody", "t4", "X-Try: 1\r\n");
    answer(o, 500, "s3", "", "no");
    ask(o, "GET /moody", "t4", "X-Try: 2\r\n");
    answer(o, 200, "s4", "", "yes");
    answer(c, 200, "s4", "", "yes");

    ask(c, "GET /page?stale", "t5");
    ask(o, "GET /page?stale", "t5");
    answer(c, 200, "s1", "Age: 140\r\n", "content");
    answer(o, 200, "s5", "", "newer");

    w.data(o, direction::request, "GET /alive HTTP/1.1\r\nHost: probe\r\n\r\n");
    w.data(o, direction::response, ok(200, "", "yes"));
    w.fin(c, direction::request);
    w.fin(c, direction::response);
    w.flush();
    ASSERT_EQ(w.error(), "");
}

class log_of_a_capture : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "badorigin-log-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        write_capture(folder_ + "/packets.pcapng");
        capture::manifest about;
        about.evidence = capture::evidence_kind::file;
        about.roles = {{proxy.text(), "proxy"}, {origin.text(), "origin:app"}};
        auto read = capture::read_capture(folder_ + "/packets.pcapng", about);
        ASSERT_TRUE(read) << read.error();
        evidence_ = std::move(*read);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string text(log_format format, judge::grouping by = judge::grouping::request) const {
        std::string all;
        for (const auto& e : log_entries(evidence_, evidence_.transactions, judge::group_records(evidence_, by), format)) all += e.text;
        return all;
    }
    static void expect_golden(const std::string& actual, const std::string& name) {
        std::ifstream file(std::string(BADORIGIN_SOURCE_DIR "/tests/unit/reports/golden/") + name);
        const std::string golden{std::istreambuf_iterator<char>(file), {}};
        if (actual != golden) std::ofstream(testing::TempDir() + name) << actual;
        EXPECT_EQ(actual, golden) << "what was printed is in " << testing::TempDir() << name;
    }

    std::string folder_;
    capture::evidence evidence_;
};

TEST_F(log_of_a_capture, reads_like_varnishlog_in_every_grouping) {
    expect_golden(text(log_format::varnish), "log.request.txt");
    expect_golden(text(log_format::varnish, judge::grouping::session), "log.session.txt");
    expect_golden(text(log_format::varnish, judge::grouping::raw), "log.raw.txt");
}

TEST_F(log_of_a_capture, is_an_access_log) {
    expect_golden(text(log_format::ncsa), "log.ncsa.txt");
}

TEST_F(log_of_a_capture, is_rows_of_json) {
    expect_golden(text(log_format::ndjson), "log.ndjson");
}

TEST_F(log_of_a_capture, rows_are_those_of_the_selected_groups) {
    auto groups = judge::group_records(evidence_, judge::grouping::raw);
    std::erase_if(groups, [](const auto& g) { return g.records.front().value != "/alive"; });
    ASSERT_EQ(groups.size(), 1u);
    const auto rows = log_entries(evidence_, evidence_.transactions, groups, log_format::ndjson);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_TRUE(nlohmann::json::parse(rows.front().text)["client"].is_null());
    EXPECT_TRUE(log_entries(evidence_, evidence_.transactions, groups, log_format::ncsa).empty()) << "nobody's request is no access";
}

/// Tags and frames of each group: all but the numbers, which count what began in a part before what began in the next.
std::multiset<std::string> shapes(const std::vector<judge::record_group>& groups) {
    std::multiset<std::string> out;
    for (const auto& g : groups) {
        std::string one;
        for (const auto& r : g.records) one += fmt::format("{}{} {} {} {}\n", r.level, r.side, r.tag, r.frame, r.exchange);
        out.insert(std::move(one));
    }
    return out;
}

TEST_F(log_of_a_capture, comes_in_parts_as_it_comes_whole) {
    using enum judge::grouping;
    for (const auto by : {raw, vxid, request, session}) {
        judge::record_maker maker(by);
        std::vector<judge::record_group> all;
        std::set<std::string> rows;
        const auto take = [&](const capture::evidence& part) {
            auto groups = maker.take(part);
            for (const auto& e : log_entries(part, maker.transactions(), groups, log_format::ndjson))
                EXPECT_TRUE(rows.insert(e.text).second);
            std::ranges::move(groups, std::back_inserter(all));
        };
        capture::evidence part = evidence_;
        part.connections.clear();
        for (const auto& t : evidence_.transactions) {
            part.transactions = {t};
            take(part);
        }
        part.transactions.clear();
        part.connections = evidence_.connections;
        take(part);
        const auto whole = judge::group_records(evidence_, by);
        EXPECT_EQ(shapes(all), shapes(whole)) << static_cast<int>(by);
        std::set<std::string> of_whole;
        for (const auto& e : log_entries(evidence_, evidence_.transactions, whole, log_format::ndjson)) of_whole.insert(e.text);
        EXPECT_EQ(rows, of_whole) << static_cast<int>(by);
    }
}

TEST(log_text, bytes_of_the_wire_are_escaped) {
    judge::record_group group;
    judge::record r;
    r.tag = "ReqURL";
    r.value = "/\x1b[31m\rx";
    r.level = 5;
    group.records = {r};
    EXPECT_EQ(varnish_text(group), "*5* << Record   >> 0         \n-5- ReqURL         /\\x1b[31m\\rx\n\n");
}

}  // namespace
}  // namespace badorigin::report
