#include "capture/forwarding.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "capture/askers.h"
#include "capture/ends.h"
#include "capture/intake.h"
#include "capture/joiner.h"

namespace badorigin::capture {
namespace {

constexpr std::size_t most_candidates = 16;
constexpr std::size_t most_alike = 4096;  // looked at, for one exchange
constexpr nanoseconds background_delay = std::chrono::milliseconds(250);
constexpr nanoseconds late_retry = std::chrono::seconds(1);

struct verdict {
    confidence how = confidence::ambiguous;
    std::string_view by;
    std::vector<client*> fits;
};

/// An exchange of the origin leg whose cause is looked for.
struct forwarded {
    const exchange& e;
    const http::message& request;
    frame_ref at;
    request_traits asked;
    std::uint64_t answer = 0;
};

std::uint64_t body_key(const http::message& m) {
    return m.complete && m.content_size > 0 ? mix(hash_of(m.method), m.content_hash) : 0;
}
std::uint64_t trace_key(const trace& t) {
    return mix(hash_of(t.name), hash_of(t.value));
}

transaction as_transaction(const cause& c) {
    transaction t;
    t.client = c.client;
    t.fetches.push_back({{c.origin}, c.joined, c.by});
    t.candidates = c.candidates;
    if (!t.client) t.kind = transaction::kind::probe_or_unasked;
    return t;
}

bool asks_whether_it_changed(const forwarded& o, const asker& a) {
    const auto equal = [&](std::string_view condition, std::string_view validator) {
        const auto c = o.request.field(condition), v = a.e->response->message.field(validator);
        return c && v && *c == *v;
    };
    return equal("If-None-Match", "ETag") || equal("If-Modified-Since", "Last-Modified");
}

bool served_whole(const transaction& t) {
    return !t.fetches.empty() && t.fetches.back().attempts.back()->answered_whole();
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

}  // namespace

struct joiner::state {
    explicit state(clock_doubt doubt) : doubt_(std::move(doubt)) {}

    void add_client(const exchange_ptr& e);
    void decide_next();
    void tell(const frame_ref& to);
    bool is_settled(const client& c, nanoseconds now) const;
    void give_out(client& c, settled& into);
    settled take(std::size_t keep);

    using candidates = std::vector<const asker*>;
    void for_each_index(const asker& a, const auto& visit);
    void add_origin(const exchange_ptr& e);
    verdict decide(const forwarded& o) const;
    std::optional<verdict> by_ids(const forwarded& o) const;
    verdict by_the_rest(const forwarded& o) const;
    candidates waiting(const askers& among, std::uint64_t key, const forwarded& o, nanoseconds extra = nanoseconds{0}) const;
    candidates refreshing(const forwarded& o) const;
    bool in_flight(const asker& a, const frame_ref& at, nanoseconds extra) const;
    verdict narrow(candidates fits, const forwarded& o, std::string_view by) const;
    bool sure(const asker& only, const forwarded& o) const;
    nanoseconds doubt(const frame_ref& a, const frame_ref& b) const { return doubt_ ? doubt_(a, b) : nanoseconds{0}; }
    bool over() const { return !to_; }

    clock_doubt doubt_;
    frame_ref to_{1, nanoseconds{0}};   // nothing that begins before it is missing; none: nothing at all
    std::deque<client> clients_;        // in order
    std::deque<exchange_ptr> origins_;  // not decided yet, in order
    std::deque<transaction> unasked_;   // in order
    askers by_key_;                     // method and path
    askers failed_;                     // of these, those that got no success: they may be tried again late
    askers by_body_;                    // method and content
    askers by_trace_;                   // name and value
    askers everybody_;                  // key 0
    std::unordered_map<std::string_view, client*> by_token_;
    std::unordered_map<std::uint64_t, std::pair<client*, confidence>> by_fetch_id_;  // of what was joined

