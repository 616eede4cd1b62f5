// Live captures in namespaces of the tests' own.
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/evidence.h"
#include "capture/evidence_writer.h"
#include "capture/recorder.h"
#include "conversation.h"

namespace badorigin::capture::testing {
namespace {

using namespace std::chrono_literals;

struct listening {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    listening() {
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
        ::listen(fd, 64);
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    }
    ~listening() { ::close(fd); }
    endpoint where() const { return ends("127.0.0.1:" + std::to_string(ntohs(at.sin_port))); }
};

std::string receive(int fd, std::size_t count) {
    std::string all(count, '\0');
    std::size_t have = 0;
    while (have < count) {
        const ssize_t got = ::recv(fd, all.data() + have, count - have, 0);
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    all.resize(have);
    return all;
}
void send_all(int fd, std::string_view what) {
    while (!what.empty()) {
        const ssize_t sent = ::send(fd, what.data(), what.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        what.remove_prefix(static_cast<std::size_t>(sent));
    }
}

class live : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "badorigin-live-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    /// On a thread whose network is its own.
    static void in_a_fresh_network(const std::function<void()>& what) {
        std::string failed;
        std::thread([&] {
            if (const auto entered = enter_fresh_network_namespace(); !entered)
                failed = entered.error();
            else
                what();
        }).join();
        ASSERT_EQ(failed, "") << "live captures need the right to make a network namespace (run as root)";
    }
    std::string folder;
};

TEST_F(live, a_session_is_captured_whole_between_its_markers) {
    in_a_fresh_network([&] {
        auto recording = recorder::start({.file = folder + "/packets.pcapng", .filter = "", .nonce = "n1"});
        ASSERT_TRUE(recording) << recording.error().message;
        marker_sender markers("n1");
        marker begin;
        begin.kind = marker::kind::start;
        ASSERT_TRUE((*recording)->wait_for_marker(markers.send(begin), 5s));

        constexpr int exchanges = 50;
        const std::string body(200'000, 'b'), request = get("/"), response = ok(body);
        listening server;
        std::vector<received> ours;
        std::thread serving([&] {
            const int c = ::accept(server.fd, nullptr, nullptr);
            for (int i = 0; i < exchanges; ++i) {
                receive(c, request.size());
                send_all(c, response);
            }
            receive(c, 1);
            ::close(c);
        });
        const int c = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT_EQ(::connect(c, reinterpret_cast<const sockaddr*>(&server.at), sizeof server.at), 0);
        sockaddr_in local{};
        socklen_t size = sizeof local;
        ::getsockname(c, reinterpret_cast<sockaddr*>(&local), &size);
        std::uint64_t bytes = 0;
        for (int i = 0; i < exchanges; ++i) {
            send_all(c, request);
            bytes += receive(c, response.size()).size();
        }
        ::shutdown(c, SHUT_WR);
        receive(c, 1);
        serving.join();
        ::close(c);
        ours.push_back({ends("127.0.0.1:" + std::to_string(ntohs(local.sin_port))), server.where(), bytes, true, false});

        marker end;
        end.kind = marker::kind::stop;
        const std::uint32_t last = markers.send(end);
        ASSERT_TRUE((*recording)->wait_for_marker(last, 5s));
        EXPECT_FALSE((*recording)->wait_for_marker(last + 1, 1ms));
        const recorder::result result = (*recording)->stop();
        EXPECT_EQ(result.error, "");
        EXPECT_EQ(result.kernel_drops, 0u);

        manifest about;
        about.kernel_drops = result.kernel_drops;
        about.roles = {{server.where().text(), "proxy"}};
        ASSERT_TRUE(write_manifest(folder, about));
        ASSERT_TRUE(write_received(folder, ours));
        const auto all = read_bundle(folder);
        ASSERT_TRUE(all) << all.error();
        EXPECT_EQ(all->incomplete, std::vector<std::string>());
        EXPECT_EQ(all->frames, result.frames);
        EXPECT_EQ(all->exchanges.size(), static_cast<std::size_t>(exchanges));
        for (const auto& e : all->exchanges) EXPECT_EQ(e->response->message.content_size, body.size());
        ASSERT_EQ(all->connections.size(), 1u);
        EXPECT_EQ(all->connections[0]->response_bytes, bytes);
        EXPECT_TRUE(all->connections[0]->client_fin && all->connections[0]->server_fin);
    });
}

TEST_F(live, a_filter_keeps_other_packets_out) {
    in_a_fresh_network([&] {
        auto recording = recorder::start({.file = folder + "/p", .filter = "udp port 9", .nonce = "mine"});
        ASSERT_TRUE(recording) << recording.error().message;
        marker_sender other("not mine"), mine("mine");
        other.send({});
        other.send({});
        ASSERT_TRUE((*recording)->wait_for_marker(mine.send({}), 5s));
        EXPECT_FALSE((*recording)->wait_for_marker(1, 1ms)) << "a marker of another run was taken for ours";
        EXPECT_EQ((*recording)->stop().frames, 3u);
        EXPECT_FALSE(recorder::start({.file = folder + "/q", .filter = "no such thing", .nonce = ""}));
    });
}

TEST_F(live, a_full_disk_is_told_and_does_not_stop_the_capture) {
    in_a_fresh_network([&] {
        auto recording = recorder::start({.file = "/dev/full", .filter = "", .nonce = "n"});
        ASSERT_TRUE(recording) << recording.error().message;
        marker_sender markers("n");
        ASSERT_TRUE((*recording)->wait_for_marker(markers.send({}), 5s));
        EXPECT_EQ((*recording)->stop().error, "/dev/full: No space left on device");
        EXPECT_EQ((*recording)->error(), "/dev/full: No space left on device");
    });
}

TEST_F(live, what_cannot_be_opened_is_a_sentence) {
    const auto none = recorder::start({.interface = "none0", .file = folder + "/p", .filter = "", .nonce = ""});
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error().message.starts_with("Capturing on none0 failed: ")) << none.error().message;
    EXPECT_FALSE(none.error().permission);
}

/// Runs in a child, since it changes the process for good.
int in_a_child(const std::function<int()>& what) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(what());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST_F(live, an_ordinary_user_gets_the_right_in_a_namespace_of_his_own) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "TSan has a thread of its own, and a process with threads gets no user namespace (unshare(2))";
#endif
    ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
    EXPECT_EQ(in_a_child([&] {
                  if (::geteuid() == 0 && (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0)) return 1;
                  ::prctl(PR_SET_DUMPABLE, 1);  // as after an exec: /proc/self is ours again
                  const auto uid = ::geteuid();
                  std::string why;
                  if (obtain_capture_right(why) != capture_right::namespace_of_our_own) {
                      std::fprintf(stderr, "%s\n", why.c_str());
                      return 2;
                  }
                  if (::geteuid() != uid) return 3;
                  auto recording = recorder::start({.file = folder + "/p", .filter = "", .nonce = "n"});
                  if (!recording) return 4;
                  marker_sender markers("n");
                  return (*recording)->wait_for_marker(markers.send({}), 5s) ? 0 : 5;
              }),
              0);
}

TEST_F(live, the_right_is_direct_where_it_is_given) {
    EXPECT_EQ(in_a_child([] {
                  std::string why;
                  const capture_right right = obtain_capture_right(why);
                  if (right == capture_right::none) std::fprintf(stderr, "%s\n", why.c_str());
                  return right == (::geteuid() == 0 ? capture_right::direct : capture_right::namespace_of_our_own) ? 0 : 1;
              }),
              0);
}

}  // namespace
}  // namespace badorigin::capture::testing
