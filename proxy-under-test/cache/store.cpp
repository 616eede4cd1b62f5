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

namespace {
/// For this client (RFC 9111 5.2.1). A reload does not ask again for what cannot change (RFC 8246).
bool fresh_enough(const stored_object& object, nanoseconds left, const lookup_request& for_whom) {
    const auto& wishes = for_whom.wishes;
    if (wishes.no_cache || (wishes.min_fresh && left < *wishes.min_fresh)) return false;
    if (!wishes.max_age || object.age(for_whom.now) <= *wishes.max_age) return true;
    return object.head.fields.has_element("Cache-Control", "immutable");
}

/// How long beyond its ttl it may be served to this client.
nanoseconds stale_for(const stored_object& object, const lookup_request& to) {
    const auto& wishes = to.wishes;
    if (wishes.no_cache || wishes.min_fresh) return nanoseconds{0};
    if (wishes.max_age && (!wishes.max_stale || object.age(to.now) > *wishes.max_age + *wishes.max_stale)) return nanoseconds{0};
    const auto grace = allowed_grace(object, to.most_grace);
    return object.must_revalidate ? grace : std::max(grace, wishes.max_stale.value_or(nanoseconds{0}));
}
}  // namespace

fetch_lead& fetch_lead::operator=(fetch_lead&& other) noexcept {
    end();
    in_ = std::exchange(other.in_, nullptr);
    key_ = std::move(other.key_);
    return *this;
}

void fetch_lead::end(const fetch_end& how) {
    if (auto* in = std::exchange(in_, nullptr)) in->end_fetch(key_, how);
}

lookup_result store::look_up(const lookup_request& wanted) {
    using what = lookup_result::what;
    drop_expired(wanted.now);
    if (bans_.crowded()) sweep_bans(wanted.now);
    auto& found = slots_[std::string(wanted.key)];
    lookup_result out;
    if (!wanted.always_miss) out.object = select(found, wanted, out);
    if (out.object && out.is != what::miss) {
        auto& area = areas.find(out.object->storage)->second;
        area.objects.splice(area.objects.begin(), area.objects, out.object->place);
    }
    const bool in_flight = found.fetching > 0;
    if (out.is == what::stale && wanted.refreshes_itself && !planted(bug::refresh_for_every_stale_hit)) {
        if (in_flight || !wanted.origin_healthy) return out;
        out = {};
    }
    const bool refresh = out.is == what::stale && (!in_flight || planted(bug::refresh_for_every_stale_hit));
    if (out.is == what::miss && in_flight && !wanted.always_miss && !wanted.never_wait && !planted(bug::no_collapsing))
        return {.is = what::busy, .object = nullptr};
    if (out.is == what::miss || refresh) {
        ++found.fetching;
        out.lead = fetch_lead(*this, wanted.key);
    }
    return out;
}

/// The variant for the request; what it is goes to `found`. A miss: the one that may be validated, or null.
object_ptr store::select(slot& in, const lookup_request& wanted, lookup_result& found) {
    using what = lookup_result::what;
    const auto banned =
        std::ranges::stable_partition(in.objects, [&](const object_ptr& o) { return !bans_.strikes(*o, wanted.request, wanted.now); });
    for (const auto& object : banned) release(*object);
    in.objects.erase(banned.begin(), banned.end());

    object_ptr stale, kept;
    for (const auto& object : in.objects) {
        if (!wanted.any_variant && !variant_matches(*object, wanted.request.fields)) continue;
        const auto ttl = wanted.most_ttl ? std::min(*wanted.most_ttl, object->ttl) : object->ttl;
        const auto left = object->origin_time + ttl - wanted.now;
        if (object->is != stored_object::role::response) {
            if (left <= nanoseconds{0}) continue;
            found.is = object->is == stored_object::role::hit_for_miss ? what::hit_for_miss : what::hit_for_pass;
            return object;
        }
        const bool fresh = left > nanoseconds{0} && fresh_enough(*object, left, wanted);
        if (object->partial && !(fresh && object->has_part_for(wanted.request))) {
            found.partial = object;
            continue;
        }
        if (fresh) {
            found.is = what::hit;
            return object;
        }
        if (!stale && left <= nanoseconds{0} && -left < stale_for(*object, wanted)) stale = object;
        if (!kept && object->has_validator()) kept = object;
        if (!found.fallback && -left < object->stale_if_error) found.fallback = object;
    }
    if (!stale) return kept;
    // What only this client accepts stale is no reason to ask the origin.
    const bool within_grace = wanted.now - stale->origin_time - stale->ttl < allowed_grace(*stale, wanted.most_grace);
    found.is = within_grace || wanted.most_ttl ? what::stale : what::hit;
    return stale;
}

void store::wait(const std::string& key, const std::shared_ptr<waiter>& who) {
    auto& waiting = slots_[key].waiting;
    if (waiting.size() == waiting.capacity()) std::erase_if(waiting, [](const auto& each) { return each.expired(); });
    waiting.push_back(who);
}

void store::end_fetch(const std::string& key, const fetch_end& how) {
    const auto ended = slots_.find(key);
    --ended->second.fetching;
    for (const auto& each : std::exchange(ended->second.waiting, {})) {
        const auto woken = each.lock();
        if (!woken || woken->ended) continue;
        woken->ended = how;
        if (auto wake = std::exchange(woken->wake, nullptr)) wake();
    }
    drop_if_empty(ended);
}

