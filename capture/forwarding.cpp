#include "capture/forwarding.h"

#include <algorithm>
#include <array>
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
constexpr nanoseconds background_delay = std::chrono::milliseconds(250);
constexpr nanoseconds late_retry = std::chrono::seconds(1);
constexpr nanoseconds unordered = std::chrono::microseconds(300);  // time stamps of two CPUs

using index = std::uint32_t;  // of a transaction

/// A client exchange as a possible cause.
struct asker {
    index of = 0;
    const exchange* e = nullptr;
    frame_ref ready, answered;  // header of the request there; first byte of the final response, or when nothing more came
    varnish_ids ids;
};

/// Askers in the order of `ready`.
class askers {
public:
    void add(const asker& a) {
        all_.push_back(a);
        const nanoseconds before = latest_.empty() ? nanoseconds::min() : latest_.back();
        latest_.push_back(std::max(before, a.answered.time));
    }
    /// Calls `visit` for those that were ready at `at` and not answered `since` long before; the latest first, until it returns false.
    template <class Visit>
    void around(const frame_ref& at, nanoseconds doubt, nanoseconds since, const Visit& visit) const {
        auto i = std::ranges::upper_bound(all_, at.number, {}, [](const asker& a) { return a.ready.number; }) - all_.begin();
        while (doubt.count() > 0 && i < std::ssize(all_) && all_[static_cast<std::size_t>(i)].ready.time <= at.time + doubt) ++i;
        while (i-- > 0) {
            const auto n = static_cast<std::size_t>(i);
            if (latest_[n] + since + doubt + unordered < at.time || !visit(all_[n])) return;
        }
    }

private:
    std::vector<asker> all_;
    std::vector<nanoseconds> latest_;  // answer of all up to here
};

struct verdict {
    confidence how = confidence::ambiguous;
    std::string_view by;
    std::vector<index> fits;
};

