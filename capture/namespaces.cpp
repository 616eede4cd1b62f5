// The right to capture is had directly (root, CAP_NET_RAW), or made: any user may create a user namespace and in it a network namespace,
// whose loopback is his own. User and group ids are mapped onto themselves, so that proxies start there as they do outside.
#include <cerrno>
#include <cstring>
#include <fstream>

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
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        if (errno == ENOSPC)
            return std::unexpected(std::string("no more user namespaces are allowed"));  // the kernel's word for it is a full disk's
        return std::unexpected(errno_text("unshare(CLONE_NEWUSER | CLONE_NEWNET)"));
    }
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
    return {capture_right::none, "capturing on lo is not permitted (" + directly + "), a namespace of our own neither (" + in_namespace +
                                     "): " + how_to_capture() + ", or do with --evidence tap, which sees less"};
}

std::string first_word_of(const std::string& file) {
    std::string word;
    std::ifstream(file) >> word;
    return word;
}

/// The switch that forbids users their namespaces here, set the other way.
std::string how_to_allow_namespaces() {
    if (first_word_of("/proc/sys/user/max_user_namespaces") == "0") return "sysctl user.max_user_namespaces=1000";
    if (first_word_of("/proc/sys/kernel/unprivileged_userns_clone") == "0") return "sysctl kernel.unprivileged_userns_clone=1";
    if (first_word_of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1")
        return "sysctl kernel.apparmor_restrict_unprivileged_userns=0";
    return "a container's seccomp profile may forbid them";
}

}  // namespace

std::string how_to_capture() {
    char program[4096];
    const auto size = ::readlink("/proc/self/exe", program, sizeof program);
    return "run as root, or once setcap cap_net_raw+ep " +
           (size > 0 ? std::string(program, static_cast<std::size_t>(size)) : std::string("PROGRAM")) + ", or allow user namespaces (" +
           how_to_allow_namespaces() + ")";
}

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
