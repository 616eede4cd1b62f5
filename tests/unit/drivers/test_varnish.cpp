// The real varnishd. It must be installed (packages varnish and varnish-modules): without it these tests fail, they are not skipped.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/drivers/support.h"

namespace badorigin::drivers {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto saint_policy = R"(vcl 4.1;
import saintmode;
import vtc;
backend app { .host = "{origin:app.host}"; .port = "{origin:app.port}"; }
sub vcl_init { new app_saint = saintmode.saintmode(app, 10); }
sub vcl_recv {
    set req.backend_hint = app_saint.backend();
    if (req.url == "/panic") { vtc.panic("on purpose"); }
}
sub vcl_backend_response { set beresp.ttl = {ttl}; }
sub vcl_deliver { set resp.http.policy = "{generation}"; }
)";

class varnish_test : public testing::Test {
protected:
    varnish_test() {
        settings_.listen = free_address();
        settings_.working_directory = folder_.path() + "/proxy";
        settings_.policy_directory = folder_.path() + "/policy";
        settings_.origins = {{"app", origin_.address()}};
        settings_.placeholders = {{"ttl", "60s"}, {"generation", "first"}};
        std::filesystem::create_directory(settings_.policy_directory);
        policy(saint_policy);
    }
    void policy(const std::string& text) { write_file(settings_.policy_directory + "/varnish.vcl", text); }
    std::string ask(const std::string& path) {
        return converse(varnish_->address(), "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "");
    }
    std::string file(const std::string& name) const { return read_file(settings_.working_directory + "/" + name); }
    bool has(const std::string& name) const { return exists(settings_.working_directory + "/" + name); }

    private_folder folder_;
    small_origin origin_;
    proxy_settings settings_;
    std::unique_ptr<driver> varnish_ = make_driver("varnish", ".");
};

TEST_F(varnish_test, it_serves_bans_is_measured_and_stops) {
    varnish_->start(settings_);
    EXPECT_THAT(varnish_->version(), StartsWith("varnish-"));
    EXPECT_THAT(ask("/a.b"), HasSubstr("answer 1\n"));
    EXPECT_THAT(ask("/a.b"), HasSubstr("answer 1\n"));
    EXPECT_EQ(origin_.requests(), 1);

    const auto now = varnish_->measure();
    EXPECT_EQ(now.processes, 2U);  // manager and worker; neither the supervisor nor varnishlog
    EXPECT_GT(now.descriptors, 10U);
    EXPECT_GT(now.resident_bytes, 1'000'000U);
    EXPECT_GT(now.cpu.count(), 0);

    varnish_->ban("req.url ~ \"^/a\\.c\"");
    EXPECT_THAT(ask("/a.b"), HasSubstr("answer 1\n"));
    varnish_->ban("req.url ~ \"^/a\\.b$\" && req.http.host == a");
    EXPECT_THAT(ask("/a.b"), HasSubstr("answer 2\n"));
    EXPECT_THAT(complaint_of([&] { varnish_->ban("nonsense ~ x"); }), HasSubstr("nonsense"));

    EXPECT_EQ(varnish_->crashed(), "");
    EXPECT_EQ(varnish_->stop(), "");
    EXPECT_EQ(varnish_->crashed(), "");
    EXPECT_FALSE(varnish_->measure().alive);
    EXPECT_GE(varnish_->measure().cpu, now.cpu);
    EXPECT_THAT(file("parameters.txt"), HasSubstr("shortlived"));
    EXPECT_THAT(file("varnish.vsl"), HasSubstr("/a.b"));
    EXPECT_FALSE(has("varnish"));
    EXPECT_FALSE(has("panic.txt"));
}

TEST_F(varnish_test, a_policy_is_reloaded_while_it_runs) {
    varnish_->start(settings_);
    EXPECT_THAT(ask("/"), HasSubstr("policy: first"));
    policy(
        "vcl 4.1; backend app { .host = \"{origin:app.host}\"; .port = \"{origin:app.port}\"; }\nsub vcl_deliver { set resp.http.policy = "
        "\"second\"; }");
    varnish_->reload(settings_.policy_directory);
    EXPECT_THAT(ask("/"), HasSubstr("policy: second"));
    EXPECT_EQ(origin_.requests(), 1);
    policy("vcl 4.1; backend app none; sub vcl_recv { set req.nonsense = 1; }");
    EXPECT_THAT(complaint_of([&] { varnish_->reload(settings_.policy_directory); }), HasSubstr("req.nonsense"));
    EXPECT_THAT(ask("/"), HasSubstr("policy: second"));
}

TEST_F(varnish_test, a_wrong_policy_is_told_in_the_compiler_s_words) {
    policy("vcl 4.1;\nbackend app none;\nsub vcl_recv { set req.nonsense = 1; }\n");
    const auto complaint = complaint_of([&] { varnish_->start(settings_); });
    EXPECT_THAT(complaint, HasSubstr("varnishd refuses the policy"));
    EXPECT_THAT(complaint, HasSubstr("Symbol not found: 'req.nonsense'"));
    policy("vcl 4.1; import nosuchthing; backend app none;");
    EXPECT_THAT(complaint_of([&] { varnish_->start(settings_); }), HasSubstr("varnish-modules"));
}

TEST_F(varnish_test, a_dead_worker_is_a_crash_although_the_next_one_serves) {
    varnish_->start(settings_);
    EXPECT_THAT(ask("/panic"), Not(HasSubstr("200 OK")));
    std::string crash;
    for (const auto patience = in(milliseconds(10'000)); crash.empty() && std::chrono::steady_clock::now() < patience;)
        crash = varnish_->crashed();
    EXPECT_THAT(crash, HasSubstr("varnishd's worker ended by itself: "));
    EXPECT_EQ(varnish_->stop(), "");
    EXPECT_EQ(varnish_->crashed(), crash);
    EXPECT_THAT(file("panic.txt"), HasSubstr("on purpose"));
}

TEST_F(varnish_test, a_long_working_directory_is_no_obstacle) {
    settings_.working_directory += "/" + std::string(150, 'x');
    varnish_->start(settings_);
    EXPECT_THAT(ask("/"), HasSubstr("answer 1\n"));
    EXPECT_EQ(varnish_->stop(), "");
    EXPECT_THAT(file("varnish.vsl"), HasSubstr("GET"));
}

TEST_F(varnish_test, it_starts_again_after_a_stop) {
    for (int round = 0; round < 2; ++round) {
        varnish_->start(settings_);
        EXPECT_THAT(ask("/"), HasSubstr("200 OK"));
        EXPECT_EQ(varnish_->stop(), "");
    }
    EXPECT_EQ(origin_.requests(), 2);
}

TEST_F(varnish_test, a_missing_varnishd_is_told_with_its_package) {
    varnish_ = make_driver("varnish:/no/such/varnishd", ".");
    EXPECT_THAT(complaint_of([&] { varnish_->start(settings_); }),
                HasSubstr("/no/such/varnishd is not installed here, or not executable: install Debian's package varnish"));
}

}  // namespace
}  // namespace badorigin::drivers
