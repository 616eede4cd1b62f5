// Whether the packets are all there (DESIGN.md: complete). Claims of absence depend on it.
#pragma once

#include <string>
#include <vector>

#include "capture/evidence.h"

namespace badorigin::capture {

/// Sentences; none when nothing is missing.
std::vector<std::string> why_incomplete(const evidence& all);

}  // namespace badorigin::capture
