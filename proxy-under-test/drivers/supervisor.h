// The process between the harness and a program: the program's parent, and pid 1 of its PID namespace where there is one.
//
// A run that is killed with `kill -9` must leave nothing behind. So the supervisor holds one end of a socket whose other end only the
// harness has (close on exec): when the harness dies, in whatever way, the supervisor reads end-of-file and ends. As pid 1 of a namespace
// its end makes the kernel kill everything inside, daemons and double forks included. Without the right to make namespaces it is a
// subreaper instead, so all orphans come to it, and it kills until it has no child left. The program has PR_SET_PDEATHSIG, so even the
// supervisor's own violent death takes it along.
//
// PR_SET_PDEATHSIG would not do between harness and supervisor: it fires when the parent *thread* ends, and a stage may start proxies from
// threads that end before the proxy does. Between supervisor and program it is safe: the supervisor has one thread.
//
// The harness has many threads, so the code here, running between clone and exec in a copy of one of them, makes only system calls: no
// allocation, no lock.
#pragma once

#include <array>
#include <cstdint>

#include <sys/types.h>

namespace badorigin::drivers {

/// All that the supervisor needs, made before the clone.
struct supervision {
    enum class kind : std::uint8_t {
        contained,  ///< pid 1 of a new PID namespace
        plain,      ///< no right to make one
        beside      ///< the program joins the namespace of `joined_namespace`
    };
    kind how = kind::contained;
    const char* path = nullptr;
    char* const* arguments = nullptr;
    char* const* environment = nullptr;
    const char* directory = nullptr;  ///< may be null
    int line = -1;                    ///< to the harness: a byte in is a signal number for the program, an int out is its wait status
    int report = -1;                  ///< close on exec: `start_failure` out when the program could not be started
    int input = -1, output = -1, errors = -1;
    int joined_namespace = -1;  ///< pidfd of a process inside
    std::array<int, 8> kept{};  ///< the descriptors above in rising order, the rest of the array -1
};

struct start_failure {
    enum class step : std::int32_t { join, fork, directory, execute } where;
    std::int32_t error;
};

/// Clones the supervisor. Returns its pid, or -1 with errno (EPERM: no right to make a namespace).
pid_t clone_supervisor(const supervision& what);

}  // namespace badorigin::drivers
