// `badorigin import CAPTURE… -o DIR`: scenarios made from captured traffic.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace badorigin::cli {

struct import_options {
    std::vector<std::string> captures;  ///< files, which are read as one; bundles, each by itself
    std::string out, policy = "default", policies, bodies = "short";
    std::vector<std::string> proxies, origins, promises, values, rules_off;
    bool keep_secrets = false, all = false;
    std::size_t most = 300;
};

/// The subcommand, with its help.
CLI::App* add_import(CLI::App& app, import_options& into);

/// Returns the exit code; throws std::runtime_error with a sentence.
int import_traffic(const import_options& asked);

}  // namespace badorigin::cli
