#pragma once

#include <expected>
#include <string>

namespace badorigin::report {

/// The error is a sentence that names the file.
std::expected<void, std::string> write_file(const std::string& file, const std::string& text);

}  // namespace badorigin::report
