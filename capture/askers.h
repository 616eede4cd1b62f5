// The client exchanges that may have caused what an origin was asked, found by what both have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "capture/deliveries.h"
#include "capture/exchange.h"
#include "capture/likeness.h"

namespace badorigin::capture {

inline constexpr nanoseconds unordered = std::chrono::microseconds(300);  // time stamps of two CPUs

struct client;

/// A client exchange as a possible cause.
struct asker {
    const exchange* e = nullptr;
    client* of = nullptr;
    frame_ref ready, answered;  // header of the request there; first byte of the final response, or when nothing more came
    request_traits asked;
    varnish_ids ids;
    std::uint64_t answer = 0;  // answer_key
    bool hit = false;          // the response says that it came from a store
    bool failed() const { return !e->answered_whole() || e->response->message.status >= 500; }
};

/// Finds askers by a key, those of one key in the order of `ready`.
class askers {
public:
    void add(std::uint64_t key, const asker& a) {
        auto& all = by_key_[key].entries;
        auto at = all.end();
        while (at != all.begin() && std::prev(at)->ready > a.ready.number) --at;
        at = all.insert(at, {a.ready.number, a.answered.time, &a});
        for (; at != all.end(); ++at)
            if (at != all.begin()) at->latest = std::max(at->latest, std::prev(at)->latest);
    }
    void forget(std::uint64_t key, const asker& a) {
        const auto of_key = by_key_.find(key);
        if (of_key == by_key_.end()) return;
        auto& [all, gone] = of_key->second;
        const auto at =
            std::find_if(all.begin() + static_cast<std::ptrdiff_t>(gone), all.end(), [&](const entry& x) { return x.what == &a; });
        if (at != all.end()) at->what = nullptr;
        while (gone < all.size() && !all[gone].what) ++gone;
        if (gone == all.size())
            by_key_.erase(of_key);
        else if (gone > 32 && gone > all.size() / 2)
            all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::exchange(gone, 0)));
    }
    /// Calls `visit` for those that were ready at `at` and not answered `since` long before; the latest first, until it returns false.
    template <class Visit>
    void around(std::uint64_t key, const frame_ref& at, nanoseconds doubt, nanoseconds since, const Visit& visit) const {
        const auto of_key = by_key_.find(key);
        if (of_key == by_key_.end()) return;
        const auto& [all, gone] = of_key->second;
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(gone);
        auto i = std::ranges::upper_bound(begin, all.end(), at.number, {}, &entry::ready);
        while (doubt.count() > 0 && i != all.end() && (!i->what || i->what->ready.time <= at.time + doubt)) ++i;
        while (i != begin) {
            --i;
            if (i->latest + since + doubt + unordered < at.time || (i->what && !visit(*i->what))) return;
        }
    }

private:
    struct entry {
        frame_number ready;
        nanoseconds latest;  // answer of all of this key up to here
        const asker* what;   // null: forgotten
    };
    struct line {
        std::vector<entry> entries;
        std::size_t gone = 0;  // so many at the front are forgotten
    };
    std::unordered_map<std::uint64_t, line> by_key_;
};

/// An exchange of the client leg (or of an unknown one), until its transaction is settled.
struct client {
    transaction whole;
    std::optional<asker> asking;  // one that may cause something
    frame_ref begin;
    std::vector<std::uint64_t> fetch_ids;  // of what was joined
    cause_ptr delivered;
    bool awaits_delivery = false;
};

}  // namespace badorigin::capture
