// The right to capture is had directly (root, CAP_NET_RAW), or made: any user may create a user namespace and in it a network namespace,
// whose loopback is his own. User and group ids are mapped onto themselves, so that proxies start there as they do outside.
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/recorder.h"

namespace badorigin::capture {
namespace {

std::string errno_text(const std::string& what) {
    return what + ": " + std::strerror(errno);
}

std::expected<void, std::string> loopback_up() {
    const int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0) return std::unexpected(errno_text("socket"));
    ifreq lo{};
    std::strcpy(lo.ifr_name, "lo");
    std::expected<void, std::string> done;
    if (::ioctl(s, SIOCGIFFLAGS, &lo) != 0) {
        done = std::unexpected(errno_text("reading the flags of lo"));
    } else {
        lo.ifr_flags = static_cast<short>(lo.ifr_flags | IFF_UP);
        if (::ioctl(s, SIOCSIFFLAGS, &lo) != 0) done = std::unexpected(errno_text("bringing lo up"));
    }
    ::close(s);
    return done;
}

/// Empty when a capture on lo can be opened here, else the reason.
std::string try_capture() {
    char reason[PCAP_ERRBUF_SIZE] = "";
    pcap_t* p = pcap_create("lo", reason);
    if (!p) return reason;
    const int status = pcap_activate(p);
    std::string why;
    if (status < 0) why = std::string(pcap_statustostr(status)) + " (" + pcap_geterr(p) + ")";
    pcap_close(p);
    return why;
}

bool write_to(const char* file, const std::string& text) {
    const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int error = errno;
    ::close(fd);
    errno = error;
    return whole;
}

std::expected<void, std::string> enter_user_namespace() {
    const std::string user = std::to_string(::geteuid()), group = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return std::unexpected(errno_text("unshare(CLONE_NEWUSER | CLONE_NEWNET)"));
    if (!write_to("/proc/self/setgroups", "deny")) return std::unexpected(errno_text("/proc/self/setgroups"));
    if (!write_to("/proc/self/uid_map", user + ' ' + user + " 1")) return std::unexpected(errno_text("/proc/self/uid_map"));
    if (!write_to("/proc/self/gid_map", group + ' ' + group + " 1")) return std::unexpected(errno_text("/proc/self/gid_map"));
    return loopback_up();
}

struct attempt {
    capture_right right = capture_right::none;
    std::string why;
};

attempt obtain() {
    const std::string directly = try_capture();
    if (directly.empty()) return {capture_right::direct, {}};
    const auto entered = enter_user_namespace();
    const std::string in_namespace = entered ? try_capture() : entered.error();
    if (in_namespace.empty()) return {capture_right::namespace_of_our_own, {}};
    return {capture_right::none, "Capturing on lo is not permitted: " + directly +
                                     ". A namespace of our own was not to be had either: " + in_namespace +
                                     ". Run as root, or give the program the capability (setcap cap_net_raw+ep PROGRAM), or "
                                     "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), or use the evidence of a tap."};
}

}  // namespace

capture_right obtain_capture_right(std::string& why) {
    static const attempt once = obtain();
    why = once.why;
    return once.right;
}

std::expected<void, std::string> enter_fresh_network_namespace() {
    if (::unshare(CLONE_NEWNET) != 0) return std::unexpected(errno_text("unshare(CLONE_NEWNET)"));
    return loopback_up();
}

}  // namespace badorigin::capture
