#include <cerrno>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/recorder.h"

namespace badorigin::capture {

marker_sender::marker_sender(std::string nonce) : nonce_(std::move(nonce)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

marker_sender::~marker_sender() {
    if (socket_ >= 0) ::close(socket_);
}

// The socket stays unconnected: a connected one would be told by ICMP that nobody listens, and refuse the next marker.
std::uint32_t marker_sender::send(marker m) {
    m.number = next_++;
    m.nonce = nonce_;
    if (m.kind == marker::kind::stop) m.total = next_;
    const std::string payload = m.payload();
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(marker_port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // A marker that cannot be sent is a gap in the numbers: the evidence is incomplete, which is the truth.
    while (::sendto(socket_, payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 && errno == EINTR) {}
    return m.number;
}

}  // namespace badorigin::capture
