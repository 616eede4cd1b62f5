// What a saintmode object keeps away from its backend, and until when (R1.6, R3.3, R3.4).
#pragma once

#include <map>
#include <string>

#include "proxy-under-test/cache/clock.h"

namespace badorigin::cache {

class saint_list {
public:
    /// `threshold`: with so many keys listed the whole backend counts as sick; 0: never.
    explicit saint_list(std::int64_t threshold) : threshold_(threshold) {}

    void blacklist(const std::string& key, nanoseconds now, nanoseconds lasting);
    bool sick_for(const std::string& key, nanoseconds now) const;
    std::int64_t size(nanoseconds now) const;
    std::int64_t threshold() const { return threshold_; }

private:
    std::int64_t threshold_;
    std::map<std::string, nanoseconds> until_;
};

}  // namespace badorigin::cache
