// Scenarios as YAML: reader with file, line, column and near-miss suggestions; writer whose output reads back as the same value.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/scenario.h"

namespace badorigin::scenario {

struct problem {
    place at;
    std::string message;       ///< what is wrong, what was expected, and "did you mean …?" where something is near
    std::string text() const;  ///< "FILE:LINE:COLUMN: message"
};

/// All problems of a text, in file order; a scenario only without any. `known_rules` are the ids that rules_off may name (empty: not
/// checked); `seed` is that of generated content that names none.
std::expected<scenario, std::vector<problem>> read_yaml(std::string_view text, const std::string& file, const std::string& id,
                                                        time_mode mode, const std::vector<std::string>& known_rules = {},
                                                        std::uint64_t seed = 0);
/// A file below the scenarios' root; its id is its path below `root` without the ending.
std::expected<scenario, std::vector<problem>> read_file(const std::string& file, const std::string& root, time_mode mode,
                                                        const std::vector<std::string>& known_rules = {}, std::uint64_t seed = 0);
/// The scenario of a file, or those that the cases of a table stand for (docs/conformance.md).
std::expected<std::vector<scenario>, std::vector<problem>> read_all(const std::string& file, const std::string& root, time_mode mode,
                                                                    const std::vector<std::string>& known_rules = {},
                                                                    std::uint64_t seed = 0);
/// The ids of what read_all gives, without judging it.
std::vector<std::string> ids_in(const std::string& file, const std::string& root);
/// Ordinary YAML with literal durations that runs again; round trip in the same mode: read_yaml(write_yaml(s), s.file, s.id, s.mode) == s.
/// `real: yes` or `real: no` stands for can_be_real, since the other clock's durations are no part of a resolved scenario.
std::string write_yaml(const scenario& what);

/// Scenario files below a path (a file or a folder, `policies/` left out), sorted.
std::vector<std::string> find_scenarios(const std::string& path);

/// "30s", "1m30s", "1.5s", "200ms", "2h": nanoseconds, or nothing.
std::optional<nanoseconds> parse_duration(std::string_view text);
std::string format_duration(nanoseconds value);

/// The nearest of `candidates` within a small edit distance, or empty.
std::string near_miss(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace badorigin::scenario
