#include "capture/forwarding.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "capture/deliveries.h"
#include "capture/ends.h"
#include "capture/joiner.h"
#include "capture/likeness.h"
#include "http/running_hash.h"

namespace badorigin::capture {
namespace {

constexpr std::size_t most_candidates = 16;
constexpr std::size_t most_alike = 4096;  // looked at, for one exchange
constexpr nanoseconds background_delay = std::chrono::milliseconds(250);
constexpr nanoseconds late_retry = std::chrono::seconds(1);
constexpr nanoseconds unordered = std::chrono::microseconds(300);  // time stamps of two CPUs

using index = std::uint32_t;  // of a transaction

/// A client exchange as a possible cause.
struct asker {
    index of = 0;
    const exchange* e = nullptr;
    frame_ref ready, answered;  // header of the request there; first byte of the final response, or when nothing more came
    request_traits asked;
    varnish_ids ids;
    std::uint64_t answer = 0;  // answer_key
    bool hit = false;          // the response says that it came from a store
};

/// Finds askers by a key, those of one key in the order of `ready`. Filled in that order, then finished.
class askers {
public:
    void add(std::uint64_t key, const asker& a) { all_.push_back({key, a.answered.time, &a}); }
    void finish() {
        std::ranges::stable_sort(all_, {}, &entry::key);
        for (std::size_t i = 1; i < all_.size(); ++i)
            if (all_[i].key == all_[i - 1].key) all_[i].latest = std::max(all_[i].latest, all_[i - 1].latest);
    }
    /// Calls `visit` for those that were ready at `at` and not answered `since` long before; the latest first, until it returns false.
    template <class Visit>
    void around(std::uint64_t key, const frame_ref& at, nanoseconds doubt, nanoseconds since, const Visit& visit) const {
        const auto begin = std::ranges::lower_bound(all_, key, {}, &entry::key);
        const auto end = std::ranges::upper_bound(begin, all_.end(), key, {}, &entry::key);
        auto i = std::ranges::upper_bound(begin, end, at.number, {}, [](const entry& x) { return x.what->ready.number; });
        while (doubt.count() > 0 && i != end && i->what->ready.time <= at.time + doubt) ++i;
        while (i != begin) {
            --i;
            if (i->latest + since + doubt + unordered < at.time || !visit(*i->what)) return;
        }
    }

private:
    struct entry {
        std::uint64_t key;
        nanoseconds latest;  // answer of all of this key up to here
        const asker* what;
    };
    std::vector<entry> all_;
};

struct verdict {
    confidence how = confidence::ambiguous;
    std::string_view by;
    std::vector<index> fits;
};

/// An exchange of the origin leg whose cause is looked for.
struct forwarded {
    const exchange& e;
    const http::message& request;
    frame_ref at;
    request_traits asked;
    std::uint64_t answer = 0;
};

class joiner {
public:
    joiner(const std::vector<exchange_ptr>& exchanges, const clock_doubt& doubt) : doubt_(doubt) {
        for (const exchange_ptr& e : exchanges)
            if (e->leg() != leg::origin) add_client(e);
        index_clients();
        for (const exchange_ptr& e : exchanges)
            if (e->leg() == leg::origin) add_origin(e);
    }
    std::vector<transaction> take() {
        for (transaction& t : unasked_) joined_.push_back(std::move(t));
        return std::move(joined_);
    }

private:
    using candidates = std::vector<const asker*>;

    void add_client(const exchange_ptr& e);
    void index_clients();
    void add_origin(const exchange_ptr& e);
    verdict decide(const forwarded& o) const;
    std::optional<verdict> by_ids(const forwarded& o) const;
    verdict by_the_rest(const forwarded& o) const;
    candidates waiting(const askers& among, std::uint64_t key, const forwarded& o, nanoseconds extra = nanoseconds{0}) const;
    candidates refreshing(const forwarded& o) const;
    bool in_flight(const asker& a, const frame_ref& at, nanoseconds extra) const;
    verdict narrow(candidates fits, const forwarded& o, std::string_view by) const;
    bool sure(const asker& only, const forwarded& o) const;
    bool served_whole(index of) const;
    nanoseconds doubt(const frame_ref& a, const frame_ref& b) const { return doubt_ ? doubt_(a, b) : nanoseconds{0}; }

