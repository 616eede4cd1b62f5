#include "proxy-under-test/drivers/process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy-under-test/drivers/supervisor.h"
#include "proxy-under-test/drivers/vitals.h"

extern char** environ;

namespace badorigin::drivers {
namespace {

using std::chrono::steady_clock;
constexpr milliseconds kernel_patience{5'000};  ///< from a SIGKILL to the tree's end

std::string error_text(int error) {
    return std::generic_category().message(error);
}

[[noreturn]] void fail(const std::string& what, int error) {
    throw set_up_error(fmt::format("{}: {}", what, error_text(error)));
}

/// Never 0, 1 or 2, which dup2 in the child would overwrite.
descriptor above_standard(int number) {
    descriptor owned(number);
    if (number < 0 || number > 2) return owned;
    return descriptor(::fcntl(number, F_DUPFD_CLOEXEC, 3));
}

descriptor open_file(const std::string& path, int flags) {
    descriptor file = above_standard(::open(path.c_str(), flags | O_CLOEXEC, 0644));
    if (!file) fail(fmt::format("cannot open {}", path), errno);
    return file;
}

struct both_ends {
    descriptor ours, theirs;
};

both_ends socket_pair(int type) {
    int ends[2];
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) fail("cannot make a socket pair", errno);
    return {above_standard(ends[0]), above_standard(ends[1])};
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
    std::vector<std::string> all;
    for (char** one = environ; *one != nullptr; ++one) {
        const std::string text = *one;
        if (!more.contains(text.substr(0, text.find('=')))) all.push_back(text);
    }
    for (const auto& [name, value] : more) all.push_back(name + "=" + value);
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

std::string explain(const start_failure& failure, const process_settings& settings) {
    const auto& program = settings.arguments.front();
    switch (failure.where) {
        case start_failure::step::join:
            return fmt::format("{}: cannot join the proxy's PID namespace: {}", program, error_text(failure.error));
        case start_failure::step::fork:
            return fmt::format("{}: cannot fork: {}", program, error_text(failure.error));
        case start_failure::step::directory:
            return fmt::format("{}: cannot enter the folder {}: {}", program, settings.directory, error_text(failure.error));
        case start_failure::step::execute:
            break;
    }
    return fmt::format("{} cannot be executed: {}", program, error_text(failure.error));
}

}  // namespace

descriptor& descriptor::operator=(descriptor&& other) noexcept {
    if (this != &other) {
        close();
        std::swap(number_, other.number_);
    }
    return *this;
}

void descriptor::close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
}

int milliseconds_until(deadline when) {
    const auto left = std::chrono::ceil<milliseconds>(when - steady_clock::now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000));
}

bool poll_until(int first, int second, short events, deadline when) {
    for (;;) {
        pollfd wait[2] = {{first, events, 0}, {second, POLLIN, 0}};
        const int ready = ::poll(wait, 2, milliseconds_until(when));
        if (ready > 0) return true;
        if (ready == 0 && steady_clock::now() >= when) return false;
        if (ready < 0 && errno != EINTR) return false;
    }
}

std::string describe_status(int status) {
    if (WIFEXITED(status)) return fmt::format("exit {}", WEXITSTATUS(status));
    const char* text = ::sigdescr_np(WTERMSIG(status));
    return fmt::format("signal {} ({})", WTERMSIG(status), text != nullptr ? text : "unknown");
}

std::string find_program(const std::string& name) {
    if (name.empty()) return {};
    std::error_code ignored;
    if (name.find('/') != std::string::npos)
        return ::access(name.c_str(), X_OK) == 0 && !std::filesystem::is_directory(name, ignored) ? std::filesystem::absolute(name).string()
                                                                                                  : std::string{};
    const char* list = std::getenv("PATH");
    std::string folders = list != nullptr ? list : "";
    folders += ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";  // a user's PATH has no sbin, where Debian has the servers
    for (std::size_t from = 0; from <= folders.size();) {
        const auto to = std::min(folders.find(':', from), folders.size());
        const auto path = folders.substr(from, to - from) + "/" + name;
        if (to > from && ::access(path.c_str(), X_OK) == 0) return path;
        from = to + 1;
    }
    return {};
}

std::unique_lock<std::mutex> hold_shared_descriptors() {
    static std::mutex one;
    return workers_share_descriptors ? std::unique_lock(one) : std::unique_lock<std::mutex>();
}

