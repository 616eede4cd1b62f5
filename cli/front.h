// What the commands share: complaints, the console's style, reports, Ctrl-C.
#pragma once

#include <atomic>
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

/// Set by the first Ctrl-C (or SIGTERM, SIGHUP) after `catch_interrupts`: ends the work in good order. The second has its usual effect.
extern std::atomic<bool> interrupt;
void catch_interrupts();

/// Captures made elsewhere; how far reading is and how fast shows on a terminal. Throws std::runtime_error, stopped where Ctrl-C ended it.
struct stopped : std::runtime_error {
    using std::runtime_error::runtime_error;
};
capture::foreign read_captures(const std::vector<std::string>& files, const std::vector<std::string>& proxies);

/// `badorigin verify CAPTURE…`; returns the exit code.
int verify(const options& asked);

}  // namespace badorigin::cli
