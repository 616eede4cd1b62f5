#include "proxy-under-test/drivers/listening.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "proxy-under-test/drivers/process.h"

namespace badorigin::drivers {
namespace {

struct endpoint {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::string port;
};

endpoint parse(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon + 1 == text.size())
        throw set_up_error(fmt::format("\"{}\" is no address: HOST:PORT is expected, such as 127.0.0.1:8080", text));
    auto host = text.substr(0, colon);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    endpoint found;
    found.port = text.substr(colon + 1);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), found.port.c_str(), &hints, &list); error != 0)
        throw set_up_error(fmt::format("\"{}\" is no address: {}", text, ::gai_strerror(error)));
    std::memcpy(&found.address, list->ai_addr, list->ai_addrlen);
    found.size = list->ai_addrlen;
    ::freeaddrinfo(list);
    return found;
}

/// As /proc/net/tcp writes it: words of the address in the machine's byte order, in hexadecimal digits.
std::string as_in_proc(const endpoint& where) {
    if (where.address.ss_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, &where.address, sizeof v4);
        return fmt::format("{:08X}:{:04X}", v4.sin_addr.s_addr, ntohs(v4.sin_port));
    }
    sockaddr_in6 v6;
    std::memcpy(&v6, &where.address, sizeof v6);
    std::uint32_t words[4];
    std::memcpy(words, &v6.sin6_addr, sizeof words);
    return fmt::format("{:08X}{:08X}{:08X}{:08X}:{:04X}", words[0], words[1], words[2], words[3], ntohs(v6.sin6_port));
}

}  // namespace

bool is_listening(const std::string& address) {
    const auto wanted = as_in_proc(parse(address));
    const auto port = wanted.substr(wanted.rfind(':'));
    for (const char* name : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
        std::ifstream file(name);
        std::string number, local, remote, state, rest;
        std::getline(file, rest);
        while (file >> number >> local >> remote >> state && std::getline(file, rest)) {
            if (state != "0A" || !local.ends_with(port)) continue;
            const auto host = local.substr(0, local.size() - port.size());
            if (local == wanted || host.find_first_not_of('0') == std::string::npos) return true;
        }
    }
    return false;
}

void require_ours(const std::string& address) {
    auto where = parse(address);
    if (where.address.ss_family == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(&where.address)->sin6_port = 0;
    } else {
        reinterpret_cast<sockaddr_in*>(&where.address)->sin_port = 0;
    }
    const descriptor socket(::socket(where.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&where.address), where.size) == 0) return;
    throw set_up_error(fmt::format("{} is no address of this machine: packets are captured on its loopback only", address));
}

void require_free(const std::string& address) {
    const auto where = parse(address);
    const descriptor socket(::socket(where.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int yes = 1;  // connections of an earlier run that wait for their end do not take the port
    ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&where.address), where.size) == 0) return;
    if (errno == EADDRINUSE)
        throw set_up_error(fmt::format("port {} is taken by another process (the proxy is to listen at {})", where.port, address));
    throw set_up_error(fmt::format("the proxy cannot listen at {}: {}", address, std::generic_category().message(errno)));
}

}  // namespace badorigin::drivers
