// A list of differences between then and now that are known and accepted, each with its reason: {"allowed": [{"reason": …, …}]}.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/traffic/compare.h"

namespace badorigin::replay {

/// Members that are empty, or "*", allow anything; others may hold *.
struct allowed_difference {
    std::string reason, proxy, kind, name, method, target, then, now;
    std::size_t at_most = SIZE_MAX;
    std::size_t met = 0;  ///< differences that it allowed
};

class allowed_differences {
public:
    /// Nothing is allowed.
    allowed_differences() = default;
    /// Both throw std::invalid_argument with a sentence, which begins with the file's name, or that of `text`.
    static allowed_differences read(const std::string& file);
    static allowed_differences parse(const std::string& text, const std::string& name);

    /// The first entry that allows it and has not yet allowed as many as it may; null: none.
    const allowed_difference* allow(const traffic::difference& what, const traffic::recording& in, std::string_view proxy);
    /// Entries for the proxy that allowed nothing.
    std::vector<const allowed_difference*> idle(std::string_view proxy) const;
    /// Every entry may allow again: another proxy's replay.
    void begin_again();

private:
    std::vector<allowed_difference> all_;
};

}  // namespace badorigin::replay
