#include "proxy-under-test/drivers/control_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace badorigin::drivers {

control_socket::control_socket(const std::string& folder, const std::string& name)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // A socket's path holds 107 bytes, a bundle's may be longer: so through a descriptor of the folder.
    const descriptor at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto path = fmt::format("/proc/thread-self/fd/{}/{}", at.number(), name);
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    if (::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw control_lost(
            fmt::format("the control socket {}/{} cannot be reached: {}", folder, name, std::generic_category().message(errno)));
}

void control_socket::send(const std::string& line, deadline when) {
    for (std::size_t sent = 0; sent < line.size();) {
        const auto size = ::send(socket_.number(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
        if (size > 0) {
            sent += static_cast<std::size_t>(size);
        } else if (errno != EAGAIN && errno != EINTR) {
            throw control_lost("the bundled cache closed its control socket");
        } else if (!poll_until(socket_.number(), -1, POLLOUT, when)) {
            throw control_lost("the bundled cache does not read its control socket");
        }
    }
}

std::string control_socket::receive_line(deadline when) {
    for (;;) {
        if (const auto end = received_.find('\n'); end != std::string::npos) {
            auto line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        char piece[4096];
        const auto size = ::recv(socket_.number(), piece, sizeof piece, 0);
        if (size > 0) {
            received_.append(piece, static_cast<std::size_t>(size));
        } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
            throw control_lost("the bundled cache closed its control socket");
        } else if (!poll_until(socket_.number(), -1, POLLIN, when)) {
            throw control_lost("the bundled cache did not answer on its control socket in time");
        }
    }
}

nlohmann::json control_socket::ask(const nlohmann::json& request, deadline when) {
    const auto line = request.dump();
    send(line + "\n", when);
    const auto text = receive_line(when);
    auto answer = nlohmann::json::parse(text, nullptr, false);
    if (!answer.is_object() || !answer.contains("ok")) throw set_up_error(fmt::format("the bundled cache answered {} with {}", line, text));
    if (answer["ok"] != true) throw set_up_error(fmt::format("the bundled cache refused {}: {}", line, answer.value("error", text)));
    return answer;
}

}  // namespace badorigin::drivers
