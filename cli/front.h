// What the commands share: complaints, the console's style, reports, Ctrl-C.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "capture/foreign.h"
#include "cli/options.h"
#include "reports/report.h"

namespace badorigin::cli {

/// To standard error, whether somebody can read it or not.
void complain(const std::string& what);

report::console_style style_for(const options& asked);

/// Whether the reports that were asked for can be written, asked before an hour of work and not after it. Throws std::runtime_error.
void require_writable_reports(const options& asked);

/// The end of every judging command: reports, and the console's own trouble. Whether all could be written; a reader that has gone away
/// (EPIPE) wanted no more.
bool finish(const options& asked, report::console& console, const std::vector<report::entry>& entries);

/// Throws std::runtime_error when packets of these proxies cannot be captured.
void require_capture(const std::vector<std::string>& proxies);

/// Set by the first Ctrl-C (or SIGTERM, SIGHUP) after `catch_interrupts`: ends the work in good order. The second has its usual effect.
extern std::atomic<bool> interrupt;
void catch_interrupts();

/// How far work is, on a terminal: not before it has taken a while, not more often than an eye wants it, gone at its end.
class progress_line {
public:
    progress_line();
    ~progress_line();
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    void show(std::uint64_t done, std::uint64_t size, const std::function<std::string(double seconds)>& tail);

private:
    const bool watched_;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point next_ = begun_ + std::chrono::milliseconds(300);
    bool drawn_ = false;
};

/// Ctrl-C ended it.
struct stopped : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// Captures made elsewhere, whole, or given to `parts`; how far reading is and how fast shows on a terminal. Throws std::runtime_error,
/// stopped.
capture::foreign read_captures(const std::vector<std::string>& files, const std::vector<std::string>& proxies,
                               const capture::taker_of_parts* parts = nullptr);

/// Evidence that a command line names: capture files, which are read as one, and bundles, each by itself.
struct source {
    std::string name;
    capture::evidence evidence;
    std::vector<std::string> notes;
};
/// Throws as read_captures does.
std::vector<source> read_sources(const std::vector<std::string>& captures, const std::vector<std::string>& proxies);

/// `badorigin verify CAPTURE…`; returns the exit code.
int verify(const options& asked);

}  // namespace badorigin::cli
