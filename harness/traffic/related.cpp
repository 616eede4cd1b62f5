#include "harness/traffic/related.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "harness/judge/facts.h"

namespace badorigin::traffic {

using capture::transaction;

namespace {

/// Disjoint sets of numbers.
class sets {
public:
    explicit sets(std::size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }
    std::size_t of(std::size_t one) {
        while (parent_[one] != one) one = parent_[one] = parent_[parent_[one]];
        return one;
    }
    void join(std::size_t one, std::size_t other) { parent_[std::max(of(one), of(other))] = std::min(of(one), of(other)); }

private:
    std::vector<std::size_t> parent_;
};

/// Joins what has the same key.
template <class Key>
class meeting {
public:
    explicit meeting(sets& all) : all_{all} {}
    void add(const Key& key, std::size_t one) {
        const auto [at, fresh] = first_.try_emplace(key, one);
        if (!fresh) all_.join(at->second, one);
    }

private:
    sets& all_;
    std::map<Key, std::size_t> first_;
};

bool broke_under_reuse(const capture::exchange& e) {
    return e.index > 0 && !e.answered_whole();
}

/// A method that HTTP does not know, answered by the proxy itself: an operator's, such as BAN, which may act on all that is stored.
bool acts_on_the_store(const transaction& t) {
    static constexpr auto of_http = std::to_array<std::string_view>(
        {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"});  // RFC 9110 9.3, RFC 5789
    return t.fetches.empty() && !t.delivered_from && judge::status_of(*t.client) < 300 && t.client->request &&
           std::ranges::find(of_http, t.client->request->message.method) == of_http.end();
}

}  // namespace

bool failed(const transaction& t) {
    return std::ranges::any_of(t.fetches, [](const auto& f) {
        return std::ranges::any_of(f.attempts, [](const auto& a) { return !a->answered_whole() || judge::status_of(*a) >= 500; });
    });
}

bool answered_by_opinion(const transaction& t) {
    return t.fetches.empty() && !t.delivered_from && judge::status_of(*t.client) >= 500;
}

std::vector<std::vector<const transaction*>> related(const capture::evidence& evidence) {
    std::vector<const transaction*> all;
    for (const auto& t : evidence.transactions)
        if (t.client && t.client->leg() == capture::leg::client) all.push_back(&t);
    std::ranges::stable_sort(all, {}, [](const transaction* t) { return judge::begin_of(*t->client).number; });

    sets groups{all.size()};
    meeting<std::string> targets{groups};
    meeting<std::uint64_t> clients{groups}, broken{groups};
    std::map<std::uint64_t, bool> breaks;  // origin connection → broke under reuse
    for (const auto* t : all)
        for (const auto& f : t->fetches)
            for (const auto& a : f.attempts) breaks[a->on->id] |= broke_under_reuse(*a);
    std::vector<std::size_t> failures;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& t = *all[i];
        if (t.client->request)
            targets.add(judge::host_of(t.client->request->message) + ' ' + judge::target_of(t.client->request->message), i);
        clients.add(t.client->on->id, i);
        for (const auto& f : t.fetches)
            for (const auto& a : f.attempts)
                if (breaks[a->on->id]) broken.add(a->on->id, i);
        if (answered_by_opinion(t))
            for (const auto earlier : failures) groups.join(earlier, i);
        if (failed(t)) failures.push_back(i);
        if (acts_on_the_store(t))
            for (std::size_t other = 0; other < all.size(); ++other) groups.join(other, i);
    }
    std::map<std::size_t, std::vector<const transaction*>> sorted;  // a set's number is its first member's
    for (std::size_t i = 0; i < all.size(); ++i) sorted[groups.of(i)].push_back(all[i]);
    std::vector<std::vector<const transaction*>> out;
    for (auto& [first, members] : sorted) out.push_back(std::move(members));
    return out;
}

}  // namespace badorigin::traffic
