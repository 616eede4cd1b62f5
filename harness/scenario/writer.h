// Pieces of YAML that reader.h reads back as they were: what both writing files share.
#pragma once

#include <string>
#include <string_view>

#include <yaml-cpp/yaml.h>

#include "harness/scenario/scenario.h"

namespace badorigin::scenario {

/// Free text: quoted, or base64 where YAML has no way to say the bytes.
void write_text(YAML::Emitter& out, std::string_view text);
/// Names, targets and words: plain where nothing can be mistaken.
void write_word(YAML::Emitter& out, std::string_view word);

void write_key(YAML::Emitter& out, std::string_view key);
void write_word(YAML::Emitter& out, std::string_view key, std::string_view word);
void write_text(YAML::Emitter& out, std::string_view key, std::string_view text);
void write_duration(YAML::Emitter& out, std::string_view key, nanoseconds value);
void write_number(YAML::Emitter& out, std::string_view key, std::int64_t value);
void write_yes_no(YAML::Emitter& out, std::string_view key, bool value);

// write_parts.cpp
void write_origin(YAML::Emitter& out, const peers::origin_script& script);
void write_content(YAML::Emitter& out, const peers::content& body);
void write_fields(YAML::Emitter& out, const peers::field_lines& fields);
void write_expectation(YAML::Emitter& out, std::string_view key, const expectation& what);
/// The keys of a client, without name.
void write_client(YAML::Emitter& out, const client_act& what);

}  // namespace badorigin::scenario
