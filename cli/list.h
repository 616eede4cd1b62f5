// `badorigin list …` and the finding of scenarios that both `list` and `run` need.
#pragma once

#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "cli/options.h"

namespace badorigin::cli {

/// Scenario files of the paths that pass the filter, and the folder that their ids are relative to (the nearest one above with a policies/
/// folder). Throws std::runtime_error with a sentence where a path does not exist or nothing is left.
struct found {
    std::vector<std::string> files;
    std::set<std::string> tables;  ///< those of them that hold cases
    std::size_t scenarios = 0;     ///< in them that pass the filter
    std::string root;
};
found find(const options& asked);
bool passes(const std::string& id, const std::string& filter);

/// Folder of this program, where badorigin-cache lies too.
std::string program_directory();

/// id<TAB>description lines that `badorigin-cache --list-planted-bugs` prints.
std::vector<std::string> planted_bugs();

/// To standard output, at once. Throws std::runtime_error when that fails, unless its reader has gone: he wanted no more.
void say(const std::string& text);

/// Prints the list; returns the exit code.
int list(const options& asked);

}  // namespace badorigin::cli
