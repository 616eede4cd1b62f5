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

/// System calls as such: the library's functions of the same name may be wrapped by a sanitizer, whose locks another thread may have held
/// at the clone.
template <class... Arguments>
long call(long number, Arguments... arguments) {
    return ::syscall(number, arguments...);
}

pid_t raw_fork(unsigned long flags) {
    return static_cast<pid_t>(call(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}
void raw_close(int file) {
    call(SYS_close, file);
}
void raw_kill(pid_t pid, int signal) {
    call(SYS_kill, pid, signal);
}
int raw_open(const char* path, int flags) {
    return static_cast<int>(call(SYS_openat, AT_FDCWD, path, flags, 0));
}
void raw_duplicate(int from, int to) {
    call(SYS_dup3, from, to, 0);
}
pid_t raw_wait(int* status, int flags) {
    return static_cast<pid_t>(call(SYS_wait4, -1, status, flags, nullptr));
}
[[noreturn]] void raw_exit(int status) {
    for (;;) call(SYS_exit_group, status);
}

constexpr std::size_t signal_set_size = 8;  // the kernel's

void close_between(unsigned from, unsigned to, unsigned flags) {
    if (from <= to) call(SYS_close_range, from, to, flags);
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
    call(SYS_write, what.report, &failure, sizeof failure);
    raw_exit(127);
}

void default_signals() {
    constexpr std::uint64_t as_default[4]{}, none = 0;  // the kernel's struct sigaction: handler, flags, restorer, mask
    for (int signal = 1; signal < NSIG; ++signal) call(SYS_rt_sigaction, signal, as_default, nullptr, signal_set_size);
    call(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, signal_set_size);
}

[[noreturn]] void run_program(const supervision& what, pid_t supervisor) {
    call(SYS_setsid);  // own session and group: the terminal's Ctrl-C is for the harness
    call(SYS_prctl, PR_SET_PDEATHSIG, static_cast<unsigned long>(SIGKILL));
    // The supervisor may have died before the line above. Seen from inside a joined namespace every parent outside is 0; there the kernel
    // ends us.
    const auto parent = static_cast<pid_t>(call(SYS_getppid));
    if (parent != supervisor && what.how == supervision::kind::plain) raw_exit(127);
    if (what.directory != nullptr && call(SYS_chdir, what.directory) != 0) give_up(what, start_failure::step::directory);
    raw_duplicate(what.input, 0);
    raw_duplicate(what.output, 1);
    raw_duplicate(what.errors, 2);
    close_between(3, UINT_MAX, 4 /* CLOSE_RANGE_CLOEXEC */);
    default_signals();
    call(SYS_execve, what.path, what.arguments, what.environment);
    give_up(what, start_failure::step::execute);
}

/// Kills every child; orphans of theirs become children and are killed next.
void kill_children() {
    const int file = raw_open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    char text[4096];
    const auto size = call(SYS_read, file, text, sizeof text);
    raw_close(file);
    pid_t pid = 0;
    for (long i = 0; i < size; ++i) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
        } else {
            if (pid > 1) raw_kill(pid, SIGKILL);
            pid = 0;
        }
    }
}

[[noreturn]] void end(const supervision& what, pid_t program, bool reaped) {
    if (what.how != supervision::kind::contained) {
        // A reaped program's number may belong to somebody else by now, unless its group still has members; those are our children or will
        // be.
        if (!reaped) raw_kill(-program, SIGKILL);
        do kill_children();
        while (raw_wait(nullptr, 0) > 0 || errno == EINTR);
    }
    raw_exit(0);
}

[[noreturn]] void supervise(const supervision& what) {
    call(SYS_prctl, PR_SET_NAME, "supervisor");
    call(SYS_setsid);
    close_all_but(what.kept);
    if (what.how != supervision::kind::contained) call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1UL);
    const auto self = static_cast<pid_t>(call(SYS_getpid));
    if (what.how == supervision::kind::beside && call(SYS_setns, what.joined_namespace, CLONE_NEWPID) != 0)
        give_up(what, start_failure::step::join);

    const pid_t program = raw_fork(0);
    if (program < 0) give_up(what, start_failure::step::fork);
    if (program == 0) run_program(what, self);

    raw_close(what.report);
    const int null = raw_open("/dev/null", O_RDWR);
    for (int standard = 0; standard < 3; ++standard) raw_duplicate(null, standard);  // else a pipe of the harness's own would never end
    for (const int handed : {what.input, what.output, what.errors})
        if (handed > 2) raw_close(handed);

    constexpr std::uint64_t child = std::uint64_t{1} << (SIGCHLD - 1);
    const auto ended = static_cast<int>(call(SYS_signalfd4, -1, &child, signal_set_size, SFD_NONBLOCK | SFD_CLOEXEC));
    pollfd wait[2] = {{ended, POLLIN, 0}, {what.line, POLLIN, 0}};
    for (;;) {
        int status = 0;
        for (pid_t pid = 0; (pid = raw_wait(&status, WNOHANG)) > 0;) {
            if (pid != program) continue;
            call(SYS_sendto, what.line, &status, sizeof status, MSG_NOSIGNAL, nullptr, 0);
            end(what, program, true);
        }
        if (call(SYS_ppoll, wait, 2, nullptr, nullptr, signal_set_size) < 0 && errno != EINTR) end(what, program, false);
        if ((wait[0].revents & POLLIN) != 0) {
            signalfd_siginfo information;
            while (call(SYS_read, ended, &information, sizeof information) > 0) {}
        }
        if (wait[1].revents != 0) {
            unsigned char signal = 0;
            if (call(SYS_recvfrom, what.line, &signal, sizeof signal, 0, nullptr, nullptr) <= 0) end(what, program, false);
            raw_kill(program, signal);  // not reaped yet, so the number is still its own
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
