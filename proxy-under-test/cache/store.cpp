#include "proxy-under-test/cache/store.h"

#include <algorithm>
#include <utility>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

nanoseconds allowed_grace(const stored_object& object, std::optional<nanoseconds> most) {
    if (planted(bug::ignore_grace)) return nanoseconds{0};
    if (planted(bug::serve_beyond_grace)) return std::chrono::hours(24 * 365);
    return most ? std::min(*most, object.grace) : object.grace;
}

lookup_result store::look_up(const lookup_request& wanted) {
    drop_expired(wanted.now);
    using what = lookup_result::what;
    auto& found = slots_[std::string(wanted.key)];
    object_ptr stale, kept;
    if (!wanted.always_miss) {
        std::erase_if(found.objects, [&](const object_ptr& o) { return bans_.strikes(*o, wanted.request, wanted.now); });
        for (const auto& object : found.objects) {
            if (!variant_matches(*object, wanted.request.fields)) continue;
            const auto ttl = wanted.most_ttl ? std::min(*wanted.most_ttl, object->ttl) : object->ttl;
            const auto left = object->origin_time + ttl - wanted.now;
            if (left > nanoseconds{0}) {
                if (object->is == stored_object::role::hit_for_pass) return {what::hit_for_pass, object, false};
                if (object->is == stored_object::role::hit_for_miss) return {what::hit_for_miss, object, false};
                return {what::hit, object, false};
            }
            if (object->is != stored_object::role::response) continue;
            if (!stale && -left < allowed_grace(*object, wanted.most_grace)) stale = object;
            if (!kept && object->has_validator()) kept = object;
        }
    }
    const bool in_flight = found.fetching > 0;
    if (stale) {
        const bool leads = !in_flight || planted(bug::refresh_for_every_stale_hit);
        found.fetching += leads ? 1 : 0;
        return {what::stale, stale, leads};
    }
    if (in_flight && !wanted.always_miss && !wanted.never_wait && !planted(bug::no_collapsing)) return {what::busy, nullptr, false};
    ++found.fetching;
    return {what::miss, kept, true};
}

void store::wait(const std::string& key, std::function<void()> wake) {
    slots_[key].waiting.push_back(std::move(wake));
}

void store::end_fetch(const std::string& key) {
    const auto ended = slots_.find(key);
    --ended->second.fetching;
    for (auto& wake : std::exchange(ended->second.waiting, {})) wake();
    drop_if_empty(ended);
}

void store::insert(object_ptr object, const request_head& request) {
    object->bans_seen = bans_.count();
    object->variant = variant_of(object->head.fields.joined("Vary"), request.fields);
    auto& into = slots_[object->key];
    std::erase_if(into.objects, [&](const object_ptr& old) {
        return std::ranges::equal(old->variant, object->variant,
                                  [](const field& a, const field& b) { return a.name == b.name && a.value == b.value; });
    });
    ends_.emplace(object->end_of_life(), object);
    into.objects.insert(into.objects.begin(), std::move(object));
}

std::size_t store::purge(const std::string& key) {
    const auto at = slots_.find(key);
    if (at == slots_.end()) return 0;
    const auto gone = std::exchange(at->second.objects, {}).size();
    drop_if_empty(at);
    return gone;
}

void store::remove(const stored_object& object) {
    const auto at = slots_.find(object.key);
    if (at == slots_.end()) return;
    std::erase_if(at->second.objects, [&](const object_ptr& o) { return o.get() == &object; });
    drop_if_empty(at);
}

/// A key that nothing is stored under, fetched for or waited for must not stay: there are as many as clients make up.
void store::drop_if_empty(std::unordered_map<std::string, slot>::iterator which) {
    const auto& held = which->second;
    if (held.objects.empty() && held.fetching == 0 && held.waiting.empty()) slots_.erase(which);
}

void store::drop_expired(nanoseconds now) {
    if (planted(bug::serve_beyond_grace)) return;
    while (!ends_.empty() && ends_.begin()->first <= now) {
        const auto object = ends_.begin()->second.lock();
        ends_.erase(ends_.begin());
        if (!object) continue;
        if (object->end_of_life() > now) {  // a validation prolonged its life
            ends_.emplace(object->end_of_life(), object);
            continue;
        }
        remove(*object);
    }
}

std::size_t store::objects(nanoseconds now) {
    drop_expired(now);
    std::size_t count = 0;
    for (const auto& [key, held] : slots_) count += held.objects.size();
    return count;
}

object_ptr store::newest_other(std::string_view key) const {
    object_ptr newest;
    for (const auto& [other, held] : slots_) {
        if (other == key) continue;
        for (const auto& object : held.objects) {
            if (object->is == stored_object::role::response && (!newest || object->fetch_id > newest->fetch_id)) newest = object;
        }
    }
    return newest;
}

}  // namespace badorigin::cache
