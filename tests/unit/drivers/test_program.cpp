// A program for the driver tests, which does what its first word says:
//   serve HOST:PORT [ignore-term]   listens; a connection's first byte is echoed, an 'a' aborts
//   exit N WORDS…                   says the words on standard error and ends
//   tree                            starts a child, a grandchild and a daemon of its own session, then waits
//   harness contained|plain         starts `tree` by the drivers, prints its pids and waits to be killed
//   wait                            waits for a signal
//   burn MILLISECONDS               uses CPU time, then waits
// As badorigin-cache it answers on the control socket with made-up numbers that the tests know.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy-under-test/drivers/process.h"
#include "proxy-under-test/drivers/vitals.h"

namespace {

using namespace badorigin::drivers;

int listen_at(const std::string& text) {
    const auto colon = text.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
    ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr);
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(socket, 16) != 0) {
        std::perror("listen");
        std::exit(3);
    }
    return socket;
}

[[noreturn]] void wait_for_ever() {
    for (;;) ::pause();
}

[[noreturn]] void serve(const std::string& address, bool ignore_term) {
    if (ignore_term) std::signal(SIGTERM, SIG_IGN);
    const int listener = listen_at(address);
    std::fprintf(stderr, "listening at %s\n", address.c_str());
    for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        char byte = 0;
        if (::read(client, &byte, 1) == 1 && byte == 'a') {
            std::fprintf(stderr, "about to abort\n");
            std::abort();
        }
        if (::write(client, &byte, 1) != 1) std::fprintf(stderr, "the client has gone\n");
        ::close(client);
    }
}

/// Says "settled" when only itself, its child and the daemon are left.
[[noreturn]] void tree() {
    int pipe[2];
    if (::pipe(pipe) != 0) std::exit(3);
    if (::fork() == 0) {
        const pid_t between = ::fork();
        if (between == 0) {
            ::setsid();
            if (::fork() != 0) ::_exit(0);
            wait_for_ever();
        }
        ::waitpid(between, nullptr, 0);
        if (::write(pipe[1], "x", 1) != 1) ::_exit(3);
        wait_for_ever();
    }
    char byte;
    if (::read(pipe[0], &byte, 1) == 1) std::puts("settled");
    std::fflush(stdout);
    wait_for_ever();
}

[[noreturn]] void harness(const std::string& self, bool contain) {
    process_settings what;
    what.arguments = {self, "tree"};
    what.contain = contain;
    what.channel = true;
    const process child(what);
    if (!poll_until(child.channel(), -1, POLLIN, std::chrono::steady_clock::now() + std::chrono::seconds(10))) std::exit(3);
    for (const pid_t pid : descendants(child.supervisor())) std::printf("%d ", pid);
    std::printf("%d\n", child.supervisor());
    std::fflush(stdout);
    wait_for_ever();
}

int play_the_cache(int count, char** words) {
    std::string listen, control, now = "0", policy;
    std::ofstream given("arguments.txt");
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        given << word << "\n";
        if (word == "--version") return std::puts("badorigin-cache 9.9.9") < 0 ? 1 : 0;
        if (word == "--plant" && std::strcmp(words[i + 1], "no_such_bug") == 0) {
            std::fprintf(stderr, "there is no bug no_such_bug\n");
            return 2;
        }
        if (word == "--listen") listen = words[i + 1];
        if (word == "--control") control = words[i + 1];
        if (word == "--now-ns") now = words[i + 1];
    }
    given.close();
    const int listener = listen_at(listen), door = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, control.c_str(), sizeof address.sun_path - 1);
    if (::bind(door, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(door, 1) != 0) return 2;
    std::printf("ready %s\n", listen.c_str());
    std::fflush(stdout);
    const int client = ::accept(door, nullptr, nullptr);
    FILE* in = ::fdopen(client, "r");
    char line[4096];
    long long time = std::stoll(now);
    for (std::uint64_t activity = 1; std::fgets(line, sizeof line, in) != nullptr; ++activity) {
        const auto request = nlohmann::json::parse(line);
        nlohmann::json answer{{"ok", true}};
        const std::string act = request["do"];
        if (act == "advance") time = request["to_ns"];
        if (act == "sync" || act == "advance")
            answer.update({{"activity", activity}, {"unacked", 7}, {"now_ns", time}, {"next_timer_ns", time + 1'000'000'000}});
        if (act == "sync" && time == std::stoll(now)) answer["next_timer_ns"] = nullptr;
        if (act == "ban" && request["expression"] == "nonsense") answer = {{"ok", false}, {"error", "no field nonsense"}};
        if (act == "ban" && request["expression"] == "abort") std::abort();
        const auto text = answer.dump() + "\n";
        if (::write(client, text.data(), text.size()) < 0) return 1;
    }
    ::close(listener);
    return 0;
}

}  // namespace

int main(int count, char** words) {
    const std::string self = words[0];
    if (self.ends_with("badorigin-cache")) return play_the_cache(count, words);
    const std::string what = count > 1 ? words[1] : "";
    if (what == "serve") serve(words[2], count > 3);
    if (what == "tree") tree();
    if (what == "harness") harness(self, std::strcmp(words[2], "contained") == 0);
    if (what == "wait") wait_for_ever();
    if (what == "burn") {
        while (std::clock() < std::atol(words[2]) * (CLOCKS_PER_SEC / 1000)) {}
        wait_for_ever();
    }
    if (what == "exit") {
        for (int i = 3; i < count; ++i) std::fprintf(stderr, "%s\n", words[i]);
        return std::atoi(words[2]);
    }
    return 99;
}