bool store::insert(const object_ptr& object, const request_head& request) {
    if (!areas.contains(object->storage) || planted(bug::one_store_for_all)) object->storage = "default";
    auto& area = areas.find(object->storage)->second;
    object->bans_seen = bans_.count();
    object->variant = variant_of(object->head.fields.joined("Vary"), request.fields);
    object->accounted = bytes_of(*object);
    auto& into = slots_[object->key];
    const auto same = [&](const object_ptr& old) {
        return std::ranges::equal(old->variant, object->variant,
                                  [](const field& a, const field& b) { return a.name == b.name && a.value == b.value; });
    };
    for (const auto& old : into.objects) {
        if (same(old)) release(*old);
    }
    std::erase_if(into.objects, same);
    ++into.fetching;  // holds the slot while others go
    const bool fits = make_room(area, object->accounted);
    --into.fetching;
    if (fits) {
        area.used += object->accounted;
        area.objects.push_front(object);
        object->place = area.objects.begin();
        object->end = ends_.emplace(object->end_of_life(), object.get());
        object->held = true;
        into.objects.insert(into.objects.begin(), object);
    }
    if (!fits) drop_if_empty(slots_.find(object->key));
    return fits;
}

bool store::make_room(storage_area& in, std::uint64_t bytes) {
    if (bytes > in.limit) return false;
    evict(in, bytes);
    return true;
}

/// The least recently used go, until there is room for as many bytes more.
void store::evict(storage_area& in, std::uint64_t bytes) {
    if (planted(bug::never_evict)) return;
    while (in.used + bytes > in.limit) {
        const auto last = in.objects.back();
        remove(*last);
        ++in.evicted;
    }
}

void store::grew(const object_ptr& object) {
    if (!object->held) return;
    auto& area = areas.find(object->storage)->second;
    area.objects.splice(area.objects.begin(), area.objects, object->place);  // the last to make room for itself
    const auto bytes = bytes_of(*object);
    area.used += bytes - object->accounted;
    object->accounted = bytes;
    evict(area, 0);
}

void store::discard(const object_ptr& object) {
    if (object->held) remove(*object);
}

/// Takes it out of its storage area; the slot is the caller's.
void store::release(stored_object& object) {
    if (!std::exchange(object.held, false)) return;
    ends_.erase(object.end);
    auto& area = areas.find(object.storage)->second;
    area.used -= object.accounted;
    area.objects.erase(object.place);
}

std::size_t store::purge(const std::string& key) {
    const auto at = slots_.find(key);
    if (at == slots_.end() || planted(bug::ignore_purge)) return 0;
    const auto gone = std::exchange(at->second.objects, {});
    for (const auto& each : gone) release(*each);
    drop_if_empty(at);
    return gone.size();
}

std::size_t store::shorten(const std::string& key, nanoseconds now, nanoseconds ttl, std::optional<nanoseconds> grace,
                           std::optional<nanoseconds> keep) {
    const auto at = slots_.find(key);
    if (at == slots_.end()) return 0;
    for (const auto& object : at->second.objects) {
        object->ttl = std::min(object->ttl, now + ttl - object->origin_time);
        object->grace = grace.value_or(object->grace);
        object->keep = keep.value_or(object->keep);
        if (!object->held) continue;
        ends_.erase(object->end);
        object->end = ends_.emplace(object->end_of_life(), object.get());
    }
    return at->second.objects.size();
}

object_ptr store::variant(const std::string& key, const field_list& request) const {
    const auto at = slots_.find(key);
    if (at == slots_.end()) return nullptr;
    for (const auto& each : at->second.objects) {
        if (each->is == stored_object::role::response && variant_matches(*each, request)) return each;
    }
    return nullptr;
}

void store::remove(stored_object& object) {
    const auto at = slots_.find(object.key);
    release(object);
    std::erase_if(at->second.objects, [&](const object_ptr& o) { return o.get() == &object; });
    drop_if_empty(at);
}

/// A key that nothing is stored under, fetched for or waited for must not stay: there are as many as clients make up.
void store::drop_if_empty(slot_place which) {
    const auto& held = which->second;
    if (held.objects.empty() && held.fetching == 0 && held.waiting.empty()) slots_.erase(which);
}

void store::drop_expired(nanoseconds now) {
    if (planted(bug::serve_beyond_grace)) return;
    while (!ends_.empty() && ends_.begin()->first <= now) remove(*ends_.begin()->second);
}

/// The ban lurker: what needs no request is tested now, and the bans that every object has passed are forgotten.
void store::sweep_bans(nanoseconds now) {
    std::vector<object_ptr> banned;
    auto passed = bans_.count();
    for (const auto& [name, area] : areas) {
        for (const auto& object : area.objects) {
            if (bans_.strikes_without_request(*object, now)) {
                banned.push_back(object);
            } else {
                passed = std::min(passed, object->bans_seen);
            }
        }
    }
    for (const auto& each : banned) remove(*each);
    bans_.forget_before(passed);
}

std::size_t store::objects(nanoseconds now) {
    drop_expired(now);
    std::size_t count = 0;
    for (const auto& [name, area] : areas) count += area.objects.size();
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
