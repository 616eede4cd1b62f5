#include <gtest/gtest.h>

#include "harness/scenario/durations.h"
#include "harness/traffic/claims.h"
#include "harness/traffic/steps.h"

namespace badorigin::traffic {
namespace {

TEST(StepNames, are_unlike_each_other_and_unlike_promises_and_words) {
    step_names names{{{"ttl", nanoseconds{1}}}};
    EXPECT_EQ(names.of_target("/page?x=1"), "page");
    EXPECT_EQ(names.of_target("/other/page"), "page-2");
    EXPECT_EQ(names.of_target("/page-2"), "page-2-2");
    EXPECT_EQ(names.of_target("/"), "home");
    EXPECT_EQ(names.of_target("/ttl"), "ttl-2");
    EXPECT_EQ(names.of_target("/all"), "all-2");
    EXPECT_EQ(names.of_target("/17"), "page-17");
    EXPECT_EQ(names.of_target("*"), "page-3");
    for (const auto* target : {"/%E2%82%AC", "//", "/a b", "/-x", "/....", "/ünïcode"})
        EXPECT_TRUE(scenario::is_name(names.of_target(target))) << target;
}

TEST(Shape, is_the_same_where_targets_names_secrets_and_sizes_differ_and_no_other_than_there) {
    const auto made = [](std::string target, std::string name, std::string cookie, std::uint64_t size, int status) {
        scenario::scenario out;
        out.claim = target;
        scenario::step s;
        s.name = name;
        s.clients.resize(1);
        s.clients.front().name = name;
        s.clients.front().request.target = target;
        s.clients.front().request.fields = {{"Cookie", cookie}};
        s.clients.front().expect.status = status;
        out.steps.push_back(s);
        peers::reply r;
        r.body.kind = peers::content::kind::generated;
        r.body.size = size;
        out.origins = {{"app", {{"GET", target, {r}}}, peers::listening::accept}};
        return shape_of(out);
    };
    const auto first = made("/a", "a", "sid=secret-1", 700, 200);
    EXPECT_EQ(first, made("/b/status", "status", "sid=secret-22", 800, 200));
    EXPECT_NE(first, made("/a", "a", "sid=secret-1", 700, 404));
    EXPECT_NE(first, made("/a", "a", "other=secret-1", 700, 200));
}

TEST(FileName, is_the_claim_in_small_letters_and_not_too_long) {
    EXPECT_EQ(file_name("GET /page?x=1 is answered 200, 503"), "get-page-x-1-is-answered-200-503");
    EXPECT_EQ(file_name("***"), "traffic");
    EXPECT_LE(file_name(std::string(300, 'a')).size(), 90u);
    EXPECT_EQ(file_name("a " + std::string(300, 'b')), "a");
}

}  // namespace
}  // namespace badorigin::traffic