process::process(const process_settings& settings) : output_file_(settings.output_file) {
    const auto path = find_program(settings.arguments.front());
    if (path.empty()) fail(fmt::format("{} cannot be executed", settings.arguments.front()), ENOENT);
    auto arguments = settings.arguments;
    auto environment = environment_with(settings.environment);
    const auto argument_pointers = pointers_to(arguments), environment_pointers = pointers_to(environment);

    auto line = socket_pair(SOCK_SEQPACKET);
    auto report = socket_pair(SOCK_SEQPACKET);
    both_ends channel;
    if (settings.channel) channel = socket_pair(SOCK_STREAM);
    const auto null = open_file("/dev/null", O_RDWR);
    const auto output = output_file_.empty() ? open_file("/dev/null", O_RDWR) : open_file(output_file_, O_WRONLY | O_CREAT | O_APPEND);
    descriptor joined;

    supervision what;
    what.path = path.c_str();
    what.arguments = argument_pointers.data();
    what.environment = environment_pointers.data();
    what.directory = settings.directory.empty() ? nullptr : settings.directory.c_str();
    what.line = line.theirs.number();
    what.report = report.theirs.number();
    what.input = settings.channel ? channel.theirs.number() : null.number();
    what.output = settings.channel ? channel.theirs.number() : output.number();
    what.errors = output.number();
    what.how = settings.contain ? supervision::kind::contained : supervision::kind::plain;
    if (settings.beside != nullptr) {
        what.how = supervision::kind::plain;
        if (settings.beside->contained()) {
            what.how = supervision::kind::beside;
            joined = descriptor(::fcntl(settings.beside->supervisor_end_.number(), F_DUPFD_CLOEXEC, 3));
            what.joined_namespace = joined.number();
        }
    }
    std::vector<int> kept{what.line, what.report, what.input, what.output, what.errors, what.joined_namespace};
    std::erase(kept, -1);
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    what.kept.fill(-1);
    std::copy(kept.begin(), kept.end(), what.kept.begin());

    const auto hold = hold_shared_descriptors();
    supervisor_ = clone_supervisor(what);
    if (supervisor_ < 0 && what.how == supervision::kind::contained) {  // EPERM, or forbidden by a container in another way
        what.how = supervision::kind::plain;
        supervisor_ = clone_supervisor(what);
    }
    if (supervisor_ < 0) fail(fmt::format("{}: cannot fork", arguments.front()), errno);
    contained_ = what.how == supervision::kind::contained;
    supervisor_end_ = descriptor(static_cast<int>(::syscall(SYS_pidfd_open, supervisor_, 0)));  // close on exec by itself
    line_ = std::move(line.ours);
    channel_ = std::move(channel.ours);
    if (channel_) ::fcntl(channel_.number(), F_SETFL, O_NONBLOCK);
    line.theirs.close();
    report.theirs.close();

    // The report ends when the program's exec closes the last copy.
    start_failure failure{};
    const bool answered = poll_until(report.ours.number(), -1, POLLIN, steady_clock::now() + kernel_patience);
    if (answered && ::recv(report.ours.number(), &failure, sizeof failure, MSG_DONTWAIT) <= 0) return;
    kill();
    throw set_up_error(answered ? explain(failure, settings) : fmt::format("{} did not start", arguments.front()));
}

process::~process() {
    kill();
}

void process::receive_status() {
    if (status_) return;
    int status = 0;
    const auto size = ::recv(line_.number(), &status, sizeof status, MSG_DONTWAIT);
    if (size == sizeof status) status_ = status;
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
        status_ = SIGKILL;  // the supervisor was killed, and the program with it
}

bool process::running() {
    receive_status();
    return !status_;
}

bool process::wait_until(deadline when) {
    while (running())
        if (!poll_until(line_.number(), -1, POLLIN, when)) return false;
    reap(steady_clock::now() + kernel_patience);
    return true;
}

void process::wait_if_ending() {
    if (running() && oldest_child_is_ending(supervisor_)) wait_until(steady_clock::now() + kernel_patience);
}

std::string process::ending() {
    return running() ? std::string{} : describe_status(*status_);
}

void process::signal(int number) {
    const auto byte = static_cast<unsigned char>(number);
    ::send(line_.number(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void process::reap(deadline when) {
    if (reaped_ || supervisor_ < 0) return;
    if (supervisor_end_) poll_until(supervisor_end_.number(), -1, POLLIN, when);
    rusage used{};
    const auto pid = ::wait4(supervisor_, nullptr, supervisor_end_ ? WNOHANG : 0, &used);
    if (pid == 0) return;  // the kernel has not ended it; the next call tries again
    reaped_ = true;
    const auto in = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
    if (pid > 0) cpu_ = std::max<nanoseconds>(cpu_, in(used.ru_utime) + in(used.ru_stime));
}

void process::kill() {
    if (reaped_ || supervisor_ < 0) return;
    signal(SIGKILL);
    if (!wait_until(steady_clock::now() + kernel_patience) || !reaped_) {
        ::shutdown(line_.number(), SHUT_RDWR);
        if (!reaped_) ::kill(supervisor_, SIGKILL);  // our child, not reaped: the number is its own
        reap(steady_clock::now() + kernel_patience);
    }
    receive_status();
}

bool process::stop(deadline when, bool polite) {
    if (polite && running()) signal(SIGTERM);
    if (wait_until(when)) return false;
    kill();
    return true;
}

void process::favour() const {
    favour_descendants(supervisor_);
}

vitals process::measure() {
    vitals now;
    if (running()) {
        now = measure_descendants(supervisor_);
        receive_status();
    }
    if (status_) {
        reap(steady_clock::now());
        now = vitals{};
        now.alive = false;
        now.exit = describe_status(*status_);
    }
    cpu_ = std::max(cpu_, now.cpu);  // between two reads an ended child may be counted nowhere
    now.cpu = cpu_;
    return now;
}

std::string process::output_since(std::size_t& offset) const {
    std::ifstream file(output_file_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    std::string text(std::istreambuf_iterator<char>(file), {});
    offset += text.size();
    return text;
}

std::string process::last_words(std::size_t lines) const {
    std::ifstream file(output_file_, std::ios::binary | std::ios::ate);
    if (!file) return {};
    const auto size = static_cast<std::streamoff>(file.tellg());
    const auto from = std::max<std::streamoff>(0, size - 16'384);
    std::string text(static_cast<std::size_t>(size - from), '\0');
    file.seekg(from);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    auto start = text.size();
    for (std::size_t n = 0; n < lines && start != std::string::npos && start > 0; ++n) start = text.rfind('\n', start - 1);
    return start == std::string::npos || start == 0 ? text : text.substr(start + 1);
}

}  // namespace badorigin::drivers
