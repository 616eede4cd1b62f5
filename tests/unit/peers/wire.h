// A plain socket for tests of the engine: non-blocking, driven together with the engine in one thread, every wait bounded.
#pragma once

#include <cerrno>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake-backends/engine.h"

namespace badorigin::peers::testing_wire {

/// Turns the engine until `done` holds; false after ten real seconds. The virtual clock is not moved.
inline bool turn_until(engine& e, const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
        e.poll();
        if (done()) return true;
        std::this_thread::yield();
    }
    return false;
}

class wire {
public:
    explicit wire(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) connect_error_ = errno;
    }
    ~wire() { close(); }
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;

    void close() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }
    void finish() { ::shutdown(socket_, SHUT_WR); }
    int connect_error() const { return connect_error_; }  ///< EINPROGRESS where the handshake did not end at once
    /// Bytes that the kernel took.
    std::size_t send(const std::string& bytes) {
        const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return n < 0 ? 0 : static_cast<std::size_t>(n);
    }
    void look() {
        char buffer[65536];
        for (;;) {
            const auto n = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
            if (n > 0) {
                got.append(buffer, static_cast<std::size_t>(n));
                continue;
            }
            if (n == 0) fin = true;
            if (n < 0 && errno == ECONNRESET) rst = true;
            return;
        }
    }
    bool until(engine& e, const std::function<bool()>& done) {
        return turn_until(e, [&] {
            look();
            return done();
        });
    }
    bool until_closed(engine& e) {
        return until(e, [&] { return fin || rst; });
    }
    bool until_got(engine& e, const std::string& text) {
        return until(e, [&] { return got.find(text) != got.npos; });
    }

    std::string got;
    bool fin = false, rst = false;

private:
    int socket_;
    int connect_error_ = 0;
};

}  // namespace badorigin::peers::testing_wire
