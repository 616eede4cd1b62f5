#include "tests/unit/drivers/support.h"

#include <filesystem>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace badorigin::drivers {
namespace {

sockaddr_in parse(const std::string& text) {
    const auto colon = text.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
    ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr);
    return address;
}

descriptor bound() {
    descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = parse("127.0.0.1:0");
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) throw std::runtime_error("no port to be had");
    return socket;
}

std::string address_of(const descriptor& socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size);
    return fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
}

}  // namespace

std::string free_address() {
    return address_of(bound());
}

descriptor connect_to(const std::string& address) {
    descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{5, 0};
    ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto to = parse(address);
    if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        throw std::runtime_error("cannot connect to " + address);
    return socket;
}

std::string converse(const std::string& address, const std::string& text, const std::string& answer_end) {
    const auto socket = connect_to(address);
    ::send(socket.number(), text.data(), text.size(), MSG_NOSIGNAL);
    std::string answer;
    char piece[2048];
    while (answer.find(answer_end) == std::string::npos || answer_end.empty()) {
        const auto size = ::recv(socket.number(), piece, sizeof piece, 0);
        if (size <= 0) break;
        answer.append(piece, static_cast<std::size_t>(size));
    }
    return answer;
}

bool exists(const std::string& path) {
    return std::filesystem::exists(path);
}

small_origin::small_origin() : listener_(bound()) {
    address_ = address_of(listener_);
    ::listen(listener_.number(), 64);
    thread_ = std::thread([this] { serve(); });
}

small_origin::~small_origin() {
    ::shutdown(listener_.number(), SHUT_RDWR);
    thread_.join();
}

void small_origin::serve() {
    for (;;) {
        const descriptor client(::accept(listener_.number(), nullptr, nullptr));
        if (!client) return;
        const timeval patience{5, 0};
        ::setsockopt(client.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        std::string request;
        char piece[2048];
        while (request.find("\r\n\r\n") == std::string::npos) {
            const auto size = ::recv(client.number(), piece, sizeof piece, 0);
            if (size <= 0) break;
            request.append(piece, static_cast<std::size_t>(size));
        }
        const auto body = fmt::format("answer {}\n", ++requests_);
        const auto answer = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", body.size(), body);
        ::send(client.number(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
}

}  // namespace badorigin::drivers
