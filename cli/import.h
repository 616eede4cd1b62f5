// `badorigin import CAPTURE… -o DIR`: scenarios made from captured traffic.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
}
namespace badorigin::traffic {
struct import_settings;
}

namespace badorigin::cli {

struct import_options {
    std::vector<std::string> captures;  ///< files, which are read as one; bundles, each by itself
    std::string out, policy = "default", policies, bodies = "short";
    std::vector<std::string> proxies, origins, promises, values, rules_off;
    bool keep_secrets = false, all = false;
    std::size_t most = 300;
};

/// What they say; throws std::runtime_error with a sentence.
traffic::import_settings settings_of(const import_options& asked);
/// Options about the proxy of a capture that other commands have as well.
void add_policy_options(CLI::App& command, import_options& into);

/// The subcommand, with its help.
CLI::App* add_import(CLI::App& app, import_options& into);

/// Returns the exit code; throws std::runtime_error with a sentence.
int import_traffic(const import_options& asked);

}  // namespace badorigin::cli
