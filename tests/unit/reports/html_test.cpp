// The page: well-formed whatever came over the wire, whole, and in need of nothing else.
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "reports/escaped.h"
#include "reports/report.h"

namespace badorigin::report {
namespace {

constexpr std::string_view hostile =
    "</pre></body><script>alert(1)</script>]]>--> \"'&amp;\xff\xfe\x01\x7f\xc2\x85\xef\xbf\xbe\xed\xa0\x80 \xe2\x82\xac";
constexpr std::string_view harmless =
    "</pre></body><script>alert(1)</script>]]>--> \"'&amp;\\xff\\xfe\\x01\\x7f\\xc2\\x85\\xef\\xbf\\xbe\\xed\\xa0\\x80 \xe2\x82\xac";

capture::exchange_ptr asked(std::uint64_t id, std::string_view target) {
    auto on = std::make_shared<capture::connection>();
    on->id = id;
    auto e = std::make_shared<capture::exchange>();
    e->id = id;
    e->on = on;
    e->request.emplace();
    e->request->message.method = "GET";
    e->request->message.target = target;
    e->request->message.fields = {{"X-Hostile", std::string(hostile), 0}};
    e->request->first = e->request->last = {id * 100, {}};
    return e;
}

judge::finding finding_of(const std::string& claim, judge::outcome outcome, std::vector<std::uint64_t> exchanges) {
    judge::finding out;
    out.claim = claim;
    out.outcome = outcome;
    out.message = hostile;
    for (const auto id : exchanges) {
        judge::citation c;
        c.what = "request";
        c.exchange = id;
        c.frames = {id * 100};
        out.citations.push_back(c);
    }
    return out;
}

std::vector<entry> entries() {
    std::vector<entry> all(3);
    all[0].verdict = {.scenario = "a/violated", .proxy = "bundled", .outcome = judge::outcome::violated, .reason = {}, .findings = {}};
    for (int i = 0; i < 30; ++i)
        all[0].verdict.findings.push_back(finding_of("rule-" + std::to_string(i), judge::outcome::violated, {1, 2}));
    all[0].verdict.findings.push_back(finding_of("rule-fine", judge::outcome::upheld, {}));
    all[0].cited = {asked(1, "/one"), asked(2, "/two"), asked(3, "/by-nobody")};
    all[0].evidence = std::string("out/") + std::string(hostile);
    all[1].verdict = {
        .scenario = std::string(hostile), .proxy = std::string(hostile), .outcome = judge::outcome::upheld, .reason = {}, .findings = {}};
    all[1].claim = hostile;
    all[2].verdict = {
        .scenario = "c/error", .proxy = "varnish", .outcome = judge::outcome::error, .reason = std::string(hostile), .findings = {}};
    all[2].verdict.findings.push_back(finding_of("no-news", judge::outcome::violated, {}));
    return all;
}

pugi::xml_document parsed(const std::string& page) {
    pugi::xml_document out;
    const auto done = out.load_string(page.c_str(), pugi::parse_default | pugi::parse_ws_pcdata);
    EXPECT_TRUE(done) << done.description() << " at " << page.substr(static_cast<std::size_t>(done.offset), 60);
    return out;
}

struct every_node : pugi::xml_tree_walker {
    std::set<std::string> tags, attributes, anchors, targets;
    std::string text;
    bool for_each(pugi::xml_node& node) override {
        tags.insert(node.name());
        if (node.type() == pugi::node_pcdata) text += node.value();
        for (const auto attribute : node.attributes()) {
            attributes.insert(attribute.name());
            if (std::string_view(attribute.name()) == "id") { EXPECT_TRUE(anchors.insert(attribute.value()).second) << attribute.value(); }
            if (std::string_view(attribute.name()) == "href") targets.insert(attribute.value());
        }
        return true;
    }
};

every_node walked(const std::string& page) {
    every_node all;
    parsed(page).traverse(all);
    return all;
}

std::size_t count(std::string_view in, std::string_view what) {
    std::size_t n = 0;
    for (auto at = in.find(what); at != std::string_view::npos; at = in.find(what, at + 1)) ++n;
    return n;
}

TEST(Html, what_came_over_the_wire_is_text_and_nothing_else) {
    const auto all = walked(results_html(entries(), "1"));
    EXPECT_EQ(all.tags.count("script"), 0U);
    constexpr std::size_t messages = 30, fields = 3, evidence = 1, in_the_table = 3, in_the_section = 3, reason = 1;
    EXPECT_EQ(count(all.text, harmless), messages + fields + evidence + in_the_table + in_the_section + reason);
    EXPECT_EQ(count(all.text, "alert(1)"), count(all.text, harmless));
}

TEST(Html, every_violated_finding_is_in_it_and_each_exchange_once) {
    const auto all = walked(results_html(entries(), "1"));
    for (int i = 0; i < 30; ++i) EXPECT_EQ(count(all.text, " rule-" + std::to_string(i) + ": "), 1U) << i;
    for (const auto* target : {"GET /one", "GET /two", "GET /by-nobody"}) EXPECT_EQ(count(all.text, target), 1U) << target;
    EXPECT_EQ(count(all.text, "(frames 100)"), 30U);
    EXPECT_EQ(count(all.text, "1 claims upheld"), 1U);
    EXPECT_EQ(count(all.text, "no-news"), 0U) << "a run that did not come to its end says nothing about the proxy";
}

TEST(Html, needs_nothing_else_and_its_links_lead_somewhere) {
    const auto page = results_html(entries(), "1");
    auto all = walked(page);
    EXPECT_EQ(all.attributes.count("src"), 0U);
    EXPECT_EQ(count(page, "url("), 0U);
    EXPECT_EQ(all.targets.size(), 3U + 2);
    for (const auto& target : all.targets) EXPECT_TRUE(target.starts_with('#') && all.anchors.contains(target.substr(1))) << target;
}

TEST(Html, outcomes_are_chosen_by_buttons_before_what_they_choose_from) {
    const auto page = results_html(entries(), "1");
    for (const auto* what : {"violated", "upheld", "error"}) {
        const std::string word(what);
        EXPECT_EQ(count(page, "id=\"show-" + word + "\""), 1U);
        EXPECT_EQ(count(page, "#show-" + word + ":checked ~ main .entry:not(." + word + ") { display: none; }"), 1U);
        EXPECT_EQ(count(page, "class=\"entry " + word + "\""), 2U) << "a row and a section";
    }
    EXPECT_EQ(count(page, "show-inconclusive"), 0U);
    EXPECT_LT(page.rfind("<input"), page.find("<main"));
    EXPECT_EQ(count(page, "<title>1 violated, 1 error, 1 upheld</title>"), 1U);
}

TEST(Html, says_the_kind_and_the_sections_of_a_case_and_counts_by_topic) {
    auto all = entries();
    all[0].verdict.demand = scenario::demand::advice;
    all[0].claim = "What is advised";
    all[0].sections = {"RFC 9111 section 4.2"};
    all[0].of_table = true;
    const auto text = walked(results_html(all, "1")).text;
    EXPECT_EQ(count(text, "violated (advice)"), 2U) << "in the table and in its section";
    EXPECT_EQ(count(text, "What is advised (RFC 9111 section 4.2)"), 1U);
    EXPECT_EQ(count(text, topics_text(all)), 1U);
    EXPECT_FALSE(topics_text(all).empty());
}

TEST(Html, is_the_same_for_the_same_entries) {
    EXPECT_EQ(results_html(entries(), "1"), results_html(entries(), "1"));
}

TEST(Html, pieces_are_wellformed_and_hold_what_they_are_of) {
    const auto all = entries();
    EXPECT_EQ(count(walked(entry_html(all[0])).text, "rule-29"), 1U);
    EXPECT_EQ(count(walked(finding_html(all[0].verdict.findings[0])).text, harmless), 1U);
    EXPECT_EQ(count(walked(exchange_html(*all[0].cited[0], nullptr)).text, harmless), 1U);
}

TEST(Html, says_when_it_cannot_write) {
    const auto done = write_html("/nowhere/at/all.html", entries(), "1");
    ASSERT_FALSE(done.has_value());
    EXPECT_NE(done.error().find("/nowhere/at/all.html: No such file"), std::string::npos);
}

TEST(Markup, is_utf_8_whatever_the_bytes_are) {
    std::mt19937 random(1);
    const std::string_view some("\x41\x0a\x80\xbf\xc1\xc2\xdf\xe0\xa0\x9f\xed\xef\xbe\xf0\x90\x8f\xf4\xf5\xff", 19);
    for (int turn = 0; turn < 50'000; ++turn) {
        std::string bytes;
        for (int i = 0; i < 5; ++i) bytes += some[random() % some.size()];
        const auto text = markup_text(bytes);
        EXPECT_NO_THROW(nlohmann::json(text).dump()) << nlohmann::json(bytes).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
        for (const char c : text) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
    }
}

TEST(Markup, characters_stay_as_they_are) {
    for (const auto* text : {"plain\ttext\n", "\xc2\xa0", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xef\xbf\xbd", "\xf0\x9f\x98\x80"})
        EXPECT_EQ(markup_text(text), text);
}

}  // namespace
}  // namespace badorigin::report
