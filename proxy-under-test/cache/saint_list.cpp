#include "proxy-under-test/cache/saint_list.h"

#include <algorithm>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

void saint_list::blacklist(const std::string& key, nanoseconds now, nanoseconds lasting) {
    if (planted(bug::saint_ends_early)) lasting /= 2;
    std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
    auto& until = until_[key];
    until = std::max(until, now + lasting);
}

bool saint_list::sick_for(const std::string& key, nanoseconds now) const {
    if (threshold_ <= 0 || planted(bug::ignore_saint)) return false;  // 0 switches saint mode off (R3.4)
    const auto listed = until_.find(key);
    if (listed != until_.end() && listed->second > now) return true;
    return size(now) >= threshold_;
}

std::int64_t saint_list::size(nanoseconds now) const {
    return std::ranges::count_if(until_, [now](const auto& entry) { return entry.second > now; });
}

}  // namespace badorigin::cache
