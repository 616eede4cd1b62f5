// `badorigin replay CAPTURE… --proxy …`: captured traffic played again through a proxy, and what it does compared with what was done then.
#pragma once

#include <string>
#include <vector>

#include "cli/import.h"

namespace badorigin::cli {

struct replay_options {
    import_options from;  ///< captures, and how the proxy is configured
    std::vector<std::string> proxies{"bundled"};
    std::string speed = "1", clock = "real", out = "out", allow, format = "text";
    std::vector<std::string> faults, volatile_fields;
};

/// The subcommand, with its help.
CLI::App* add_replay(CLI::App& app, replay_options& into);

/// Returns the exit code; throws std::runtime_error with a sentence.
int replay(const replay_options& asked);

}  // namespace badorigin::cli