class joiner {
public:
    joiner(const std::vector<exchange_ptr>& exchanges, const clock_doubt& doubt) : doubt_(doubt) {
        for (const exchange_ptr& e : exchanges)
            if (e->leg() != leg::origin) add_client(e);
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
    void add_origin(const exchange_ptr& e);
    verdict decide(const exchange& o) const;
    std::optional<verdict> by_ids(const exchange& o) const;
    candidates waiting(std::uint64_t key, const exchange& o, nanoseconds extra = nanoseconds{0}) const;
    candidates refreshing(const exchange& o) const;
    bool in_flight(const asker& a, const frame_ref& at, nanoseconds extra) const;
    verdict narrow(candidates fits, const exchange& o, std::string_view by) const;
    bool sure(const asker& only, const exchange& o) const;
    bool served_whole(index of) const;
    nanoseconds doubt(const frame_ref& a, const frame_ref& b) const { return doubt_ ? doubt_(a, b) : nanoseconds{0}; }

    const clock_doubt& doubt_;
    std::vector<transaction> joined_, unasked_;
    std::unordered_map<std::uint64_t, askers> by_key_;    // method and path
    std::unordered_map<std::uint64_t, askers> failed_;    // of these, those that got no success: they may be tried again late
    std::unordered_map<std::uint64_t, askers> by_body_;   // method and content
    std::unordered_map<std::uint64_t, askers> by_trace_;  // name and value
    askers everybody_;
    std::unordered_map<std::string_view, index> by_token_;
    std::unordered_map<std::uint64_t, std::pair<index, verdict>> by_fetch_id_;  // of what was joined
};

std::uint64_t body_key(const exchange& e) {
    const http::message& m = e.request->message;
    return m.complete && m.content_size > 0 ? mix(http::hash(m.method), m.content_hash) : 0;
}
std::uint64_t trace_key(const trace& t) {
    return mix(http::hash(t.name), http::hash(t.value));
}

void joiner::add_client(const exchange_ptr& e) {
    const auto of = static_cast<index>(joined_.size());
    transaction t;
    t.client = e;
    joined_.push_back(std::move(t));
    if (e->leg() != leg::client) return;
    if (!e->token.empty()) by_token_.emplace(e->token, of);
    if (request_key(*e) == 0) return;
    const asker a{of, e.get(), e->request->header_end, e->response ? e->response->first : e->on->last, ids_of_response(*e)};
    by_key_[request_key(*e)].add(a);
    if (!e->answered_whole() || e->response->message.status >= 500) failed_[request_key(*e)].add(a);
    if (const auto key = body_key(*e)) by_body_[key].add(a);
    for (const trace& id : traces_of(e->request->message)) by_trace_[trace_key(id)].add(a);
    everybody_.add(a);
}

void joiner::add_origin(const exchange_ptr& e) {
    verdict v = request_key(*e) == 0 ? verdict() : decide(*e);
    if (v.fits.size() == 1) {
        attach(joined_[v.fits.front()], e, v.how, v.by);
        if (const auto id = id_of_request(*e)) by_fetch_id_.insert_or_assign(id, std::pair(v.fits.front(), v));
        return;
    }
    transaction t;
    t.kind = transaction::kind::probe_or_unasked;
    t.fetches.push_back({{e}, v.fits.empty() ? confidence::certain : confidence::ambiguous, v.by});
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

joiner::candidates joiner::waiting(std::uint64_t key, const exchange& o, nanoseconds extra) const {
    candidates found;
    const auto alike = by_key_.find(key);
    if (alike == by_key_.end()) return found;
    const frame_ref& at = o.request->first;
    alike->second.around(at, std::max(extra, doubt(at, {})), nanoseconds{0}, [&](const asker& a) {
        if (in_flight(a, at, extra)) found.push_back(&a);
        return true;
    });
    return found;
}

bool shows_a_hit(const asker& a) {
    if (a.ids.fetched != 0) return true;
    const auto age = a.e->response ? a.e->response->message.field("Age") : std::nullopt;
    return age && *age != "0";
}

bool asks_whether_it_changed(const exchange& o, const asker& a) {
    const http::message &asked = o.request->message, &had = a.e->response->message;
    const auto equal = [&](std::string_view condition, std::string_view validator) {
        const auto c = asked.field(condition), v = had.field(validator);
        return c && v && *c == *v;
    };
    return equal("If-None-Match", "ETag") || equal("If-Modified-Since", "Last-Modified");
}

/// Clients that were answered from the store a moment before: the first of them may have set off a refresh.
joiner::candidates joiner::refreshing(const exchange& o) const {
    candidates found;
    const auto alike = by_key_.find(request_key(o));
    if (alike == by_key_.end()) return found;
    const frame_ref& at = o.request->first;
    alike->second.around(at, doubt(at, {}), background_delay, [&](const asker& a) {
        if (a.e->answered() && a.answered.time + background_delay >= at.time && (shows_a_hit(a) || asks_whether_it_changed(o, a)) &&
            joined_[a.of].fetches.empty())
            found.push_back(&a);
        return found.size() <= most_candidates;
    });
    return found;
}

std::optional<verdict> joiner::by_ids(const exchange& o) const {
    if (!o.token.empty()) {
        if (const auto of = by_token_.find(o.token); of != by_token_.end()) return verdict{confidence::certain, "token", {of->second}};
    }
    if (const auto known = by_fetch_id_.find(id_of_request(o)); known != by_fetch_id_.end()) {
        const auto& [of, before] = known->second;
        const exchange& first = *joined_[of].fetches.back().attempts.back();
        if (request_key(first) == request_key(o)) return verdict{before.how, "x-varnish", {of}};
    }
    for (const trace& t : traces_of(o.request->message)) {
        const auto alike = by_trace_.find(trace_key(t));
        if (alike == by_trace_.end()) continue;
        candidates found;
        const frame_ref& at = o.request->first;
        alike->second.around(at, doubt(at, {}), nanoseconds{0}, [&](const asker& a) {
            if (in_flight(a, at, nanoseconds{0})) found.push_back(&a);
            return true;
        });
        if (found.empty()) continue;
        verdict v = narrow(found, o, t.name);
        if (found.size() == 1 && request_key(*found.front()->e) == request_key(o) && !shows_a_hit(*found.front()))
            v.how = confidence::certain;
        return v;
    }
    return {};
}

verdict joiner::decide(const exchange& o) const {
    if (const auto v = by_ids(o)) return *v;
    candidates fits = waiting(request_key(o), o);
    if (fits.empty()) fits = waiting(request_key(o), o, unordered);
    if (!fits.empty()) {
        verdict v = narrow(fits, o, "target+fields+time");
        if (fits.size() != 1 || v.fits.size() != 1) return v;
        const asker& only = *fits.front();
        // A worker of varnish numbers the fetch right behind the request that it is for.
        const bool next_id = only.ids.own != 0 && only.ids.own + 1 == id_of_request(o) && !shows_a_hit(only);
        if (next_id) v.by = "x-varnish";
        if (next_id || sure(only, o)) v.how = confidence::certain;
        return v;
    }
    fits = refreshing(o);
    if (!fits.empty()) return narrow(fits, o, "background");
    const frame_ref& at = o.request->first;
    const auto collect = [&](const asker& a) {
        if (in_flight(a, at, nanoseconds{0})) fits.push_back(&a);
        return fits.size() <= most_candidates;
    };
    if (const auto alike = by_body_.find(body_key(o)); alike != by_body_.end()) {
        alike->second.around(at, doubt(at, {}), nanoseconds{0}, collect);
        if (!fits.empty()) return narrow(fits, o, "body");
    }
    // The policy may have rewritten the target: then only a request that fits in everything else is told.
    everybody_.around(at, doubt(at, {}), nanoseconds{0}, collect);
    std::erase_if(fits, [&](const asker* a) {
        const auto fields = compare_fields(a->e->request->message, o.request->message);
        return a->e->request->message.method != o.request->message.method || fields.same < 2 || fields.unlike > 0 || shows_a_hit(*a) ||
               !forwarded_by_a_proxy(o.request->message) || !joined_[a->of].fetches.empty();
    });
    return narrow(fits, o, "fields+time");
}

bool joiner::served_whole(index of) const {
    const auto& fetches = joined_[of].fetches;
    return !fetches.empty() && fetches.back().attempts.back()->answered_whole();
}

bool same_answer(const exchange& client, const exchange& o) {
    if (!client.answered_whole() || !o.answered_whole()) return false;
    const http::message &a = client.response->message, &b = o.response->message;
    return a.status == b.status && a.content_size == b.content_size && a.content_hash == b.content_hash &&
           a.field("ETag") == b.field("ETag") && a.field("Date") == b.field("Date");
}

bool names_the_client(const exchange& o, const exchange& client) {
    const auto forwarded_for = o.request->message.field("X-Forwarded-For");
    return forwarded_for && forwarded_for->find(client.on->client.address.text()) != forwarded_for->npos;
}

/// Keeps those with the best score at each step.
verdict joiner::narrow(candidates fits, const exchange& o, std::string_view by) const {
    const std::uint64_t id = id_of_request(o);
    const http::message& asked = o.request->message;
    // A hit on the object of this very fetch was not its cause.
    std::erase_if(fits, [&](const asker* a) { return id != 0 && a->ids.fetched == id; });
    struct step {
        std::string_view by;
        std::function<int(const asker&)> score;
    };
    const std::array<step, 9> steps = {{
        {"host", [&](const asker& a) { return a.e->request->message.field("Host") == asked.field("Host") ? 1 : 0; }},
        {"method", [&](const asker& a) { return a.e->request->message.method == asked.method ? 1 : 0; }},
        {"body", [&](const asker& a) { return static_cast<int>(compare_bodies(a.e->request->message, asked)); }},
        {"x-forwarded-for", [&](const asker& a) { return names_the_client(o, *a.e) ? 1 : 0; }},
        {"fields",
         [&](const asker& a) {
             const auto fields = compare_fields(a.e->request->message, asked);
             return fields.same - fields.unlike;
         }},
        {"hit", [&](const asker& a) { return shows_a_hit(a) ? 0 : 1; }},
        {"answer", [&](const asker& a) { return same_answer(*a.e, o) ? 1 : 0; }},
        {"served", [&](const asker& a) { return served_whole(a.of) ? 0 : 1; }},
        {"x-varnish", [&](const asker& a) { return id != 0 && a.ids.own < id && a.ids.own + 8 >= id ? 1 : 0; }},
    }};
    for (const step& s : steps) {
        if (fits.size() < 2) break;
        int best = std::numeric_limits<int>::min();
        std::vector<int> scores;
        for (const asker* a : fits) best = std::max(best, scores.emplace_back(s.score(*a)));
        candidates kept;
        for (std::size_t i = 0; i < fits.size(); ++i)
            if (scores[i] == best) kept.push_back(fits[i]);
        if (kept.size() == 1 && fits.size() > 1) by = s.by;
        fits = std::move(kept);
    }
    verdict v{fits.size() == 1 ? confidence::likely : confidence::ambiguous, by, {}};
    for (const asker* a : fits) v.fits.push_back(a->of);
    if (fits.size() == 1 && by == "target+fields+time" && compare_bodies(fits.front()->e->request->message, asked) == body_likeness::same)
        v.by = "body";
    return v;
}

/// The only client exchange that can have caused it, and nothing but a client causes it: no refresh, no probe.
bool joiner::sure(const asker& only, const exchange& o) const {
    const http::message &client = only.e->request->message, &asked = o.request->message;
    if (is_safe(asked) || o.gap || only.e->gap || client.method != asked.method || client.field("Host") != asked.field("Host"))
        return false;
    if (compare_fields(client, asked).unlike > 0 || compare_bodies(client, asked) == body_likeness::unlike) return false;
    const auto failed = failed_.find(request_key(o));
    if (failed == failed_.end()) return true;
    bool another = false;  // a moment ago, whose retry might come late
    const frame_ref& at = o.request->first;
    failed->second.around(at, doubt(at, {}), late_retry, [&](const asker& a) {
        another = a.of != only.of && a.answered.time + late_retry >= at.time &&
                  compare_bodies(a.e->request->message, asked) != body_likeness::unlike;
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
