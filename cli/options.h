// The command line, parsed: what was asked for, before anything is started.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/import.h"
#include "cli/log.h"
#include "cli/replay.h"

namespace badorigin::cli {

struct options {
    enum class command : std::uint8_t { none, run, judge, verify, list, log, import, replay } what = command::none;
    std::vector<std::string> paths;  ///< run: scenarios; judge: bundles; verify: captures
    std::string list_what;
    std::vector<std::string> proxies{"bundled"};
    std::string filter;
    unsigned jobs = 8;
    std::string out = "out";
    std::string junit, json, html;
    std::vector<std::string> plant;
    std::uint64_t seed = 1;
    std::string keep = "violated";
    std::string evidence = "libpcap";
    double start_deadline = 20, stop_deadline = 5;  ///< seconds, of a proxy
    std::string policies;
    std::string colour = "auto";
    bool quiet = false;
    std::vector<std::string> proxy_addresses;  ///< verify: empty: found from the traffic
    std::string promises;                      ///< verify: a scenario whose promises the capture is held to; empty: none
    std::string advice = "yes";
    log_options log;
    import_options import;
    replay_options replay;
    bool counts = false;  ///< judge: count messages per port
};

/// Parses; prints help, version or the mistake itself. `exit_code` is filled when the program should end at once (returns false).
bool parse(int argc, char** argv, options& into, int& exit_code);

}  // namespace badorigin::cli