    const clock_doubt& doubt_;
    std::vector<transaction> joined_, unasked_;
    std::vector<asker> clients_;
    askers by_key_;     // method and path
    askers failed_;     // of these, those that got no success: they may be tried again late
    askers by_body_;    // method and content
    askers by_trace_;   // name and value
    askers everybody_;  // key 0
    std::unordered_map<std::string_view, index> by_token_;
    std::unordered_map<std::uint64_t, std::pair<index, confidence>> by_fetch_id_;  // of what was joined
};

std::uint64_t body_key(const http::message& m) {
    return m.complete && m.content_size > 0 ? mix(http::hash(m.method), m.content_hash) : 0;
}
std::uint64_t trace_key(const trace& t) {
    return mix(http::hash(t.name), http::hash(t.value));
}

void joiner::add_client(const exchange_ptr& e) {
    const auto of = static_cast<index>(joined_.size());
    joined_.emplace_back().client = e;
    if (e->leg() != leg::client) return;
    if (!e->token.empty()) by_token_.emplace(e->token, of);
    asker a;
    a.asked = traits_of_request(*e);
    if (a.asked.key == 0) return;
    a.of = of;
    a.e = e.get();
    a.ready = e->request->header_end;
    a.answered = e->response ? e->response->first : e->on->last;
    a.ids = ids_of_response(*e);
    a.answer = answer_key(*e);
    a.hit = answered_from_store(*e);
    clients_.push_back(std::move(a));
}

void joiner::index_clients() {
    const auto ready = [](const asker& a) { return a.ready.number; };
    if (!std::ranges::is_sorted(clients_, {}, ready)) std::ranges::stable_sort(clients_, {}, ready);
    for (const asker& a : clients_) {
        by_key_.add(a.asked.key, a);
        everybody_.add(0, a);
        if (!a.e->answered_whole() || a.e->response->message.status >= 500) failed_.add(a.asked.key, a);
        if (const auto key = body_key(a.e->request->message)) by_body_.add(key, a);
        for (const trace& id : a.asked.traces) by_trace_.add(trace_key(id), a);
    }
    for (askers* all : {&by_key_, &failed_, &by_body_, &by_trace_, &everybody_}) all->finish();
}

void joiner::add_origin(const exchange_ptr& e) {
    verdict v;
    if (e->request && e->request->message.header_complete) {
        const forwarded o{*e, e->request->message, e->request->first, traits_of_request(*e), answer_key(*e)};
        v = decide(o);
        if (v.fits.size() == 1) {
            attach(joined_[v.fits.front()], e, v.how, v.by);
            if (o.asked.id != 0) by_fetch_id_.insert_or_assign(o.asked.id, std::pair(v.fits.front(), v.how));
            return;
        }
    }
    transaction t;
    t.kind = transaction::kind::probe_or_unasked;
    t.fetches.push_back({{e}, v.fits.empty() ? confidence::certain : confidence::ambiguous, v.fits.empty() ? std::string_view() : v.by});
    for (const index fit : v.fits)
        if (t.candidates.size() < most_candidates) t.candidates.push_back(joined_[fit].client);
    unasked_.push_back(std::move(t));
}

bool joiner::in_flight(const asker& a, const frame_ref& at, nanoseconds extra) const {
    const auto not_after = [&](const frame_ref& x, const frame_ref& y) {
        const nanoseconds apart = std::max(extra, doubt(x, y));
        return apart.count() == 0 ? x.number <= y.number : x.time <= y.time + apart;
    };
    return not_after(a.ready, at) && not_after(at, a.answered);
}

joiner::candidates joiner::waiting(const askers& among, std::uint64_t key, const forwarded& o, nanoseconds extra) const {
    candidates found;
    among.around(key, o.at, std::max(extra, doubt(o.at, {})), nanoseconds{0}, [&](const asker& a) {
        if (in_flight(a, o.at, extra)) found.push_back(&a);
        return found.size() < most_alike;
    });
    return found;
}

bool asks_whether_it_changed(const forwarded& o, const asker& a) {
    const auto equal = [&](std::string_view condition, std::string_view validator) {
        const auto c = o.request.field(condition), v = a.e->response->message.field(validator);
        return c && v && *c == *v;
    };
    return equal("If-None-Match", "ETag") || equal("If-Modified-Since", "Last-Modified");
}

/// Clients that were answered from the store a moment before: one of them may have set off a refresh.
joiner::candidates joiner::refreshing(const forwarded& o) const {
    candidates found;
    std::size_t looked_at = 0;
    by_key_.around(o.asked.key, o.at, doubt(o.at, {}), background_delay, [&](const asker& a) {
        const bool recent = a.e->answered() && a.answered.time + background_delay >= o.at.time && joined_[a.of].fetches.empty();
        if (recent && (a.hit || asks_whether_it_changed(o, a))) found.push_back(&a);
        return ++looked_at < most_alike && found.size() <= most_candidates;
    });
    return found;
}

std::optional<verdict> joiner::by_ids(const forwarded& o) const {
    if (!o.e.token.empty()) {
        if (const auto of = by_token_.find(o.e.token); of != by_token_.end()) return verdict{confidence::certain, "token", {of->second}};
    }
    if (const auto known = by_fetch_id_.find(o.asked.id); known != by_fetch_id_.end()) {
        // The same id again is the same request sent again at once; later, a proxy that was started anew counts from the beginning.
        const auto [of, how] = known->second;
        const exchange& before = *joined_[of].fetches.back().attempts.back();
        if (!before.answered_whole() && before.on->last.time + late_retry >= o.at.time && request_key(before) == o.asked.key)
            return verdict{how, "x-varnish", {of}};
    }
    for (const trace& t : o.asked.traces) {
        const candidates found = waiting(by_trace_, trace_key(t), o);
        if (found.empty()) continue;
        verdict v = narrow(found, o, t.name);
        if (found.size() == 1 && v.fits.size() == 1 && found.front()->asked.key == o.asked.key && !found.front()->hit)
            v.how = confidence::certain;
        return v;
    }
    return {};
}

verdict joiner::decide(const forwarded& o) const {
    if (const auto v = by_ids(o)) return *v;
    candidates fits = waiting(by_key_, o.asked.key, o);
    if (fits.empty()) fits = waiting(by_key_, o.asked.key, o, unordered);
    if (fits.empty()) return by_the_rest(o);
    const asker& first = *fits.front();
    const bool alone = fits.size() == 1;
    verdict v = narrow(std::move(fits), o, "target+fields+time");
    if (!alone || v.fits.size() != 1) return v;
    // A worker of varnish numbers the fetch right behind the request that it is for.
    const bool next_id = first.ids.own != 0 && first.ids.own + 1 == o.asked.id && !first.hit;
    if (next_id) v.by = "x-varnish";
    if (next_id || sure(first, o)) v.how = confidence::certain;
    return v;
}

/// Nobody waits for this target.
verdict joiner::by_the_rest(const forwarded& o) const {
    if (candidates fits = refreshing(o); !fits.empty()) return narrow(std::move(fits), o, "background");
    if (const auto key = body_key(o.request))
        if (candidates fits = waiting(by_body_, key, o); !fits.empty()) return narrow(std::move(fits), o, "body");
    // The policy may have rewritten the target: then only a request that fits in everything else is told.
    if (!o.asked.forwarded) return {};
    candidates fits = waiting(everybody_, 0, o);
    std::erase_if(fits, [&](const asker* a) {
        const auto fields = compare_fields(a->asked, o.asked);
        return a->e->request->message.method != o.request.method || fields.same < 2 || fields.unlike > 0 || a->hit ||
               !joined_[a->of].fetches.empty();
    });
    return narrow(std::move(fits), o, "fields+time");
}

bool joiner::served_whole(index of) const {
    const auto& fetches = joined_[of].fetches;
    return !fetches.empty() && fetches.back().attempts.back()->answered_whole();
}

/// Keeps the best ones; names the step when it leaves only one.
template <class Score>
void keep_best(std::vector<const asker*>& fits, std::string_view& by, std::string_view step, const Score& score) {
    if (fits.size() < 2) return;
    int best = std::numeric_limits<int>::min();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < fits.size(); ++i) {
        const int s = score(*fits[i]);
        if (s < best) continue;
        if (s > best) kept = 0;
        best = s;
        fits[kept++] = fits[i];
    }
    fits.resize(kept);
    if (kept == 1) by = step;
}

/// Of X-Forwarded-For: addresses, some with ports, between commas.
std::vector<address> addresses_in(std::string_view list) {
    std::vector<address> found;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        std::string one(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        std::erase_if(one, [](char c) { return c == ' ' || c == '"'; });
        const bool ipv6 = std::ranges::count(one, ':') > 1 && !one.starts_with('[');
        endpoint e;
        if (endpoint::parse(one, e) || endpoint::parse(ipv6 ? '[' + one + "]:0" : one + ":0", e)) found.push_back(e.address);
    }
    return found;
}

verdict joiner::narrow(candidates fits, const forwarded& o, std::string_view by) const {
    // A hit on the object of this very fetch was not its cause.
    std::erase_if(fits, [&](const asker* a) { return o.asked.id != 0 && a->ids.fetched == o.asked.id; });
    keep_best(fits, by, "host", [&](const asker& a) { return a.asked.host == o.asked.host ? 1 : 0; });
    keep_best(fits, by, "method", [&](const asker& a) { return a.e->request->message.method == o.request.method ? 1 : 0; });
    keep_best(fits, by, "body", [&](const asker& a) { return static_cast<int>(compare_bodies(a.e->request->message, o.request)); });
    if (fits.size() > 1) {
        const std::vector<address> named = addresses_in(o.asked.forwarded_for);
        keep_best(fits, by, "x-forwarded-for",
                  [&](const asker& a) { return std::ranges::find(named, a.e->on->client.address) != named.end() ? 1 : 0; });
    }
    const auto same_fields = [&](const asker* a) { return a->asked.all_handed_on == fits.front()->asked.all_handed_on; };
    if (!std::ranges::all_of(fits, same_fields))
        keep_best(fits, by, "fields", [&](const asker& a) {
            const auto fields = compare_fields(a.asked, o.asked);
            return fields.same - fields.unlike;
        });
    keep_best(fits, by, "time", [](const asker& a) { return a.hit ? 0 : 1; });
    keep_best(fits, by, "answer", [&](const asker& a) { return a.answer != 0 && a.answer == o.answer ? 1 : 0; });
    keep_best(fits, by, "time", [&](const asker& a) { return served_whole(a.of) ? 0 : 1; });
    keep_best(fits, by, "x-varnish", [&](const asker& a) { return a.ids.own < o.asked.id && a.ids.own + 8 >= o.asked.id ? 1 : 0; });
    verdict v{fits.size() == 1 ? confidence::likely : confidence::ambiguous, by, {}};
    for (const asker* a : fits) v.fits.push_back(a->of);
    if (fits.size() == 1 && by == "target+fields+time" &&
        compare_bodies(fits.front()->e->request->message, o.request) == body_likeness::same)
        v.by = "body";
    return v;
}

/// The only client exchange that can have caused it, and nothing but a client causes it: no refresh, no probe.
bool joiner::sure(const asker& only, const forwarded& o) const {
    const http::message& client = only.e->request->message;
    if (is_safe(o.request) || o.e.gap || only.e->gap || client.method != o.request.method || only.asked.host != o.asked.host) return false;
    if (compare_fields(only.asked, o.asked).unlike > 0 || compare_bodies(client, o.request) == body_likeness::unlike) return false;
    bool another = false;  // a moment ago, whose retry might come late
    failed_.around(o.asked.key, o.at, doubt(o.at, {}), late_retry, [&](const asker& a) {
        another = a.of != only.of && a.answered.time + late_retry >= o.at.time &&
                  compare_bodies(a.e->request->message, o.request) != body_likeness::unlike;
        return !another;
    });
    return !another;
}

}  // namespace

std::vector<transaction> join_without_tokens(const std::vector<exchange_ptr>& exchanges, const clock_doubt& doubt) {
    std::vector<transaction> transactions = joiner(exchanges, doubt).take();
    find_deliveries(transactions, exchanges);
    return transactions;
}

}  // namespace badorigin::capture
