// A program run as a child, from its start to its last descendant's end. How nothing outlives the harness is told in supervisor.h.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "proxy-under-test/drivers/driver.h"

namespace badorigin::drivers {

using std::chrono::milliseconds;
using deadline = std::chrono::steady_clock::time_point;

/// A file descriptor that is closed with its owner.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int number) : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
    descriptor& operator=(descriptor&& other) noexcept;
    ~descriptor() { close(); }
    int number() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    void close();

private:
    int number_ = -1;
};

/// Milliseconds left, for poll; 0 when it has passed.
int milliseconds_until(deadline when);
/// Waits for `events` on one of two descriptors (the second may be -1). False at the deadline.
bool poll_until(int first, int second, short events, deadline when);
/// "exit 1", "signal 6 (Aborted)".
std::string describe_status(int wait_status);
/// The absolute path of a program: as given if it has a slash, else by PATH. Empty if there is none.
std::string find_program(const std::string& name);

class process;

struct process_settings {
    std::vector<std::string> arguments;              ///< the first is the program, found by find_program
    std::string directory;                           ///< empty: the harness's own
    std::map<std::string, std::string> environment;  ///< in addition to the harness's own
    std::string output_file;                         ///< standard output and error are appended
    bool channel = false;                            ///< standard input and output are a socket to the harness; error goes to the file
    const process* beside = nullptr;                 ///< run in its PID namespace (where it has one)
    bool contain = true;                             ///< in a PID namespace of its own, where allowed
};

/// Whether the harness's workers share one table of descriptors. TSan knows one a process, and takes equal numbers in two for a race.
#ifdef __SANITIZE_THREAD__
inline constexpr bool workers_share_descriptors = true;
#else
inline constexpr bool workers_share_descriptors = false;
#endif

/// Held while a program is started: until its exec it has a copy of each descriptor of the threads that share the starter's table, so that
/// what they close stays open. Holds nothing where no thread shares it.
std::unique_lock<std::mutex> hold_shared_descriptors();

class process {
public:
    /// Starts it in the calling thread's network namespace; returns when the program is executing. Throws set_up_error.
    explicit process(const process_settings& settings);
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    /// Kills and reaps.
    ~process();

    /// Has a PID namespace of its own.
    bool contained() const { return contained_; }
    /// Of the supervisor; the program and all that it starts are its descendants.
    pid_t supervisor() const { return supervisor_; }
    /// Readable and writable, non-blocking; -1 without `channel`.
    int channel() const { return channel_.number(); }
    void close_channel() { channel_.close(); }
    /// Becomes readable when the program has ended, for poll.
    int end_descriptor() const { return line_.number(); }

    /// Never blocks.
    bool running();
    /// False at the deadline.
    bool wait_until(deadline when);
    /// Its peers may have seen its sockets closed: then its end is told in a moment, which this waits for.
    void wait_if_ending();
    /// "exit 1"; empty while it runs.
    std::string ending();
    /// To the program, if it still runs.
    void signal(int number);
    /// The whole tree, at once; reaped within a second or two unless the kernel itself hangs.
    void kill();
    /// SIGTERM (`polite` false: none, it was asked by other means), then kill at the deadline. True if force was needed.
    bool stop(deadline when, bool polite = true);

    /// Of the tree, without the supervisor. After the end: the CPU time of the whole, as the kernel summed it up.
    vitals measure();
    /// As favour_descendants of vitals.h.
    void favour() const;
    /// What it wrote since `offset`, which moves on.
    std::string output_since(std::size_t& offset) const;
    std::string last_words(std::size_t lines = 12) const;

private:
    void receive_status();
    void reap(deadline when);

    pid_t supervisor_ = -1;
    bool contained_ = false, reaped_ = false;
    std::optional<int> status_;
    descriptor line_, supervisor_end_, channel_;
    std::string output_file_;
    nanoseconds cpu_{0};  ///< never falls
};

}  // namespace badorigin::drivers
