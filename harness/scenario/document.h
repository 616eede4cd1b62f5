// A text as a YAML tree, with the inputs refused that would cost more than they say.
#pragma once

#include <expected>
#include <string_view>

#include <yaml-cpp/yaml.h>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {

inline constexpr std::size_t largest_file = 1 << 20;
inline constexpr int deepest_nesting = 50;
inline constexpr std::uint64_t largest_expansion = 16u << 20;  ///< bytes, and 16 for each node, with all aliases followed

/// The one document of the text. Never throws.
std::expected<YAML::Node, problem> load_document(std::string_view text, const std::string& file);

}  // namespace badorigin::scenario
