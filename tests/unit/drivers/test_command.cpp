#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/drivers/support.h"

namespace badorigin::drivers {
namespace {

using testing::HasSubstr;

class command_test : public testing::Test {
protected:
    command_test() {
        settings_.listen = free_address();
        settings_.working_directory = folder_.path() + "/proxy";
        settings_.start_deadline = milliseconds(10'000);
    }
    std::string complaint_of_start(const std::string& line) {
        return complaint_of([&] { make_driver("cmd:" + line, ".")->start(settings_); });
    }

    private_folder folder_;
    proxy_settings settings_;
    const std::string program_ = TEST_PROGRAM;
};

TEST_F(command_test, it_is_started_measured_and_stopped) {
    const auto proxy = make_driver("cmd:" + program_ + " serve {listen}", ".");
    proxy->start(settings_);
    EXPECT_EQ(proxy->address(), settings_.listen);
    EXPECT_EQ(converse(proxy->address(), "x", "x"), "x");
    EXPECT_EQ(proxy->crashed(), "");
    EXPECT_GT(proxy->measure().resident_bytes, 0U);
    EXPECT_THAT(proxy->last_words(), HasSubstr("listening at"));
    EXPECT_EQ(proxy->stop(), "");
    EXPECT_FALSE(proxy->measure().alive);
    EXPECT_THAT(proxy->last_words(), HasSubstr("listening at"));
    EXPECT_EQ(proxy->crashed(), "");
    EXPECT_FALSE(proxy->can(capability::ban));
    EXPECT_THAT(complaint_of([&] { proxy->ban("req.url ~ /"); }), HasSubstr("the driver \"cmd\" cannot ban"));
}

TEST_F(command_test, the_configuration_is_filled_and_named) {
    settings_.policy_directory = folder_.path();
    settings_.origins = {{"app", "127.0.0.1:9001"}};
    write_file(folder_.path() + "/proxy.conf", "origin {origin:app}");
    const auto proxy = make_driver("cmd:sh -c 'cat {config}; exec " + program_ + " serve {listen.host}:{listen.port}'", ".");
    proxy->start(settings_);
    EXPECT_THAT(proxy->last_words(), HasSubstr("origin 127.0.0.1:9001"));
    settings_.policy_directory.clear();
    EXPECT_THAT(complaint_of([&] { proxy->start(settings_); }), HasSubstr("names {config}, but the scenario has no policy"));
}

TEST_F(command_test, each_known_proxy_has_its_configuration_file) {
    EXPECT_EQ(make_driver("cmd:/usr/sbin/nginx -c {config}", ".")->policy_file(), "nginx.conf");
    EXPECT_EQ(make_driver("cmd:haproxy -f {config}", ".")->policy_file(), "haproxy.cfg");
    EXPECT_EQ(make_driver("cmd:squid -f {config}", ".")->policy_file(), "squid.conf");
    EXPECT_EQ(make_driver("cmd:./mine", ".")->policy_file(), "proxy.conf");
}

TEST_F(command_test, a_missing_program_is_told_with_its_package) {
    EXPECT_THAT(complaint_of_start("/no/such/place/haproxy -f x"),
                HasSubstr("/no/such/place/haproxy is not installed here, or not executable: install Debian's package haproxy"));
    EXPECT_THAT(complaint_of_start("no-such-proxy"), HasSubstr("no-such-proxy is not installed here"));
    EXPECT_THAT(complaint_of_start(" "), HasSubstr("needs a command line"));
}

TEST_F(command_test, one_that_ends_at_once_is_told_with_its_words) {
    const auto complaint = complaint_of_start(program_ + " exit 4 'the configuration is wrong'");
    EXPECT_THAT(complaint, HasSubstr("ended (exit 4) before it listened at " + settings_.listen));
    EXPECT_THAT(complaint, HasSubstr("the configuration is wrong"));
}

TEST_F(command_test, one_that_never_listens_is_given_up_at_the_deadline) {
    settings_.start_deadline = milliseconds(100);
    EXPECT_THAT(complaint_of_start(program_ + " wait"),
                HasSubstr("did not listen at " + settings_.listen + " within 0.1 s (it said nothing)"));
}

TEST_F(command_test, a_taken_port_is_told_before_anything_is_started) {
    const small_origin other;
    settings_.listen = other.address();
    EXPECT_THAT(complaint_of_start(program_ + " serve {listen}"), HasSubstr("is taken by another process"));
    EXPECT_FALSE(exists(settings_.working_directory + "/output.txt"));
}

TEST_F(command_test, a_crash_in_the_middle_is_told) {
    const auto proxy = make_driver("cmd:" + program_ + " serve {listen}", ".");
    proxy->start(settings_);
    EXPECT_EQ(converse(proxy->address(), "a", ""), "");
    std::string crash;
    for (const auto patience = in(milliseconds(5'000)); crash.empty() && std::chrono::steady_clock::now() < patience;)
        crash = proxy->crashed();
    EXPECT_EQ(crash, "drivers_test_program ended by itself: signal 6 (Aborted)");
    EXPECT_THAT(proxy->last_words(), HasSubstr("about to abort"));
    EXPECT_EQ(proxy->stop(), "");
    EXPECT_EQ(proxy->crashed(), crash);
}

TEST_F(command_test, one_that_hangs_at_stop_is_killed_and_said_so) {
    settings_.stop_deadline = milliseconds(100);
    const auto proxy = make_driver("cmd:" + program_ + " serve {listen} ignore-term", ".");
    proxy->start(settings_);
    EXPECT_EQ(proxy->stop(), "drivers_test_program did not stop within 0.1 s and was killed");
    EXPECT_EQ(proxy->measure().exit, "signal 9 (Killed)");
    EXPECT_EQ(proxy->crashed(), "");
}

TEST_F(command_test, virtual_time_and_planted_bugs_are_not_for_it) {
    settings_.virtual_time = true;
    EXPECT_THAT(complaint_of_start(program_ + " serve {listen}"), HasSubstr("cannot run in virtual time"));
    settings_.virtual_time = false;
    settings_.planted_bugs = {"x"};
    EXPECT_THAT(complaint_of_start(program_ + " serve {listen}"), HasSubstr("cannot plant bugs"));
}

TEST(at, knows_an_address_and_nothing_else) {
    const auto proxy = make_driver("at:192.0.2.7:80", ".");
    proxy->start({});
    EXPECT_EQ(proxy->address(), "192.0.2.7:80");
    for (const auto what :
         {capability::virtual_time, capability::ban, capability::reload, capability::plant, capability::vitals, capability::log})
        EXPECT_FALSE(proxy->can(what));
    EXPECT_THAT(complaint_of([&] { proxy->reload("x"); }), HasSubstr("the driver \"at\" cannot reload"));
    EXPECT_THAT(complaint_of([] { make_driver("at:somewhere", "."); }), HasSubstr("at:HOST:PORT is expected"));
}

}  // namespace
}  // namespace badorigin::drivers
