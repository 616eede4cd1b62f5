// The JSON files of a bundle: written here, read in evidence.cpp, described nowhere else.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "capture/evidence.h"

namespace badorigin::capture {

inline constexpr const char* manifest_file = "manifest.json";
inline constexpr const char* packets_file = "packets.pcapng";
inline constexpr const char* vitals_file = "vitals.json";
inline constexpr const char* received_file = "received.json";

/// Each writes beside the file and renames, so that a reader sees the old or the new one, never half. The error names the file:
/// "FOLDER/manifest.json: No space left on device".
std::expected<void, std::string> write_manifest(const std::string& folder, const manifest& what);
std::expected<void, std::string> write_vitals(const std::string& folder, const std::vector<vitals_sample>& what);
std::expected<void, std::string> write_received(const std::string& folder, const std::vector<received>& what);

/// The error names the file and what is wrong in it.
std::expected<manifest, std::string> read_manifest(const std::string& folder);
std::expected<std::vector<vitals_sample>, std::string> read_vitals(const std::string& folder);
std::expected<std::vector<received>, std::string> read_received(const std::string& folder);

}  // namespace badorigin::capture
