#include "harness/traffic/compare.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "harness/judge/facts.h"
#include "harness/traffic/answers.h"
#include "harness/traffic/replies.h"
#include "harness/traffic/steps.h"
#include "http/grammar.h"
#include "http/running_hash.h"

namespace badorigin::traffic {

using capture::exchange;
using capture::exchange_ptr;
using capture::transaction;
using kind = difference::kind;

namespace {

/// By name in lower case, lines of one name joined.
using joined_fields = std::map<std::string, std::string>;

void add(joined_fields& to, std::string_view name, std::string_view value) {
    std::string key{name};
    std::ranges::transform(key, key.begin(), http::to_lower);
    auto& all = to[key];
    if (!all.empty()) all += ", ";
    all += value;
}

/// "200 (2 times), 304"
std::string counted(std::vector<std::string> what) {
    if (what.empty()) return "none";
    std::ranges::sort(what);
    std::string out;
    for (auto at = what.begin(); at != what.end();) {
        const auto end = std::upper_bound(at, what.end(), *at);
        out += fmt::format("{}{}{}", out.empty() ? "" : ", ", *at, end - at > 1 ? fmt::format(" ({} times)", end - at) : "");
        at = end;
    }
    return out;
}

class comparer {
public:
    comparer(const recording& then, const capture::evidence& now, const date_shift& shift, const compare_settings& settings)
        : then_{then}, now_{now}, shift_{shift}, settings_{settings}, replayed_(then.asks.size()) {
        for (const auto& t : now.transactions) {
            const auto ask = t.client ? ask_of_token(t.client->token) : nobody;
            if (ask < replayed_.size() && !replayed_[ask]) replayed_[ask] = &t;
        }
        for (const auto& t : then.evidence->transactions)
            for (const auto& c : t.candidates) doubtful_.insert(c.get());
        for (const auto& a : then.answers) names_[a.then.get()] = a.origin;
    }

    comparison compare() {
        for (std::size_t i = 0; i < then_.asks.size(); ++i) compare_answers(i);
        if (!then_.one_leg) compare_origins();
        measure();
        std::ranges::stable_sort(out_.differences, {}, &difference::ask);
        return std::move(out_);
    }

private:
    void differ(std::size_t ask, kind what, std::string then, std::string now, std::string_view name = {}) {
        const auto& one = then_.asks[ask];
        const auto* storm = striking(settings_.storms, one.what.target, one.at);
        out_.differences.push_back({what, ask, std::string{name}, std::move(then), std::move(now), storm ? storm->text : std::string{},
                                    replayed_[ask] ? replayed_[ask]->client : nullptr});
    }

    void compare_answers(std::size_t i) {
        if (!replayed_[i]) return differ(i, kind::not_asked, "asked", "not in the packets");
        ++out_.compared;
        const exchange &then = *then_.asks[i].then, &now = *replayed_[i]->client;
        const int status_then = judge::status_of(then), status_now = judge::status_of(now);
        if (status_then != status_now) return differ(i, kind::status, std::to_string(status_then), std::to_string(status_now));
        if (!then.answered() || !now.answered()) return;
        if (then.answered_whole() != now.answered_whole())
            differ(i, kind::complete, then.answered_whole() ? "whole" : "in part", now.answered_whole() ? "whole" : "in part");
        else
            compare_bodies(i, then.response->message, now.response->message);
        compare_fields(i, *then.response, *now.response);
    }

    std::uint64_t hash_of(const peers::content& body) {
        auto [at, fresh] = hashes_.try_emplace(&body, 0);
        if (fresh) at->second = http::hash(body.bytes());
        return at->second;
    }

    void compare_bodies(std::size_t i, const http::message& then, const http::message& now) {
        const auto* sent = then_.content_of(then);
        constexpr int first_error = 400, part = 206;
        if (!sent && then.status >= first_error) {
            ++out_.bodies_of_proxies;
            return;
        }
        const bool made_up = sent && sent->kind == peers::content::kind::generated;
        const bool hash_tells = !then_.asks[i].then->response->message.gap && then.complete && (sent || then.status != part);
        const auto hash = made_up ? hash_of(*sent) : then.content_hash;
        if (then.content_size != now.content_size)
            return differ(i, kind::body, fmt::format("{} bytes", then.content_size), fmt::format("{} bytes", now.content_size));
        if (then.content_size > 0 && hash_tells && hash != now.content_hash)
            differ(i, kind::body, fmt::format("{} bytes, hash {:016x}", then.content_size, hash),
                   fmt::format("{} bytes, hash {:016x}", now.content_size, now.content_hash));
    }

    bool is_volatile(const std::string& name) const { return is_always_volatile(name) || settings_.volatile_fields.contains(name); }

    void compare_fields(std::size_t i, const capture::seen_message& then, const capture::seen_message& now) {
        joined_fields before, after;
        const auto expected = shift_.response(then.message, unix_time(*then_.evidence, then.first), unix_time(now_, now.first));
        const auto* sent = then_.content_of(then.message);
        const bool coding_left_away = sent && sent->kind == peers::content::kind::generated;
        for (const auto& [name, value] : expected) add(before, name, value);
        for (const auto& f : now.message.fields) add(after, f.name, f.value);
        if (coding_left_away) before.erase("content-encoding");
        for (const auto& [name, value] : before) {
            const auto other = after.find(name);
            if (is_volatile(name) || (other != after.end() && (other->second == value || name == "expires"))) continue;
            differ(i, kind::field, value, other == after.end() ? "absent" : other->second, name);
        }
        for (const auto& [name, value] : after)
            if (!before.contains(name) && !is_volatile(name)) differ(i, kind::field, "absent", value, name);
    }

