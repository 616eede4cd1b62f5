// The source texts of one load, and the errors found in them so far.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "proxy-under-test/vcl/value.h"

namespace badorigin::cache::vcl {

/// Where a token stands: cheap to copy, turned into a `position` only for an error.
struct place {
    std::uint32_t source = 0;
    int line = 1, column = 1;  ///< from 1, columns in bytes
};

class sources {
public:
    struct text {
        std::string name, content, directory;  ///< directory: what "./x" in an include means
        int version = 0;                       ///< 40 or 41, once its marker (or its includer's) is known
    };
    std::uint32_t add(std::string name, std::string content, std::string directory);
    const text& operator[](std::uint32_t which) const { return texts_[which]; }
    text& operator[](std::uint32_t which) { return texts_[which]; }
    bool full() const { return texts_.size() >= 200; }

    /// A second error at the same place is noise and is left out; so is everything after the hundredth.
    void complain(place at, std::string message);
    bool clean() const { return found_.empty(); }
    std::vector<error> errors() const;  ///< in source order

private:
    struct complaint {
        place at;
        std::string message;
    };
    std::deque<text> texts_;
    std::vector<complaint> found_;
};

/// " (did you mean X?)" for the candidate nearest to `wrong`, or nothing where none is near.
std::string suggestion(std::string_view wrong, const std::vector<std::string>& candidates);

}  // namespace badorigin::cache::vcl
