// Whether the packets are all there (DESIGN.md: complete). Claims of absence depend on it.
#pragma once

#include <string>
#include <vector>

#include "capture/evidence.h"

namespace badorigin::capture {

/// Of connections, part by part.
class holes_told {
public:
    void add(const evidence& part);
    std::vector<std::string> sentences() const;

private:
    std::vector<std::string> named_;
    std::size_t count_ = 0;
};

/// Sentences; none when nothing is missing.
std::vector<std::string> why_incomplete(const evidence& all);

}  // namespace badorigin::capture
