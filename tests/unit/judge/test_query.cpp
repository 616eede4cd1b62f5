#include <algorithm>

#include <gtest/gtest.h>

#include "capture/joiner.h"
#include "harness/judge/query.h"
#include "tests/unit/judge/staged.h"

namespace badorigin::judge::test {
namespace {

/// One client request (level 1) with its fetch (level 2), as a group.
record_group sample() {
    auto at = [](std::string_view tag, std::string value, int level) {
        record r;
        r.tag = *std::find(record_tags().begin(), record_tags().end(), tag);
        r.value = std::move(value);
        r.level = level;
        return r;
    };
    return {1,
            {at("Begin", "req 1 rxreq", 1), at("ReqMethod", "GET", 1), at("ReqURL", "/news?id=7", 1),
             at("ReqHeader", "Host: Example.com", 1), at("ReqHeader", "Accept: text/html", 1), at("RespStatus", "200", 1),
             at("RespHeader", "Age: 35", 1), at("RespHeader", "X-Time: 1.25", 1), at("Timestamp", "Resp: 40.5 5.5 0.25", 1),
             at("Link", "bereq 3 fetch", 1), at("BereqURL", "/news", 2), at("BereqHeader", "Host: origin", 2), at("BerespStatus", "503", 2),
             at("FetchError", "connection closed before a response", 2)}};
}

struct row {
    std::string query;
    bool matches;
};

class queries : public testing::TestWithParam<row> {};

TEST_P(queries, select_as_the_language_says) {
    auto parsed = query::parse(GetParam().query);
    ASSERT_TRUE(parsed) << parsed.error().text(GetParam().query);
    EXPECT_EQ(parsed->matches(sample()), GetParam().matches) << GetParam().query;
}

INSTANTIATE_TEST_SUITE_P(
    language, queries,
    testing::Values(
        // tags
        row{"RespStatus", true}, row{"respstatus", true}, row{"SessOpen", false}, row{"Req*", true}, row{"*Header", true},
        row{"*status", true}, row{"*", true}, row{"SessOpen,FetchError", true}, row{"sess*,*close", false},
        row{"BereqURL,ReqURL eq '/news'", true},
        // numbers
        row{"RespStatus == 200", true}, row{"RespStatus != 200", false}, row{"RespStatus < 200", false}, row{"RespStatus <= 200", true},
        row{"RespStatus > 199", true}, row{"RespStatus >= 200.5", false}, row{"RespStatus>=200", true}, row{"RespHeader:Age == 35", true},
        row{"RespHeader:X-Time > 1.2", true}, row{"RespHeader:X-Time == +1.25", true}, row{"*Status == 503", true},
        row{"RespHeader:X-Time > .5", true}, row{"RespStatus > -1", true}, row{"RespStatus == 200.0", true},
        row{"Timestamp:Resp[3] == 0.25", true}, row{"RespStatus != 404", true}, row{"ReqURL > 1", false}, row{"ReqHeader:Host == 0", false},
        // texts
        row{"ReqMethod eq GET", true}, row{"ReqMethod eq get", false}, row{"ReqMethod ne GET", false}, row{"ReqMethod eq 'GET'", true},
        row{"ReqMethod eq \"GET\"", true}, row{"ReqHeader:Host eq Example.com", true}, row{"ReqHeader eq 'Host: Example.com'", true},
        row{"RespStatus eq 200", true},
        // regular expressions
        row{"ReqURL ~ news", true}, row{"ReqURL ~ '^/news\\?id=[0-9]+$'", true}, row{"ReqURL !~ news", false},
        row{"ReqHeader:Host ~ '(?i)EXAMPLE'", true}, row{"ReqHeader:Host ~ EXAMPLE", false}, row{"ReqHeader !~ Host", true},
        // prefixes and fields
        row{"ReqHeader:host", true}, row{"ReqHeader:Cookie", false}, row{"Timestamp:Resp[2] == 5.5", true},
        row{"Timestamp:Resp[3] < 0.5", true}, row{"Timestamp:Resp[4]", false}, row{"Timestamp[1] eq 'Resp:'", true},
        row{"Link[1] eq bereq", true}, row{"Begin[2] == 1", true}, row{"ReqHeader:'Host' eq Example.com", true}, row{"Link:bereq", false},
        row{"FetchError[2] eq closed", true},
        // levels
        row{"{1}RespStatus", true}, row{"{2}RespStatus", false}, row{"{2}BerespStatus == 503", true}, row{"{2+}FetchError", true},
        row{"{1-}FetchError", false}, row{"{2-}FetchError", true}, row{"{0+}*", true}, row{"{0}*", false},
        row{"{2}RespStatus,BerespStatus == 503", true}, row{"{1}Req*:Host[1] ~ 'com$'", true},
        // together
        row{"RespStatus == 200 and BerespStatus == 503", true}, row{"RespStatus == 500 or BerespStatus == 503", true},
        row{"not RespStatus == 500", true}, row{"not not RespStatus == 200", true}, row{"not RespStatus == 200 or FetchError", true},
        row{"not (RespStatus == 200 or FetchError)", false}, row{"RespStatus == 500 and SessOpen or FetchError", true},
        row{"RespStatus == 500 and (SessOpen or FetchError)", false}, row{"((ReqMethod eq GET) and (not ReqHeader:Cookie))", true}));

TEST(queries, an_unquoted_operand_holds_letters_digits_and_five_signs_only) {
    EXPECT_FALSE(query::parse("ReqURL ~ ^/news"));
    EXPECT_TRUE(query::parse("ReqURL ~ news.*"));
    EXPECT_FALSE(query::parse("ReqURL eq a%b"));
    EXPECT_FALSE(query::parse("ReqURL eq a/b"));
    EXPECT_TRUE(query::parse("ReqURL eq Az09+-_.*"));
}

struct mistake {
    std::string query;
    std::size_t at;
    std::string says;
};
class wrong_queries : public testing::TestWithParam<mistake> {};

TEST_P(wrong_queries, are_told_with_their_place) {
    auto parsed = query::parse(GetParam().query);
    ASSERT_FALSE(parsed) << GetParam().query;
    EXPECT_EQ(parsed.error().at, GetParam().at) << parsed.error().text(GetParam().query);
    EXPECT_NE(parsed.error().message.find(GetParam().says), std::string::npos) << parsed.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    language, wrong_queries,
    testing::Values(mistake{"", 0, "name of a tag"}, mistake{"RespStatu", 0, "did you mean RespStatus?"}, mistake{"*eq*", 0, "not at both"},
                    mistake{"Re*q", 0, "only"}, mistake{"ReqURL,,Link", 7, "name of a tag"}, mistake{"ReqURL,Nope", 7, "no tag"},
                    mistake{"RespStatus = 200", 11, "no meaning"}, mistake{"RespStatus == abc", 14, "number"},
                    mistake{"RespStatus == '200'", 14, "number"}, mistake{"RespStatus ==", 13, "number"}, mistake{"ReqURL eq", 9, "text"},
                    mistake{"ReqURL ~ '['", 11, "regular expression"}, mistake{"ReqURL ~ 'abc", 9, "no end"},
                    mistake{"{x}ReqURL", 1, "level"}, mistake{"{2ReqURL", 1, "level"}, mistake{"{-1}ReqURL", 1, "level"},
                    mistake{"ReqURL[0]", 7, "from 1"}, mistake{"ReqURL[1", 8, "]"}, mistake{"(ReqURL", 7, ")"},
                    mistake{"ReqURL)", 6, "and"}, mistake{"ReqURL Link", 7, "operator"}, mistake{"ReqURL and", 10, "name of a tag"},
                    mistake{"and ReqURL", 0, "before \"and\""}, mistake{"not", 3, "name of a tag"}, mistake{"ReqHeader:", 10, "prefix"},
                    mistake{"ReqURL eq a eq b", 12, "\"and\""}, mistake{"ReqURL eq a,b", 11, "must be quoted"},
                    mistake{"ReqHeader:a,b", 11, "must be quoted"}, mistake{"RespStatus == 1e3", 14, "number"},
                    mistake{"RespStatus == 1,5", 14, "number"}, mistake{"{2}", 3, "name of a tag"}, mistake{"ReqURL[x]", 7, "from 1"},
                    mistake{"ReqURL & Link", 7, "no meaning"}, mistake{"ReqURL ~ '(?<a'", 14, "regular expression"},
                    mistake{"ReqURL or or Link", 10, "name of a tag"}, mistake{"'ReqURL'", 0, "name of a tag"},
                    mistake{"ReqURL or", 9, "name of a tag"}));

TEST(wrong_queries, show_a_caret_under_the_mistake) {
    std::string text = "RespStatus == abc";
    EXPECT_EQ(query::parse(text).error().text(text),
              "expected a number after the operator; texts are compared by eq and ne\nRespStatus == abc\n              ^^^");
}

TEST(wrong_queries, deep_nesting_is_refused) {
    EXPECT_FALSE(query::parse(std::string(100000, '(')));
}

/// Two requests on one connection, the second fails at the origin; and a probe.
capture::evidence two_requests() {
    staged run;
    auto on = run.client_connection();
    auto good = run.step("good", "GET", "/good", {}, {}, on);
    auto origin = run.fetch(good);
    run.answer(origin, 200, "ok");
    run.deliver(good, origin, 0);
    auto bad = run.step("bad", "GET", "/bad", {}, {}, on);
    auto closing = run.origin_connection();
    run.fetch(bad, {}, closing);
    run.server_closes(closing);
    run.answer(bad, 503);
    run.answer(run.request(run.origin_connection(), "HEAD /probe HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    run.client_closes(on);
    run.server_closes(on);
    return run.whole();
}

std::size_t matching(const capture::evidence& evidence, const std::string& text, grouping by) {
    auto parsed = query::parse(text);
    EXPECT_TRUE(parsed) << text;
    auto groups = group_records(evidence, by);
    return static_cast<std::size_t>(std::count_if(groups.begin(), groups.end(), [&](const record_group& g) { return parsed->matches(g); }));
}

TEST(groupings, the_same_query_selects_more_the_wider_the_group) {
    auto evidence = two_requests();
    EXPECT_EQ(matching(evidence, "RespStatus >= 400", grouping::request), 1u);
    EXPECT_EQ(matching(evidence, "RespStatus == 200", grouping::request), 1u);
    EXPECT_EQ(matching(evidence, "RespStatus >= 400 and RespStatus == 200", grouping::session), 1u);
}

TEST(groupings, under_session_the_good_answers_of_a_bad_session_come_along) {
    const auto evidence = two_requests();
    const auto asked = *query::parse("RespStatus >= 400");
    const auto statuses = [&](grouping by) {
        std::vector<std::string> all;
        for (const auto& g : group_records(evidence, by))
            for (const auto& r : g.records)
                if (asked.matches(g) && r.tag == "RespStatus") all.push_back(r.value);
        return all;
    };
    EXPECT_EQ(statuses(grouping::request), (std::vector<std::string>{"503"}));
    EXPECT_EQ(statuses(grouping::vxid), (std::vector<std::string>{"503"}));
    EXPECT_EQ(statuses(grouping::raw), (std::vector<std::string>{"503"}));
    EXPECT_EQ(statuses(grouping::session), (std::vector<std::string>{"200", "503"}));
}

TEST(groupings, levels_follow_the_group) {
    auto evidence = two_requests();
    EXPECT_EQ(matching(evidence, "{1}ReqURL eq '/bad' and {2}FetchError ~ closed", grouping::request), 1u);
    EXPECT_EQ(matching(evidence, "{1}SessOpen and {2}ReqURL and {3}BereqURL and {1}SessClose", grouping::session), 1u);
    EXPECT_EQ(matching(evidence, "{1}BereqURL", grouping::vxid), 2u);
    EXPECT_EQ(matching(evidence, "{2}BereqURL", grouping::vxid), 0u);
    EXPECT_EQ(matching(evidence, "{0}ReqURL", grouping::raw), 2u);
}

TEST(groupings, probes_belong_to_no_transaction_and_show_only_raw) {
    auto evidence = two_requests();
    EXPECT_EQ(matching(evidence, "BereqURL eq '/probe'", grouping::raw), 1u);
    for (auto by : {grouping::vxid, grouping::request, grouping::session}) EXPECT_EQ(matching(evidence, "BereqURL eq '/probe'", by), 0u);
    for (const auto& g : group_records(evidence, grouping::raw)) {
        if (g.records.front().value == "/probe") { EXPECT_EQ(g.id, 0u); }
    }
}

TEST(groupings, have_names) {
    EXPECT_EQ(grouping_named("request"), grouping::request);
    EXPECT_EQ(grouping_named("requests"), std::nullopt);
}

}  // namespace
}  // namespace badorigin::judge::test
