#include "proxy-under-test/drivers/supervisor.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace badorigin::drivers {
namespace {

/// fork() without the library's handlers, which other threads' locks could block.
pid_t raw_fork(unsigned long flags) {
    return static_cast<pid_t>(::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

void close_between(unsigned from, unsigned to, unsigned flags) {
    if (from <= to) ::syscall(SYS_close_range, from, to, flags);
}

void close_all_but(const std::array<int, 8>& kept) {
    unsigned from = 3;
    for (const int one : kept) {
        if (one < 0) break;
        if (static_cast<unsigned>(one) > from) close_between(from, static_cast<unsigned>(one) - 1, 0);
        from = static_cast<unsigned>(one) + 1;
    }
    close_between(from, UINT_MAX, 0);
}

[[noreturn]] void give_up(const supervision& what, start_failure::step where) {
    const start_failure failure{where, errno};
    [[maybe_unused]] const auto written = ::write(what.report, &failure, sizeof failure);
    ::_exit(127);
}

void default_signals() {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_program(const supervision& what, pid_t supervisor) {
    ::setsid();  // own session and group: the terminal's Ctrl-C is for the harness
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The supervisor may have died before the line above. Seen from inside a joined namespace every parent outside is 0; there the kernel
    // ends us.
    const pid_t parent = ::getppid();
    if (parent != supervisor && what.how == supervision::kind::plain) ::_exit(127);
    if (what.directory != nullptr && ::chdir(what.directory) != 0) give_up(what, start_failure::step::directory);
    ::dup2(what.input, 0);
    ::dup2(what.output, 1);
    ::dup2(what.errors, 2);
    close_between(3, UINT_MAX, 4 /* CLOSE_RANGE_CLOEXEC */);
    default_signals();
    ::execve(what.path, what.arguments, what.environment);
    give_up(what, start_failure::step::execute);
}

/// Kills every child; orphans of theirs become children and are killed next.
void kill_children() {
    const int file = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    char text[4096];
    const auto size = ::read(file, text, sizeof text);
    ::close(file);
    pid_t pid = 0;
    for (ssize_t i = 0; i < size; ++i) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
        } else {
            if (pid > 1) ::kill(pid, SIGKILL);
            pid = 0;
        }
    }
}

[[noreturn]] void end(const supervision& what, pid_t program, bool reaped) {
    if (what.how != supervision::kind::contained) {
        // A reaped program's number may belong to somebody else by now, unless its group still has members; those are our children or will
        // be.
        if (!reaped) ::kill(-program, SIGKILL);
        do kill_children();
        while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR);
    }
    ::_exit(0);
}

[[noreturn]] void supervise(const supervision& what) {
    ::prctl(PR_SET_NAME, "supervisor");
    ::setsid();
    close_all_but(what.kept);
    if (what.how != supervision::kind::contained) ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t self = ::getpid();
    if (what.how == supervision::kind::beside && ::setns(what.joined_namespace, CLONE_NEWPID) != 0)
        give_up(what, start_failure::step::join);

    const pid_t program = raw_fork(0);
    if (program < 0) give_up(what, start_failure::step::fork);
    if (program == 0) run_program(what, self);

    ::close(what.report);
    const int null = ::open("/dev/null", O_RDWR);
    for (int standard = 0; standard < 3; ++standard) ::dup2(null, standard);  // else a pipe of the harness's own would never end
    for (const int handed : {what.input, what.output, what.errors})
        if (handed > 2) ::close(handed);

    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    const int ended = ::signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
    pollfd wait[2] = {{ended, POLLIN, 0}, {what.line, POLLIN, 0}};
    for (;;) {
        int status = 0;
        for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid != program) continue;
            ::send(what.line, &status, sizeof status, MSG_NOSIGNAL);
            end(what, program, true);
        }
        if (::poll(wait, 2, -1) < 0 && errno != EINTR) end(what, program, false);
        if ((wait[0].revents & POLLIN) != 0) {
            signalfd_siginfo information;
            while (::read(ended, &information, sizeof information) > 0) {}
        }
        if (wait[1].revents != 0) {
            unsigned char signal = 0;
            if (::recv(what.line, &signal, 1, 0) <= 0) end(what, program, false);
            ::kill(program, signal);  // not reaped yet, so the number is still its own
        }
    }
}

}  // namespace

pid_t clone_supervisor(const supervision& what) {
    // All signals stay blocked in the supervisor: the harness's handlers must not run in a copy of it.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = raw_fork(what.how == supervision::kind::contained ? CLONE_NEWPID : 0);
    if (pid == 0) supervise(what);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return pid;
}

}  // namespace badorigin::drivers
