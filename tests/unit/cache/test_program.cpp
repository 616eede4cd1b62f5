// The program as a user meets it: its command line, its log, its end, and the real clock.
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/cache/cache_process.h"

namespace badorigin::cache::testing {
namespace {

/// What a run says on both outputs, and its exit code.
std::pair<std::string, int> run(const std::string& arguments, const std::string& before = {}) {
    std::FILE* out = ::popen((before + BADORIGIN_BUILD_DIR "/badorigin-cache " + arguments + " 2>&1").c_str(), "r");
    std::string said;
    std::array<char, 4096> part{};
    while (const auto got = std::fread(part.data(), 1, part.size(), out)) said.append(part.data(), got);
    return {said, WEXITSTATUS(::pclose(out))};
}

TEST(program, explains_itself) {
    const auto [help, code] = run("--help");
    EXPECT_EQ(code, 0);
    EXPECT_NE(help.find("Examples:"), std::string::npos);
    EXPECT_EQ(run("--version").second, 0);
}

TEST(program, says_what_is_wrong_in_a_sentence_and_exits_with_2) {
    for (const auto& [arguments, sentence] : std::vector<std::pair<std::string, std::string>>{
             {"", "--vcl FILE"},
             {"--vcl /nonexistent.vcl --listen 127.0.0.1:0", "Cannot read the VCL file"},
             {"--vcl /dev/null --clock lunar", "lunar"},
             {"--frobnicate", "frobnicate"},
             {"--vcl /dev/null --most-connections 0", "--most-connections"},
         }) {
        const auto [said, code] = run(arguments);
        EXPECT_EQ(code, 2) << arguments;
        EXPECT_NE(said.find(sentence), std::string::npos) << said;
    }
}

TEST(program, as_many_clients_as_were_asked_for_need_as_many_descriptors) {
    const std::string vcl = ::testing::TempDir() + "/clients.vcl";
    std::ofstream(vcl) << "vcl 4.1; backend none none;";
    const auto [said, code] = run("--vcl " + vcl + " --listen 127.0.0.1:0 --most-connections 1000", "ulimit -n 500; ");
    EXPECT_EQ(code, 2);
    EXPECT_NE(said.find("--most-connections 1000 needs 2064 open files, and the system allows 500"), std::string::npos) << said;
}

TEST(program, ends_with_0_at_sigterm_at_quit_and_with_its_control_connection) {
    origin app;
    {
        cache_process cache(app);
        ::kill(cache.pid(), SIGTERM);
        EXPECT_EQ(cache.exit_code(), 0);
    }
    {
        cache_process cache(app);
        EXPECT_EQ(cache.ask({{"do", "quit"}})["ok"], true);
        EXPECT_EQ(cache.exit_code(), 0);
    }
    {
        cache_process cache(app);
        cache.hang_up();
        EXPECT_EQ(cache.exit_code(), 0);
    }
}

}  // namespace
}  // namespace badorigin::cache::testing
