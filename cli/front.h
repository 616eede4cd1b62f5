// What the commands share: complaints, the console's style, reports, Ctrl-C.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

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

/// Set by the first Ctrl-C (or SIGTERM, SIGHUP) after `catch_interrupts`: ends the work in good order. The second has its usual effect.
extern std::atomic<bool> interrupt;
void catch_interrupts();

/// How far reading is and how fast, on a terminal: not before it has taken a while, and not more often than an eye wants it. Gone at its
/// end.
class progress_line {
public:
    progress_line();
    ~progress_line();
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    /// Bytes.
    void show(std::uint64_t done, std::uint64_t size);

private:
    const bool watched_;
    bool drawn_ = false;
    const std::chrono::steady_clock::time_point begun_;
    std::chrono::steady_clock::time_point next_;
};

/// `badorigin verify CAPTURE…`; returns the exit code.
int verify(const options& asked);

}  // namespace badorigin::cli
