#include <cstdio>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "reports/report.h"

namespace badorigin::report {
namespace {

std::vector<entry> three_entries() {
    std::vector<entry> all(3);
    all[0].verdict = {.scenario = "bodies/whole", .proxy = "bundled", .outcome = judge::outcome::upheld, .reason = {}, .findings = {}};
    judge::finding lost;
    lost.claim = "body-forwarded-whole";
    lost.subject = "order";
    lost.message = "no body byte follows <here> \x01 & there \xff";
    lost.outcome = judge::outcome::violated;
    judge::citation first;
    first.what = "attempt 1";
    first.connection = 3;
    first.exchange = 7;
    first.frames = {57, 58};
    first.detail = "Content-Length: 100";
    lost.citations.push_back(first);
    all[1].verdict = {.scenario = "bodies/lost", .proxy = "bundled", .outcome = judge::outcome::violated, .reason = {}, .findings = {lost}};
    all[1].evidence = "out/bundled/bodies/lost";
    all[2].verdict = {
        .scenario = "saint/x", .proxy = "bundled", .outcome = judge::outcome::not_applicable, .reason = "no policy", .findings = {}};
    for (auto& e : all) e.took = std::chrono::milliseconds(250);
    return all;
}

std::string console_text(console_style style, const std::vector<entry>& all) {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* out = ::open_memstream(&text, &size);
    console c(out, style, all.size());
    for (const auto& e : all) {
        c.begun(e.verdict.scenario, e.verdict.proxy);
        c.ended(e);
    }
    c.finish(all);
    std::fclose(out);
    std::string said(text, size);
    std::free(text);
    return said;
}

capture::exchange_ptr post_without_its_body() {
    auto on = std::make_shared<capture::connection>();
    on->id = 6;
    on->leg = capture::leg::origin;
    on->server_name = "origin:app";
    on->exchanges = 1;
    on->server_fin = {61, {}};
    auto e = std::make_shared<capture::exchange>();
    e->id = 9;
    e->on = on;
    e->request.emplace();
    auto& m = e->request->message;
    m.method = "POST";
    m.target = "/orders";
    m.fields = {{"Content-Length", "100", 24}};
    m.declared_length = 100;
    m.end = 259;
    e->request->first = e->request->last = {57, {}};
    return e;
}

TEST(Junit, counts_and_escapes_what_it_writes) {
    const std::string file = std::filesystem::temp_directory_path() / "badorigin-junit-test.xml";
    ASSERT_TRUE(write_junit(file, three_entries()).has_value());
    pugi::xml_document read;
    ASSERT_TRUE(read.load_file(file.c_str()));
    std::filesystem::remove(file);
    const auto suite = read.child("testsuites").child("testsuite");
    EXPECT_EQ(suite.attribute("tests").as_int(), 3);
    EXPECT_EQ(suite.attribute("failures").as_int(), 1);
    EXPECT_EQ(suite.attribute("errors").as_int(), 0);
    EXPECT_EQ(suite.attribute("skipped").as_int(), 1);
    const auto lost = suite.find_child_by_attribute("testcase", "name", "bodies/lost");
    EXPECT_NE(std::string(lost.child("failure").text().get()).find("<here> \\x01 & there \\xff"), std::string::npos);
}

TEST(Junit, says_when_it_cannot_write) {
    const auto done = write_junit("/nowhere/at/all.xml", three_entries());
    ASSERT_FALSE(done.has_value());
    EXPECT_NE(done.error().find("/nowhere/at/all.xml"), std::string::npos);
}

TEST(Json, keeps_verdicts_apart_from_citations) {
    const auto read = nlohmann::json::parse(results_json(three_entries(), "1.2.3"));
    ASSERT_EQ(read["results"].size(), 3U);
    const auto& lost = read["results"][1];
    EXPECT_EQ(lost["outcome"], "violated");
    EXPECT_EQ(lost["scenario"], "bodies/lost");
    EXPECT_EQ(lost["proxy"], "bundled");
    EXPECT_EQ(lost["verdicts"].dump().find("57"), std::string::npos);
    EXPECT_NE(lost["citations"].dump().find("57"), std::string::npos);
}

TEST(Console, colour_and_the_live_line_need_a_terminal) {
    const auto plain = console_text({}, three_entries());
    EXPECT_EQ(plain.find('\033'), std::string::npos);
    EXPECT_EQ(plain.find('\r'), std::string::npos);
    const auto coloured = console_text({.colour = true, .live = true}, three_entries());
    EXPECT_NE(coloured.find("\033[31m"), std::string::npos);
    EXPECT_NE(coloured.find('\r'), std::string::npos);
}

TEST(Console, a_violation_names_its_rule_its_frames_and_its_evidence) {
    auto all = three_entries();
    all[1].cited.push_back(post_without_its_body());
    const auto said = console_text({}, all);
    EXPECT_NE(said.find("body-forwarded-whole [order]"), std::string::npos);
    EXPECT_NE(said.find("frames 57, 58"), std::string::npos);
    EXPECT_NE(said.find("no content byte follows; Content-Length says 100"), std::string::npos);
    EXPECT_NE(said.find("badorigin judge out/bundled/bodies/lost"), std::string::npos);
    EXPECT_NE(said.find("1 upheld, 1 violated, 1 not_applicable"), std::string::npos);
}

TEST(Console, quiet_hides_what_is_good) {
    const auto said = console_text({.quiet = true}, three_entries());
    EXPECT_EQ(said.find("bodies/whole"), std::string::npos);
    EXPECT_NE(said.find("bodies/lost"), std::string::npos);
}

TEST(Wire, an_exchange_is_shown_with_frames_and_who_ended_it) {
    const auto text = on_the_wire(*post_without_its_body());
    EXPECT_NE(text.find("exchange 9 on the origin leg, connection 6"), std::string::npos);
    EXPECT_NE(text.find("frame 57, bytes 0-259"), std::string::npos);
    EXPECT_NE(text.find("POST /orders HTTP/1.1"), std::string::npos);
    EXPECT_NE(text.find("no response"), std::string::npos);
    EXPECT_NE(text.find("frame 61: FIN by the answering side"), std::string::npos);
}

TEST(Wire, a_long_line_is_shortened_and_says_by_how_much) {
    auto post = *post_without_its_body();
    auto& m = post.request->message;
    const std::string fits(395, 'v'), cookie(37'000, 'c');
    m.fields = {{"Via", fits, 24}, {"Cookie", cookie, 500}};
    m.target = "/" + std::string(1000, 't');
    const auto text = on_the_wire(post);
    EXPECT_NE(text.find("Via: " + fits + "\n"), std::string::npos);
    EXPECT_NE(text.find("Cookie: " + std::string(392, 'c') + "… [36608 more bytes]\n"), std::string::npos);
    EXPECT_NE(text.find("t… [615 more bytes]\n"), std::string::npos) << "of " << text.substr(0, 900);
}

TEST(reports, every_report_says_when_the_evidence_is_no_capture) {
    auto all = three_entries();
    const std::string said = "evidence: tap (our own sockets), not a packet capture";
    EXPECT_EQ(console_text({}, all).find(said), std::string::npos);
    EXPECT_FALSE(nlohmann::json::parse(results_json(all, "0")).contains("note"));
    for (auto& e : all) e.kind = capture::evidence_kind::tap;
    EXPECT_NE(console_text({}, all).find(said), std::string::npos);
    const auto json = nlohmann::json::parse(results_json(all, "0"));
    EXPECT_EQ(json["note"], said);
    EXPECT_EQ(json["results"][0]["evidence_kind"], "tap");
    const std::string file = ::testing::TempDir() + "/tap.xml";
    ASSERT_TRUE(write_junit(file, all));
    pugi::xml_document xml;
    ASSERT_TRUE(xml.load_file(file.c_str()));
    const auto property = xml.child("testsuites").child("testsuite").child("properties").child("property");
    EXPECT_STREQ(property.attribute("value").value(), said.c_str());
}

}  // namespace
}  // namespace badorigin::report
