// The stored responses, and who fetches what.
//
// Each key holds its variants, newest first, the number of fetches in flight for it, and those who wait for their end (the waiting list).
// Who is to fetch gets a fetch_lead from look_up() and ends it, or its destructor does, whatever became of the fetch. That wakes all who
// wait, in order of arrival: a stored response is a hit to all, a marker (hit-for-miss) sends each its own way, a failure is the answer
// to all, and what cannot be shared lets all of them fetch at once; nobody waits a second time for the same reason.
//
// Objects live in storage areas, each with its limit in bytes. What does not fit makes the least recently used ones go (R2.26).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy-under-test/cache/bans.h"
#include "proxy-under-test/cache/cache_directives.h"
#include "proxy-under-test/cache/stored_object.h"

namespace badorigin::cache {

class store;

/// What became of a fetch, for those who waited for it.
struct fetch_end {
    enum class what { undecided, stored, failed, not_shared } is = what::undecided;
    object_ptr answer;  ///< failed: the error's page, if there is one
};

/// The duty to end a fetch.
class fetch_lead {
public:
    fetch_lead() = default;
    fetch_lead(store& in, std::string_view key) : in_(&in), key_(key) {}
    fetch_lead(fetch_lead&& other) noexcept : in_(std::exchange(other.in_, nullptr)), key_(std::move(other.key_)) {}
    fetch_lead& operator=(fetch_lead&& other) noexcept;
    ~fetch_lead() { end(); }
    explicit operator bool() const { return in_ != nullptr; }
    void end(const fetch_end& how = {});

private:
    store* in_ = nullptr;
    std::string key_;
};

/// One who waits; whoever gives it up before just lets go of it.
struct waiter {
    std::function<void()> wake;
    std::optional<fetch_end> ended;
};

struct lookup_request {
    std::string_view key;
    const request_head& request;
    nanoseconds now{0};
    std::optional<nanoseconds> most_grace, most_ttl;  ///< req.grace, req.ttl
    bool always_miss = false, never_wait = false;     ///< req.hash_always_miss, req.hash_ignore_busy
    client_wishes wishes = {};
    bool any_variant = false;       ///< req.hash_ignore_vary
    bool refreshes_itself = false;  ///< VCL 3: stale only while another fetches, or the origin is sick; else fetch
    bool origin_healthy = true;
};

struct lookup_result {
    enum class what {
        hit,           ///< `object` is fresh
        stale,         ///< `object` is within its grace; with a `lead` a refresh is due, and it is this request's to start
        miss,          ///< with a `lead`; `object`: within its keep, to be validated, or null
        hit_for_miss,  ///< known not to be storable: fetch alone
        hit_for_pass,
        busy  ///< somebody fetches it: wait
    } is = what::miss;
    object_ptr object;
    fetch_lead lead = {};
    object_ptr partial = {};   ///< of a miss: what may be completed
    object_ptr fallback = {};  ///< what may be served if the fetch fails (RFC 5861 4)
};

struct storage_area {
    std::uint64_t limit = std::uint64_t(256) * 1024 * 1024, used = 0, evicted = 0;
    std::list<object_ptr> objects{};  ///< the most recently used first
};

class store {
public:
    explicit store(ban_list& bans) : bans_(bans) {}

    lookup_result look_up(const lookup_request& wanted);
    void wait(const std::string& key, const std::shared_ptr<waiter>& who);
    /// Replaces the same variant. False: it is larger than its whole storage area.
    bool insert(const object_ptr& object, const request_head& request);
    std::size_t purge(const std::string& key);
    /// More content of a stored object has come; it stays stored as long as it fits.
    void grew(const object_ptr& object);
    /// If it is stored.
    void discard(const object_ptr& object);
    /// The stored variant for the request, however old, or null.
    object_ptr variant(const std::string& key, const field_list& request) const;
    /// Of all that is stored under the key: what is left of each part of its life is no more than this. None: as it was.
    std::size_t shorten(const std::string& key, nanoseconds now, nanoseconds ttl, std::optional<nanoseconds> grace,
                        std::optional<nanoseconds> keep);

    std::size_t objects(nanoseconds now);
    /// The newest object of another key.
    object_ptr newest_other(std::string_view key) const;

    /// By name; "default" is always there.
    std::map<std::string, storage_area, std::less<>> areas{{"default", {}}};

private:
    friend class fetch_lead;
    struct slot {
        std::vector<object_ptr> objects;
        int fetching = 0;
        std::vector<std::weak_ptr<waiter>> waiting;
    };
    using slot_place = std::unordered_map<std::string, slot>::iterator;
    object_ptr select(slot& in, const lookup_request& wanted, lookup_result& found);
    void end_fetch(const std::string& key, const fetch_end& how);
    void evict(storage_area& in, std::uint64_t bytes);
    bool make_room(storage_area& in, std::uint64_t bytes);
    void release(stored_object& object);
    void remove(stored_object& object);
    void drop_expired(nanoseconds now);
    void drop_if_empty(slot_place which);
    void sweep_bans(nanoseconds now);

    ban_list& bans_;
    std::unordered_map<std::string, slot> slots_;
    life_ends ends_;
};

/// How long beyond its ttl the object may be served.
nanoseconds allowed_grace(const stored_object& object, std::optional<nanoseconds> most);

}  // namespace badorigin::cache
