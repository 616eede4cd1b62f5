// The bundled cache's driver against a stand-in that speaks its control protocol; the real one is driven by the scenarios.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/drivers/support.h"

namespace badorigin::drivers {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class bundled_test : public testing::Test {
protected:
    bundled_test() {
        std::filesystem::create_symlink(TEST_PROGRAM, folder_.path() + "/badorigin-cache");
        settings_.listen = free_address();
        settings_.working_directory = folder_.path() + "/proxy";
        settings_.origins = {{"app", "127.0.0.1:9001"}};
        settings_.virtual_time = true;
        settings_.wall_start = seconds(1'000'000);
        cache_ = make_driver("bundled", folder_.path());
    }
    std::string file(const std::string& name) const { return read_file(settings_.working_directory + "/" + name); }

    private_folder folder_;
    proxy_settings settings_;
    std::unique_ptr<driver> cache_;
};

TEST_F(bundled_test, time_is_that_of_the_run) {
    cache_->start(settings_);
    auto now = cache_->sync();
    EXPECT_EQ(now.activity, 1U);
    EXPECT_EQ(now.unacknowledged, 7U);
    EXPECT_EQ(now.next_timer, std::nullopt);
    now = cache_->advance(seconds(34));
    EXPECT_EQ(now.activity, 2U);
    ASSERT_TRUE(now.next_timer);
    EXPECT_EQ(*now.next_timer, seconds(35));
    EXPECT_THAT(file("arguments.txt"), HasSubstr("--clock\nvirtual\n--now-ns\n1000000000000000\n"));
    EXPECT_EQ(cache_->version(), "badorigin-cache 9.9.9");
    EXPECT_EQ(cache_->stop(), "");
    EXPECT_FALSE(cache_->measure().alive);
    EXPECT_FALSE(exists(settings_.working_directory + "/control.sock"));
}

TEST_F(bundled_test, a_single_origin_needs_no_policy_but_two_do) {
    cache_->start(settings_);
    EXPECT_THAT(file("policy.vcl"), HasSubstr("backend default { .host = \"127.0.0.1\"; .port = \"9001\"; }"));
    settings_.origins["other"] = "127.0.0.1:9002";
    EXPECT_THAT(complaint_of([&] { cache_->start(settings_); }), HasSubstr("a policy is needed"));
}

TEST_F(bundled_test, the_policy_is_filled_and_reloaded) {
    settings_.policy_directory = folder_.path() + "/policy";
    std::filesystem::create_directory(settings_.policy_directory);
    EXPECT_THAT(complaint_of([&] { cache_->start(settings_); }), HasSubstr("has no varnish.vcl, which badorigin-cache needs"));
    write_file(settings_.policy_directory + "/varnish.vcl", "vcl 4.1; # {origin:app}");
    cache_->start(settings_);
    EXPECT_EQ(file("policy.vcl"), "vcl 4.1; # 127.0.0.1:9001");
    cache_->reload(settings_.policy_directory);
    EXPECT_EQ(file("policy-v2.vcl"), "vcl 4.1; # 127.0.0.1:9001");
}

TEST_F(bundled_test, a_policy_s_arguments_count_at_the_start_alone) {
    settings_.policy_directory = folder_.path() + "/policy";
    settings_.placeholders = {{"room", "1MiB"}};
    std::filesystem::create_directory(settings_.policy_directory);
    write_file(settings_.policy_directory + "/varnish.vcl", "vcl 4.1;");
    write_file(settings_.policy_directory + "/bundled.args", "--store\n{room}\n");
    cache_->start(settings_);
    EXPECT_THAT(file("arguments.txt"), testing::EndsWith("\n--store\n1MiB\n"));
    EXPECT_EQ(file("policy-arguments.txt"), "--store\n1MiB\n");
    EXPECT_THAT(complaint_of([&] { cache_->reload(settings_.policy_directory); }),
                HasSubstr("bundled.args is for the start of badorigin-cache; a running one cannot be told"));
}

TEST_F(bundled_test, a_long_working_directory_gets_a_short_socket) {
    settings_.working_directory += "/" + std::string(120, 'x');
    cache_->start(settings_);
    EXPECT_EQ(cache_->sync().unacknowledged, 7U);
    EXPECT_EQ(cache_->stop(), "");
}

TEST_F(bundled_test, its_refusal_is_told_and_no_crash) {
    cache_->start(settings_);
    EXPECT_THAT(complaint_of([&] { cache_->ban("nonsense"); }), HasSubstr("no field nonsense"));
    EXPECT_EQ(cache_->crashed(), "");
    cache_->ban("req.url ~ /");
}

TEST_F(bundled_test, its_crash_in_the_middle_is_told) {
    cache_->start(settings_);
    EXPECT_THAT(complaint_of([&] { cache_->ban("abort"); }), HasSubstr("badorigin-cache ended by itself: signal 6 (Aborted)"));
    EXPECT_EQ(cache_->crashed(), "badorigin-cache ended by itself: signal 6 (Aborted)");
    EXPECT_EQ(cache_->measure().exit, "signal 6 (Aborted)");
    EXPECT_EQ(cache_->stop(), "");
    EXPECT_EQ(cache_->crashed(), "badorigin-cache ended by itself: signal 6 (Aborted)");
}

TEST_F(bundled_test, its_end_while_starting_is_told_with_its_words) {
    settings_.planted_bugs = {"no_such_bug"};
    const auto complaint = complaint_of([&] { cache_->start(settings_); });
    EXPECT_THAT(complaint, HasSubstr("badorigin-cache ended while starting (exit 2)"));
    EXPECT_THAT(complaint, HasSubstr("there is no bug no_such_bug"));
    EXPECT_EQ(cache_->crashed(), "");
}

TEST_F(bundled_test, real_time_has_no_clock_to_set) {
    settings_.virtual_time = false;
    cache_->start(settings_);
    EXPECT_THAT(file("arguments.txt"), HasSubstr("--clock\nreal\n"));
    EXPECT_THAT(complaint_of([&] { cache_->advance(seconds(1)); }), HasSubstr("virtual time only"));
}

TEST(make_driver, an_unknown_kind_is_answered_with_the_known_and_the_nearest) {
    const auto complaint = complaint_of([] { make_driver("varnsh", "."); });
    EXPECT_THAT(complaint,
                HasSubstr("bundled, varnish, varnish:/path/to/varnishd, nginx, nginx:/path/to/nginx, cmd:COMMAND LINE and at:HOST:PORT"));
    EXPECT_THAT(complaint, HasSubstr("Did you mean \"varnish\"?"));
    EXPECT_THAT(complaint_of([] { make_driver("", "."); }), HasSubstr("there are bundled"));
    EXPECT_EQ(make_driver("varnish:/opt/varnishd", ".")->name(), "varnish");
}

}  // namespace
}  // namespace badorigin::drivers
