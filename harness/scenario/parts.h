// The parts of a scenario file, each read by its own function.
#pragma once

#include "harness/scenario/reader.h"

namespace badorigin::scenario {

// read_message.cpp: what requests and replies have in common
struct start_line {
    std::string method, target;
};
/// "POST /orders"; a pattern may also have * as method and a trailing * in its target.
std::optional<start_line> read_start_line(reader& to, const YAML::Node& from, std::string_view what, const std::string& text, bool pattern);
std::optional<peers::field_lines> read_fields(reader& to, const YAML::Node& from, std::string_view what);
std::optional<peers::content> read_content(reader& to, const YAML::Node& from, std::string_view what);
std::optional<std::string> read_version(reader& to, const YAML::Node& from);
/// Name and value pairs of a mapping, or of a list of pairs where a name comes more than once.
struct name_value {
    std::string name;
    YAML::Node name_node, value;
};
std::vector<name_value> read_pairs(reader& to, const YAML::Node& from, std::string_view what);

// read_fault.cpp
std::optional<peers::fault> read_fault(reader& to, const YAML::Node& from);

// read_origins.cpp
std::vector<peers::origin_script> read_origins(reader& to, const YAML::Node& from);
std::vector<peers::reply> read_replies(reader& to, const YAML::Node& from);
std::vector<std::string> read_origin_names(const YAML::Node& from);

// read_steps.cpp
std::vector<step> read_steps(reader& to, const YAML::Node& from);
/// Names of steps and clients, given or made, before any step is read; problems with them too.
std::vector<named_step> read_step_names(reader& to, const YAML::Node& from);

// read_client.cpp
std::span<const std::string_view> client_keys();
client_act read_client(reader& to, const shape& from, std::string name);

// read_expect.cpp: of one exchange
expectation read_expectation(reader& to, const YAML::Node& from, std::string_view what);

// read_run.cpp: of the whole run
void read_run_expectations(reader& to, const YAML::Node& from, scenario& out);

// yaml_reader.cpp
void read_covers(reader& to, const shape& from, std::vector<std::string>& into);
/// A mapping of names to the reason why. `known`: what may be named; null or empty: anything.
void read_reasons(reader& to, const shape& from, std::string_view key, const std::vector<std::string>* known,
                  std::map<std::string, std::string>& into);

// read_table.cpp
bool is_table(const YAML::Node& document);
/// `id` stands before the cases' own.
std::expected<std::vector<scenario>, std::vector<problem>> read_table(const YAML::Node& document, const std::string& file,
                                                                      const std::string& id, time_mode mode,
                                                                      const std::vector<std::string>& known_rules, std::uint64_t seed);
std::vector<std::string> case_names(const YAML::Node& document);

/// Why a regular expression is none, or nothing.
std::optional<std::string> regex_error(std::string_view pattern);

}  // namespace badorigin::scenario