    /// What came on either leg, in the order of its coming; a client's before an origin's.
    struct answer {
        frame_number at;
        std::uint64_t order;
        client* of;  // null: an origin's
        cause_ptr origin;
        bool operator<(const answer& other) const { return std::tuple(at, !of, order) > std::tuple(other.at, !other.of, other.order); }
    };
    std::vector<answer> answers_;  // a heap, the earliest first
    std::uint64_t last_answer_ = 0;
    deliveries delivered_;
    std::vector<std::pair<frame_number, transaction>> ahead_;  // attempts of transactions that were given out before the attempt's place
};

joiner::joiner(clock_doubt doubt) : state_(std::make_unique<state>(std::move(doubt))) {}
joiner::~joiner() = default;

void joiner::add(const exchange_ptr& e) {
    if (e->leg() == leg::origin)
        state_->origins_.push_back(e);
    else
        state_->add_client(e);
}

void joiner::advance(const frame_ref& to) {
    state& s = *state_;
    s.to_ = to;
    // A client's request may be in the capture a moment after what it causes.
    const auto all_askers_known = [&](const exchange& o) {
        return s.over() || (begin_of(o).number < to.number && begin_of(o).time + unordered < to.time);
    };
    while (!s.origins_.empty() && all_askers_known(*s.origins_.front())) s.decide_next();
    s.tell(to);
}

joiner::settled joiner::take(std::size_t keep) {
    return state_->take(keep);
}

void joiner::state::for_each_index(const asker& a, const auto& visit) {
    visit(by_key_, a.asked.key);
    visit(everybody_, 0);
    if (a.failed()) visit(failed_, a.asked.key);
    if (const auto key = body_key(a.e->request->message)) visit(by_body_, key);
    for (const trace& id : a.asked.traces) visit(by_trace_, trace_key(id));
}

void joiner::state::add_client(const exchange_ptr& e) {
    client& c = clients_.emplace_back();
    c.whole.client = e;
    c.begin = begin_of(*e);
    if (e->leg() != leg::client) return;
    c.awaits_delivery = e->answered();
    if (c.awaits_delivery) {
        answers_.push_back({e->response->first.number, ++last_answer_, &c, nullptr});
        std::push_heap(answers_.begin(), answers_.end());
    }
    if (!e->token.empty()) by_token_.emplace(e->token, &c);
    asker a;
    a.asked = traits_of_request(*e);
    if (a.asked.key == 0) return;
    a.e = e.get();
    a.of = &c;
    a.ready = e->request->header_end;
    a.answered = e->response ? e->response->first : e->on->last;
    a.ids = ids_of_response(*e);
    a.answer = answer_key(*e);
    a.hit = answered_from_store(*e);
    c.asking = std::move(a);
    for_each_index(*c.asking, [&](askers& by, std::uint64_t key) { by.add(key, *c.asking); });
}

void joiner::state::decide_next() {
    const exchange_ptr e = std::move(origins_.front());
    origins_.pop_front();
    add_origin(e);
}

void joiner::state::add_origin(const exchange_ptr& e) {
    verdict v;
    const auto note = [&](exchange_ptr of, std::vector<exchange_ptr> perhaps, confidence how, std::string_view by) {
        if (!e->answered()) return;
        auto why = std::make_shared<cause>(cause{e, std::move(of), std::move(perhaps), how, by});
        answers_.push_back({e->response->header_end.number, ++last_answer_, nullptr, std::move(why)});
        std::push_heap(answers_.begin(), answers_.end());
    };
    if (e->request && e->request->message.header_complete) {
        const forwarded o{*e, e->request->message, e->request->first, traits_of_request(*e), answer_key(*e)};
        v = decide(o);
        if (v.fits.size() == 1) {
            client& c = *v.fits.front();
            attach(c.whole, e, v.how, v.by);
            note(c.whole.client, {}, v.how, v.by);
            if (o.asked.id != 0) {
                by_fetch_id_.insert_or_assign(o.asked.id, std::pair(&c, v.how));
                c.fetch_ids.push_back(o.asked.id);
            }
            return;
        }
    }
    transaction t;
    t.kind = transaction::kind::probe_or_unasked;
    t.fetches.push_back({{e}, v.fits.empty() ? confidence::certain : confidence::ambiguous, v.fits.empty() ? std::string_view() : v.by});
    for (const client* fit : v.fits)
        if (t.candidates.size() < most_candidates) t.candidates.push_back(fit->whole.client);
    note(nullptr, t.candidates, t.fetches.front().joined, t.fetches.front().by);
    unasked_.push_back(std::move(t));
}

/// Deliveries, as far as all is known that came before them.
void joiner::state::tell(const frame_ref& to) {
    const frame_number end = over()             ? ~frame_number{0}
                             : origins_.empty() ? to.number
                                                : std::min(to.number, begin_of(*origins_.front()).number);
    while (!answers_.empty() && (over() || answers_.front().at < end)) {
        std::pop_heap(answers_.begin(), answers_.end());
        answer next = std::move(answers_.back());
        answers_.pop_back();
        if (!next.of) {
            delivered_.answered(std::move(next.origin));
            continue;
        }
        next.of->delivered = delivered_.deliver(next.of->whole);
        next.of->awaits_delivery = false;
    }
}

bool joiner::state::is_settled(const client& c, nanoseconds now) const {
    if (!c.asking) return true;
    const auto unanswered = [](const fetch& f) { return !f.attempts.back()->answered_whole(); };
    const bool may_be_tried_again = c.asking->failed() || std::ranges::any_of(c.whole.fetches, unanswered);
    return now > c.asking->answered.time + (may_be_tried_again ? late_retry : background_delay) + unordered;
}

void joiner::state::give_out(client& c, settled& into) {
    if (c.asking) for_each_index(*c.asking, [&](askers& by, std::uint64_t key) { by.forget(key, *c.asking); });
    if (const auto at = by_token_.find(c.whole.client->token); at != by_token_.end() && at->second == &c) by_token_.erase(at);
    for (const std::uint64_t id : c.fetch_ids)
        if (const auto at = by_fetch_id_.find(id); at != by_fetch_id_.end() && at->second.first == &c) by_fetch_id_.erase(at);
    if (c.delivered) into.elsewhere.push_back(as_transaction(*c.delivered));
    into.transactions.push_back(std::move(c.whole));
}

joiner::settled joiner::state::take(std::size_t keep) {
    settled found;
    const frame_ref decided = origins_.empty() ? to_ : begin_of(*origins_.front());
    while (!clients_.empty()) {
        client& c = clients_.front();
        if (!over() && (c.awaits_delivery || c.begin.number >= decided.number)) break;
        if (!over() && clients_.size() <= keep && !is_settled(c, decided.time)) break;
        give_out(c, found);
        clients_.pop_front();
    }
    found.to = over() ? ~frame_number{0} : clients_.empty() ? decided.number : std::min(decided.number, clients_.front().begin.number);
    for (const transaction& t : found.transactions)
        for (const fetch& f : t.fetches)
            for (const exchange_ptr& a : f.attempts)
                if (begin_of(*a).number >= found.to)
                    ahead_.emplace_back(begin_of(*a).number, as_transaction({a, t.client, {}, f.joined, f.by}));
    std::erase_if(ahead_, [&](auto& one) {
        if (one.first >= found.to) return false;
        found.elsewhere.push_back(std::move(one.second));
        return true;
    });
    while (!unasked_.empty() && (over() || begin_of(*unasked_.front().fetches.front().attempts.front()).number < found.to)) {
        found.transactions.push_back(std::move(unasked_.front()));
        unasked_.pop_front();
    }
    return found;
}

bool joiner::state::in_flight(const asker& a, const frame_ref& at, nanoseconds extra) const {
    const auto not_after = [&](const frame_ref& x, const frame_ref& y) {
        const nanoseconds apart = std::max(extra, doubt(x, y));
        return apart.count() == 0 ? x.number <= y.number : x.time <= y.time + apart;
    };
    return not_after(a.ready, at) && not_after(at, a.answered);
}

joiner::state::candidates joiner::state::waiting(const askers& among, std::uint64_t key, const forwarded& o, nanoseconds extra) const {
    candidates found;
    found.reserve(most_candidates);
    among.around(key, o.at, std::max(extra, doubt(o.at, {})), nanoseconds{0}, [&](const asker& a) {
        if (in_flight(a, o.at, extra)) found.push_back(&a);
        return found.size() < most_alike;
    });
    return found;
}

/// Clients that were answered from the store a moment before: one of them may have set off a refresh.
joiner::state::candidates joiner::state::refreshing(const forwarded& o) const {
    candidates found;
    std::size_t looked_at = 0;
    by_key_.around(o.asked.key, o.at, doubt(o.at, {}), background_delay, [&](const asker& a) {
        const bool recent = a.e->answered() && a.answered.time + background_delay >= o.at.time && a.of->whole.fetches.empty();
        if (recent && (a.hit || asks_whether_it_changed(o, a))) found.push_back(&a);
        return ++looked_at < most_alike && found.size() <= most_candidates;
    });
    return found;
}

std::optional<verdict> joiner::state::by_ids(const forwarded& o) const {
    if (!o.e.token.empty()) {
        if (const auto of = by_token_.find(o.e.token); of != by_token_.end()) return verdict{confidence::certain, "token", {of->second}};
    }
    if (const auto known = by_fetch_id_.find(o.asked.id); known != by_fetch_id_.end()) {
        // The same id again is the same request sent again at once; later, a proxy that was started anew counts from the beginning.
        const auto [of, how] = known->second;
        const exchange& before = *of->whole.fetches.back().attempts.back();
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

verdict joiner::state::decide(const forwarded& o) const {
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
verdict joiner::state::by_the_rest(const forwarded& o) const {
    if (candidates fits = refreshing(o); !fits.empty()) return narrow(std::move(fits), o, "background");
    if (const auto key = body_key(o.request))
        if (candidates fits = waiting(by_body_, key, o); !fits.empty()) return narrow(std::move(fits), o, "body");
    // The policy may have rewritten the target: then only a request that fits in everything else is told.
    if (!o.asked.forwarded) return {};
    candidates fits = waiting(everybody_, 0, o);
    std::erase_if(fits, [&](const asker* a) {
        const auto fields = compare_fields(a->asked, o.asked);
        return a->e->request->message.method != o.request.method || fields.same < 2 || fields.unlike > 0 || a->hit ||
               !a->of->whole.fetches.empty();
    });
    return narrow(std::move(fits), o, "fields+time");
}

verdict joiner::state::narrow(candidates fits, const forwarded& o, std::string_view by) const {
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
    keep_best(fits, by, "time", [&](const asker& a) { return served_whole(a.of->whole) ? 0 : 1; });
    keep_best(fits, by, "x-varnish", [&](const asker& a) { return a.ids.own < o.asked.id && a.ids.own + 8 >= o.asked.id ? 1 : 0; });
    verdict v{fits.size() == 1 ? confidence::likely : confidence::ambiguous, by, {}};
    for (const asker* a : fits) v.fits.push_back(a->of);
    if (fits.size() == 1 && by == "target+fields+time" &&
        compare_bodies(fits.front()->e->request->message, o.request) == body_likeness::same)
        v.by = "body";
    return v;
}

/// The only client exchange that can have caused it, and nothing but a client causes it: no refresh, no probe.
bool joiner::state::sure(const asker& only, const forwarded& o) const {
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

std::vector<transaction> join_without_tokens(const std::vector<exchange_ptr>& exchanges, const clock_doubt& doubt) {
    joiner all(doubt);
    for (const exchange_ptr& e : exchanges) all.add(e);
    all.advance({});
    return std::move(all.take(0).transactions);
}

}  // namespace badorigin::capture
