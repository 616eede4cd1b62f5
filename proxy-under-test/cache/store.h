// The stored responses, and who fetches what.
//
// Each key holds its variants, newest first, the number of fetches in flight for it, and those who wait for their end (the waiting list).
// Whoever look_up() makes the leader must call end_fetch() once, whatever became of the fetch; that wakes all who wait, in order of
// arrival, and each looks up again: the stored response is a hit to all, a marker (hit-for-miss) sends each its own way, and after a
// failure the first to come is the new leader while the others wait again.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "proxy-under-test/cache/bans.h"
#include "proxy-under-test/cache/stored_object.h"

namespace badorigin::cache {

struct lookup_request {
    std::string_view key;
    const request_head& request;
    nanoseconds now{0};
    std::optional<nanoseconds> most_grace, most_ttl;  ///< req.grace, req.ttl
    bool always_miss = false, never_wait = false;     ///< req.hash_always_miss, req.hash_ignore_busy
};

struct lookup_result {
    enum class what {
        hit,           ///< `object` is fresh
        stale,         ///< `object` is within its grace; `leads`: a refresh is due, and it is this request's to start
        miss,          ///< `leads`; `object`: within its keep, to be validated, or null
        hit_for_miss,  ///< known not to be storable: fetch alone
        hit_for_pass,
        busy  ///< somebody fetches it: wait
    } is = what::miss;
    object_ptr object;
    bool leads = false;
};

class store {
public:
    explicit store(const ban_list& bans) : bans_(bans) {}

    lookup_result look_up(const lookup_request& wanted);
    void wait(const std::string& key, std::function<void()> wake);
    void end_fetch(const std::string& key);
    /// Replaces the same variant.
    void insert(object_ptr object, const request_head& request);
    std::size_t purge(const std::string& key);
    void remove(const stored_object& object);

    std::size_t objects(nanoseconds now);
    /// The newest object of another key.
    object_ptr newest_other(std::string_view key) const;

private:
    struct slot {
        std::vector<object_ptr> objects;
        int fetching = 0;
        std::vector<std::function<void()>> waiting;
    };
    void drop_expired(nanoseconds now);
    void drop_if_empty(std::unordered_map<std::string, slot>::iterator which);

    const ban_list& bans_;
    std::unordered_map<std::string, slot> slots_;
    std::multimap<nanoseconds, std::weak_ptr<stored_object>> ends_;
};

/// How long beyond its ttl the object may be served.
nanoseconds allowed_grace(const stored_object& object, std::optional<nanoseconds> most);

}  // namespace badorigin::cache
