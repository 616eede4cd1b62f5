#include <csignal>
#include <filesystem>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy-under-test/drivers/process.h"
#include "proxy-under-test/drivers/vitals.h"
#include "tests/unit/drivers/support.h"

extern char** environ;

namespace badorigin::drivers {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

process_settings program(std::vector<std::string> words) {
    process_settings what;
    what.arguments = {TEST_PROGRAM};
    what.arguments.insert(what.arguments.end(), words.begin(), words.end());
    return what;
}

bool ends(const descriptor& pidfd, milliseconds patience) {
    return poll_until(pidfd.number(), -1, POLLIN, in(patience));
}

descriptor watch(pid_t pid) {
    return descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

/// Both ways of supervision: with a PID namespace where the machine allows it, and without.
class process_test : public testing::TestWithParam<bool> {
protected:
    process_settings program_here(std::vector<std::string> words) const {
        auto what = program(std::move(words));
        what.contain = GetParam();
        return what;
    }
};
INSTANTIATE_TEST_SUITE_P(kinds, process_test, testing::Bool(), [](const auto& one) { return one.param ? "contained" : "plain"; });

TEST_P(process_test, the_exit_status_is_told) {
    process child(program_here({"exit", "7"}));
    ASSERT_TRUE(child.wait_until(in(milliseconds(5'000))));
    EXPECT_EQ(child.ending(), "exit 7");
    EXPECT_FALSE(child.running());
}

TEST_P(process_test, the_signal_that_ended_it_is_told) {
    process child(program_here({"wait"}));
    EXPECT_TRUE(child.running());
    EXPECT_EQ(child.ending(), "");
    child.signal(SIGQUIT);  // sanitizers catch SIGSEGV and the like
    ASSERT_TRUE(child.wait_until(in(milliseconds(5'000))));
    EXPECT_EQ(child.ending(), "signal 3 (Quit)");
}

TEST_P(process_test, output_goes_to_the_file_and_its_end_is_quoted) {
    const private_folder folder;
    auto what = program_here({"exit", "0", "one", "two", "three"});
    what.output_file = folder.path() + "/output.txt";
    process child(what);
    ASSERT_TRUE(child.wait_until(in(milliseconds(5'000))));
    EXPECT_EQ(child.last_words(2), "two\nthree");
    EXPECT_EQ(child.last_words(3), "one\ntwo\nthree");
    std::size_t offset = 4;
    EXPECT_EQ(child.output_since(offset), "two\nthree\n");
    EXPECT_EQ(child.output_since(offset), "");
}

TEST_P(process_test, environment_directory_and_channel_are_handed_over) {
    const private_folder folder;
    process_settings what;
    what.arguments = {"sh", "-c",
                      "read word; echo \"$word $GREETING $PWD\"; ls /proc/self/fd | wc -l; cat /proc/self/status | grep SigBlk"};
    what.environment = {{"GREETING", "hello"}};
    what.directory = folder.path();
    what.channel = true;
    what.contain = GetParam();
    const descriptor inherited(::open("/dev/null", O_RDONLY));  // not close-on-exec: must not be seen
    process child(what);
    ASSERT_EQ(::write(child.channel(), "well\n", 5), 5);
    ASSERT_TRUE(child.wait_until(in(milliseconds(5'000))));
    char text[512];
    const auto size = ::read(child.channel(), text, sizeof text);
    ASSERT_GT(size, 0);
    EXPECT_EQ(std::string(text, static_cast<std::size_t>(size)), "well hello " + folder.path() + "\n4\nSigBlk:\t0000000000000000\n");
}

TEST_P(process_test, a_program_outlives_the_thread_that_started_it) {
    std::unique_ptr<process> child;
    std::thread([&] { child = std::make_unique<process>(program_here({"wait"})); }).join();
    EXPECT_FALSE(child->wait_until(in(milliseconds(100))));
    EXPECT_TRUE(child->running());
}

TEST_P(process_test, stop_takes_the_whole_tree_along) {
    auto what = program_here({"tree"});
    what.channel = true;
    process child(what);
    ASSERT_TRUE(poll_until(child.channel(), -1, POLLIN, in(milliseconds(5'000))));
    const auto pids = descendants(child.supervisor());
    ASSERT_EQ(pids.size(), 3U);
    std::vector<descriptor> watched;
    for (const pid_t pid : pids) watched.push_back(watch(pid));
    EXPECT_FALSE(child.stop(in(milliseconds(5'000))));
    for (const auto& one : watched) EXPECT_TRUE(ends(one, milliseconds(2'000)));
}

TEST_P(process_test, nothing_is_left_when_the_harness_is_killed) {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    const descriptor reader(pipe[0]);
    descriptor writer(pipe[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, writer.number(), 1);
    std::string self = TEST_PROGRAM, what = "harness", how = GetParam() ? "contained" : "plain";
    char* arguments[] = {self.data(), what.data(), how.data(), nullptr};
    pid_t harness = -1;
    ASSERT_EQ(::posix_spawn(&harness, self.c_str(), &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    writer.close();
    std::string text;
    char piece[256];
    while (text.find('\n') == std::string::npos && poll_until(reader.number(), -1, POLLIN, in(milliseconds(10'000)))) {
        const auto size = ::read(reader.number(), piece, sizeof piece);
        if (size <= 0) break;
        text.append(piece, static_cast<std::size_t>(size));
    }
    std::vector<descriptor> watched;
    std::istringstream pids(text);
    for (pid_t pid = 0; pids >> pid;) {
        watched.push_back(watch(pid));
        EXPECT_TRUE(watched.back()) << pid;
        EXPECT_FALSE(ends(watched.back(), milliseconds(0))) << pid;
    }
    EXPECT_EQ(watched.size(), 4U) << text;  // the program, its child, the daemon, the supervisor
    ASSERT_EQ(::kill(harness, SIGKILL), 0);
    ::waitpid(harness, nullptr, 0);
    for (const auto& one : watched) EXPECT_TRUE(ends(one, milliseconds(5'000)));
}

TEST_P(process_test, a_program_that_ignores_sigterm_is_killed_at_the_deadline) {
    auto what = program_here({});
    what.arguments = {"sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 60; done"};
    what.channel = true;
    process child(what);
    ASSERT_TRUE(poll_until(child.channel(), -1, POLLIN, in(milliseconds(5'000))));
    EXPECT_TRUE(child.stop(in(milliseconds(100))));
    EXPECT_EQ(child.ending(), "signal 9 (Killed)");
}

TEST_P(process_test, vitals_are_those_of_the_tree) {
    process child(program_here({"burn", "150"}));
    vitals now;
    for (const auto patience = in(milliseconds(20'000)); now.cpu < milliseconds(150) && std::chrono::steady_clock::now() < patience;)
        now = child.measure();
    EXPECT_GE(now.cpu, milliseconds(150));
    EXPECT_LT(now.cpu, milliseconds(2'000));
    EXPECT_EQ(now.processes, 1U);
    EXPECT_EQ(now.descriptors, 3U);
    EXPECT_GT(now.resident_bytes, 100'000U);
    EXPECT_TRUE(now.alive);
    child.kill();
    const auto after = child.measure();
    EXPECT_FALSE(after.alive);
    EXPECT_EQ(after.exit, "signal 9 (Killed)");
    EXPECT_GE(after.cpu, now.cpu);
    EXPECT_EQ(after.processes, 0U);
}

TEST_P(process_test, programs_that_end_while_they_are_measured_are_no_error) {
    auto what = program_here({});
    what.arguments = {"sh", "-c", "while :; do : & : & : & wait; done"};
    process child(what);
    for (int i = 0; i < 3'000; ++i) ASSERT_TRUE(child.measure().alive);
}

/// Everything on one core, for as long as this lives.
class one_core {
public:
    one_core() {
        ::sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core)
            if (CPU_ISSET(core, &before_)) CPU_SET(core, &one);
        ::sched_setaffinity(0, sizeof one, &one);
    }
    ~one_core() { ::sched_setaffinity(0, sizeof before_, &before_); }

private:
    cpu_set_t before_;
};

TEST_P(process_test, two_that_share_a_core_wait_for_each_other) {
    const one_core shared;
    process first(program_here({"burn", "10000"})), second(program_here({"burn", "10000"}));
    for (process* one : {&first, &second}) {
        vitals now;
        for (const auto patience = in(milliseconds(20'000)); now.starved < milliseconds(50) && std::chrono::steady_clock::now() < patience;)
            now = one->measure();
        EXPECT_GE(now.starved, milliseconds(50));
    }
}

TEST_P(process_test, a_favoured_program_goes_before_others_where_that_is_permitted) {
    process child(program_here({"wait"}));
    child.favour();
    const auto found = descendants(::getpid());
    ASSERT_GE(found.size(), 2U);
    const int before = ::getpriority(PRIO_PROCESS, 0), now = ::getpriority(PRIO_PROCESS, static_cast<id_t>(found.back()));
    const bool permitted = ::setpriority(PRIO_PROCESS, 0, before - 10) == 0;
    ::setpriority(PRIO_PROCESS, 0, before);
    EXPECT_EQ(now, permitted ? std::max(before - 10, -20) : before);
}

TEST(process, beside_another_sees_its_pids) {
    process first(program({"wait"}));
    if (!first.contained()) GTEST_SKIP() << "no right to make PID namespaces here";
    process_settings what;
    what.arguments = {"sh", "-c", "echo $$; kill -0 2 && echo there"};  // 2 is the program beneath pid 1
    what.channel = true;
    what.beside = &first;
    process second(what);
    ASSERT_TRUE(second.wait_until(in(milliseconds(5'000))));
    char text[128];
    const auto size = ::read(second.channel(), text, sizeof text);
    ASSERT_GT(size, 0);
    EXPECT_EQ(std::string(text, static_cast<std::size_t>(size)), "3\nthere\n");
    EXPECT_TRUE(first.running());
}

TEST(process, a_missing_program_or_folder_is_told) {
    process_settings what;
    what.arguments = {"no-such-program-here"};
    EXPECT_THAT(complaint_of([&] { process child(what); }),
                HasSubstr("no-such-program-here cannot be executed: No such file or directory"));
    what = program({"wait"});
    what.directory = "/no/such/folder";
    EXPECT_THAT(complaint_of([&] { process child(what); }),
                HasSubstr("cannot enter the folder /no/such/folder: No such file or directory"));
    const private_folder folder;
    write_file(folder.path() + "/garbage",
               "\x7f"
               "ELF no program");
    std::filesystem::permissions(folder.path() + "/garbage", std::filesystem::perms::owner_all);
    what = {};
    what.arguments = {folder.path() + "/garbage"};
    EXPECT_THAT(complaint_of([&] { process child(what); }), EndsWith("garbage cannot be executed: Exec format error"));
}

TEST(process, many_at_once_from_many_threads_are_all_reaped) {
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&right, t] {
            for (int i = 0; i < 5; ++i) {
                const auto code = std::to_string(10 * t + i);
                process child(program({"exit", code}));
                if (child.wait_until(in(milliseconds(10'000))) && child.ending() == "exit " + code) ++right;
            }
        });
    for (auto& one : threads) one.join();
    EXPECT_EQ(right, 20);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace badorigin::drivers