    static std::vector<exchange_ptr> attempts(const transaction& t) {
        std::vector<exchange_ptr> out;
        for (const auto& f : t.fetches) out.insert(out.end(), f.attempts.begin(), f.attempts.end());
        return out;
    }

    /// Which of several origins is told as well.
    std::string answered(const exchange& origin, const std::string& by) const {
        const auto status = judge::status_of(origin);
        return then_.origins.size() > 1 ? fmt::format("{} {}", by, status) : std::to_string(status);
    }

    std::string named_then(const exchange& origin) const {
        const auto found = names_.find(&origin);
        return found == names_.end() ? judge::origin_name(origin) : found->second;
    }

    struct asked_together {
        std::size_t first = nobody, many = 0;
        std::size_t struck = nobody;  ///< the first of them that a storm strikes: what it got may be why others differ
        capture::frame_number over_then = 0, over_now = 0;
        std::vector<std::string> then, now;
        bool known = true;
    };

    /// Of several requests for the same that are in flight together chance decides who makes the fetch; how many fetches there are, and
    /// how they are answered, it does not.
    void compare_origins() {
        std::unordered_map<std::string, asked_together> groups;
        for (std::size_t i = 0; i < then_.asks.size(); ++i) {
            const auto& ask = then_.asks[i];
            if (!replayed_[i] || !ask.of) continue;
            const exchange& now = *replayed_[i]->client;
            auto& group = groups[judge::host_of(ask.then->request->message) + judge::target_of(ask.then->request->message)];
            const bool joins = judge::begin_of(*ask.then).number < group.over_then || judge::begin_of(now).number < group.over_now;
            if (!joins) conclude(std::exchange(group, {}));
            if (group.many++ == 0) group.first = i;
            if (group.struck == nobody && striking(settings_.storms, ask.what.target, ask.at)) group.struck = i;
            group.over_then = std::max(group.over_then, ask.over.number);
            group.over_now = std::max(group.over_now, over(now).number);
            group.known = group.known && !doubtful_.contains(ask.then.get());
            for (const auto& a : attempts(*ask.of)) group.then.push_back(answered(*a, named_then(*a)));
            for (const auto& a : attempts(*replayed_[i])) group.now.push_back(answered(*a, judge::origin_name(*a)));
        }
        for (const auto& [target, group] : groups) conclude(group);
    }

    void conclude(const asked_together& group) {
        if (group.many == 0 || !group.known) return;
        out_.origins_compared += group.many;
        const auto then = counted(group.then), now = counted(group.now);
        if (then != now) differ(group.struck == nobody ? group.first : group.struck, kind::origin, then, now);
    }

    void measure() {
        if (!settings_.how.speed) return;
        std::vector<nanoseconds> requests, waits;
        std::optional<nanoseconds> zero;
        for (std::size_t i = 0; i < replayed_.size(); ++i) {
            if (!replayed_[i]) continue;
            const auto due = settings_.how.wait(then_.asks[i].at);
            const auto sent = unix_time(now_, judge::begin_of(*replayed_[i]->client));
            if (!zero) zero = sent - due;
            requests.push_back(sent - *zero - due);
            if (then_.asks[i].of) measure_waits(*then_.asks[i].of, *replayed_[i], waits);
        }
        out_.requests = distribution_of(std::move(requests));
        out_.waits = distribution_of(std::move(waits));
    }

    void measure_waits(const transaction& before, const transaction& after, std::vector<nanoseconds>& into) const {
        const auto then = attempts(before), now = attempts(after);
        if (then.size() != now.size()) return;
        for (std::size_t i = 0; i < then.size(); ++i) {
            const exchange &one = *then[i], &other = *now[i];
            if (!one.request || !one.response || !other.response || judge::status_of(one) != judge::status_of(other)) continue;
            const auto waited = unix_time(*then_.evidence, one.response->first) - unix_time(*then_.evidence, one.request->last);
            const auto waits = unix_time(now_, other.response->first) - unix_time(now_, other.request->last);
            into.push_back(waits - settings_.how.wait(std::max(waited, nanoseconds{0})));
        }
    }

    const recording& then_;
    const capture::evidence& now_;
    const date_shift& shift_;
    const compare_settings& settings_;
    comparison out_;
    std::vector<const transaction*> replayed_;                ///< by ask
    std::set<const exchange*> doubtful_;                      ///< client exchanges that origins may have been asked for, or not
    std::unordered_map<const exchange*, std::string> names_;  ///< of origins, as they are played
    std::unordered_map<const peers::content*, std::uint64_t> hashes_;
};

}  // namespace

std::string_view name(kind what) {
    static constexpr std::array<std::string_view, 6> names{"not-asked", "status", "complete", "body", "field", "origin"};
    return names[static_cast<std::size_t>(what)];
}

bool is_always_volatile(std::string_view name) {
    return is_of_the_hop(name) || http::same_name(name, "Date") || http::same_name(name, "Age") || http::same_name(name, "Content-Length");
}

distribution distribution_of(std::vector<nanoseconds> values) {
    if (values.empty()) return {};
    std::ranges::sort(values);
    const auto at = [&](double share) {  // nearest rank
        return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
    };
    return {values.size(), values.front(), at(0.5), at(0.9), at(0.99), values.back()};
}

comparison compare(const recording& then, const capture::evidence& now, const date_shift& shift, const compare_settings& settings) {
    return comparer{then, now, shift, settings}.compare();
}

}  // namespace badorigin::traffic
