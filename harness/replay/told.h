// What a replay found, for people and for machines.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "harness/replay/replay.h"

namespace badorigin::replay {

/// Of the recording, told once.
std::string recording_text(const replayer& of);
std::string replayed_text(const replayed& one, const replayer& of);
nlohmann::ordered_json replayed_json(const replayed& one, const replayer& of);
/// As replay.json holds it.
std::string json_text(const nlohmann::ordered_json& what);

}  // namespace badorigin::replay
