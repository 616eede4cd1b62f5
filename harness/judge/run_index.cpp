#include "harness/judge/run_index.h"

#include <algorithm>

namespace badorigin::judge {

run_index::run_index(const capture::evidence& evidence, const scenario::scenario& scenario) : evidence_{evidence}, scenario_{scenario} {
    index_transactions();
    read_markers();
}

void run_index::index_transactions() {
    for (const auto& t : evidence_.transactions) {
        if (t.kind == transaction::kind::probe_or_unasked)
            for (const auto& f : t.fetches) unasked_.insert(unasked_.end(), f.attempts.begin(), f.attempts.end());
        if (t.client && !t.client->token.empty()) {
            // A proxy that asks another hands on its client's token.
            const auto [known, fresh] = by_token_.emplace(t.client->token, &t);
            if (!fresh && !known->second->client->on->asker.empty() && t.client->on->asker.empty()) known->second = &t;
        }
        if (t.client && end_of(*t.client).number > end_.number) end_ = end_of(*t.client);
    }
    std::ranges::sort(unasked_, {}, [](const exchange_ptr& e) { return begin_of(*e).number; });
    for (const auto& c : evidence_.connections)
        if (c->last.number > end_.number) end_ = c->last;
}

void run_index::read_markers() {
    for (const auto& m : evidence_.markers) {
        if (m.kind == capture::marker::kind::start) wall_start_ = m.wall;
        if (m.kind == capture::marker::kind::stop) end_ = m.frame;
        end_clock_ = std::max(end_clock_, m.clock);
        if (m.kind != capture::marker::kind::note) continue;
        std::string_view text = m.text;
        if (text.starts_with("ban ")) bans_.push_back({std::string{text.substr(4)}, m.frame});
        bool token = text.starts_with("token "), raw = text.starts_with("raw ");
        auto equals = text.rfind('=');
        if ((!token && !raw) || equals == std::string_view::npos) continue;
        auto begin = text.find(' ') + 1;
        std::string name{text.substr(begin, equals - begin)};
        auto value = text.substr(equals + 1);
        const transaction* found = nullptr;
        if (token) {
            auto at = by_token_.find(std::string{value});
            if (at != by_token_.end()) found = at->second;
        } else {
            found = raw_step(value, m.frame);
            if (found) raw_[found] = true;
        }
        if (!found) continue;
        by_name_[name] = found;
        step_names_[found->client.get()] = name;
    }
    if (end_) end_clock_ = std::max(end_clock_, clock(end_));
}

const transaction* run_index::raw_step(std::string_view text, const frame_ref& after) const {
    capture::endpoint local;
    if (!capture::endpoint::parse(text, local)) return nullptr;
    const transaction* found = nullptr;
    for (const auto& t : evidence_.transactions) {
        if (!t.client || !t.client->on || t.client->on->client != local || !t.client->on->asker.empty() || is_origin_leg(*t.client) ||
            step_names_.contains(t.client.get()))
            continue;
        auto begin = begin_of(*t.client);
        if (begin.number > after.number && (!found || begin.number < begin_of(*found->client).number)) found = &t;
    }
    return found;
}

const transaction* run_index::step(std::string_view name) const {
    auto at = by_name_.find(name);
    return at == by_name_.end() ? nullptr : at->second;
}

std::string run_index::step_of(const exchange& e) const {
    if (step_names_.empty()) return {};
    auto named = step_names_.find(&e);
    if (named != step_names_.end()) return named->second;
    const auto* t = owner(e);
    return t && t->client && t->client.get() != &e ? step_of(*t->client) : std::string{};
}

void run_index::index_owners() const {
    owners_known_ = true;
    for (const auto& t : evidence_.transactions)
        for (const auto& f : t.fetches)
            for (const auto& a : f.attempts) owners_[a.get()] = &t;
    for (const auto& t : evidence_.elsewhere)
        for (const auto& f : t.fetches)
            for (const auto& a : f.attempts) owners_.try_emplace(a.get(), &t);
}

const transaction* run_index::owner(const exchange& origin) const {
    if (!owners_known_) index_owners();
    auto at = owners_.find(&origin);
    return at == owners_.end() ? nullptr : at->second;
}

bool run_index::is_raw(const transaction& t) const {
    return raw_.contains(&t);
}

const std::vector<exchange_ptr>& run_index::attempts(const transaction& t) const {
    if (attempts_of_ != &t) attempts_ = find_attempts(t);
    attempts_of_ = &t;
    return attempts_;
}

std::vector<exchange_ptr> run_index::find_attempts(const transaction& t) const {
    std::vector<exchange_ptr> all;
    for (const auto& f : t.fetches) all.insert(all.end(), f.attempts.begin(), f.attempts.end());
    if (all.empty() && t.client && t.client->request && t.client->token.empty() && is_raw(t)) {
        auto from = begin_of(*t.client).number;
        auto to = t.client->response ? t.client->response->last.number : t.client->on->last.number;
        auto target = target_of(t.client->request->message);
        for (const auto& e : unasked_)
            if (e->request && begin_of(*e).number > from && begin_of(*e).number < to && target_of(e->request->message) == target)
                all.push_back(e);
    }
    std::ranges::stable_sort(all, {}, [](const exchange_ptr& e) { return begin_of(*e).number; });
    return all;
}

bool run_index::caused(const transaction& t, const exchange& origin) const {
    for (const auto& f : t.fetches)
        for (const auto& a : f.attempts)
            if (a.get() == &origin) return true;
    const auto* of = owner(origin);
    if (of == &t || (of && contains(of->candidates, t.client))) return true;
    return is_raw(t) && std::ranges::any_of(attempts(t), [&](const exchange_ptr& a) { return a.get() == &origin; });
}

std::size_t run_index::fetches(const transaction& t) const {
    return t.fetches.empty() ? attempts(t).size() : t.fetches.size();
}

bool run_index::ban_between(const frame_ref& from, const frame_ref& to) const {
    return std::ranges::any_of(bans_, [&](const ban& b) { return b.at.number > from.number && b.at.number < to.number; });
}

namespace {
/// Of one proxy, or of all tiers together.
nanoseconds starved_in(const capture::evidence& evidence, const frame_ref& from, const frame_ref& to) {
    nanoseconds of_tiers{0};
    for (const auto& tier : evidence.tiers) of_tiers += starved_in(tier, from, to);
    if (!evidence.tiers.empty()) return of_tiers;
    const auto& samples = evidence.vitals;
    auto start = std::ranges::find(evidence.markers, capture::marker::kind::start, &capture::marker::kind);
    if (samples.empty() || start == evidence.markers.end()) return nanoseconds{0};
    auto before = std::ranges::upper_bound(samples, from.time - start->frame.time, {}, &capture::vitals_sample::monotonic);
    auto after = std::ranges::lower_bound(samples, to.time - start->frame.time, {}, &capture::vitals_sample::monotonic);
    if (before != samples.begin()) --before;
    if (after == samples.end()) --after;
    return std::max(nanoseconds{0}, after->starved - before->starved);
}
}  // namespace

nanoseconds run_index::starved(const frame_ref& from, const frame_ref& to) const {
    return evidence_.manifest.virtual_time ? nanoseconds{0} : starved_in(evidence_, from, to);
}

nanoseconds run_index::tolerance() const {
    return evidence_.manifest.virtual_time ? nanoseconds{0} : std::chrono::seconds{1};
}

std::optional<nanoseconds> run_index::promise(std::string_view name) const {
    for (const auto& [key, value] : scenario_.promises)
        if (key == name) return value;
    return std::nullopt;
}

}  // namespace badorigin::judge
