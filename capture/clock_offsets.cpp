#include "capture/clock_offsets.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "capture/ends.h"
#include "capture/likeness.h"

namespace badorigin::capture {
namespace {

constexpr std::size_t most_pairs = 100'000;

struct interval {
    nanoseconds low, high;
};

/// Where most intervals overlap: the place that holds zero, else all that are equally good and what lies between them.
std::optional<interval> densest(const std::vector<interval>& all) {
    struct edge {
        nanoseconds at;
        int change;
    };
    std::vector<edge> edges;
    for (const interval& i : all) {
        edges.push_back({i.low, 1});
        edges.push_back({i.high, -1});
    }
    std::ranges::sort(edges, [](const edge& a, const edge& b) { return a.at != b.at ? a.at < b.at : a.change > b.change; });
    int depth = 0, best = 0;
    std::vector<interval> found;
    for (std::size_t i = 0; i < edges.size(); ++i) {
        depth += edges[i].change;
        if (depth < best || edges[i].change < 0) continue;
        if (depth > best) found.clear();
        best = depth;
        found.push_back({edges[i].at, edges[i + 1].at});  // behind a beginning there is always an end
    }
    const auto zero = std::ranges::find_if(found, [](const interval& i) { return i.low.count() <= 0 && i.high.count() >= 0; });
    if (zero != found.end()) return *zero;
    return found.empty() ? std::nullopt : std::optional(interval{found.front().low, found.back().high});
}

std::optional<clock_offset> offset_from(const std::vector<interval>& intervals, std::string basis) {
    const auto where = densest(intervals);
    if (!where) return {};
    clock_offset found;
    found.basis = std::move(basis);
    if (where->low.count() <= 0 && where->high.count() >= 0) {
        found.uncertainty = std::max(-where->low, where->high);
        return found;
    }
    found.offset = (where->low + where->high) / 2;
    found.uncertainty = (where->high - where->low) / 2;
    return found;
}

using exchanges_of = std::unordered_map<const connection*, std::vector<const exchange*>>;
exchanges_of by_connection(const sighting& s) {
    exchanges_of found;
    for (const exchange_ptr& e : s.exchanges)
        if (e->request && e->response) found[e->on.get()].push_back(e.get());
    return found;
}

/// Connections that both captures saw.
std::vector<interval> of_shared_connections(const sighting& first, nanoseconds shift, const sighting& second) {
    std::unordered_multimap<std::uint64_t, const connection*> known;
    const auto key = [](const connection& c) { return hash_of_ends()({c.client, c.server}); };
    for (const auto& c : first.connections) known.emplace(key(*c), c.get());
    const exchanges_of a = by_connection(first), b = by_connection(second);
    std::vector<interval> found;
    for (const auto& c : second.connections) {
        const auto [from, to] = known.equal_range(key(*c));
        const auto other = std::find_if(from, to, [&](const auto& k) { return same_connection(*k.second, *c); });
        if (other == to || !a.contains(other->second) || !b.contains(c.get())) continue;
        std::unordered_map<std::uint32_t, const exchange*> begun;
        for (const exchange* e : a.at(other->second))
            begun.emplace(other->second->client_sequence + static_cast<std::uint32_t>(e->request->message.begin), e);
        for (const exchange* e : b.at(c.get())) {
            const auto same = begun.find(c->client_sequence + static_cast<std::uint32_t>(e->request->message.begin));
            if (same == begun.end() || found.size() == most_pairs) continue;
            const nanoseconds there = same->second->request->first.time + shift - e->request->first.time;
            const nanoseconds back = same->second->response->first.time + shift - e->response->first.time;
            found.push_back({std::min(there, back), std::max(there, back)});
        }
    }
    return found;
}

/// Ids that name one forwarded request in both legs; else what it asked for.
std::vector<std::uint64_t> pair_keys(const exchange& e, bool client) {
    std::vector<std::uint64_t> keys;
    const request_traits traits = traits_of_request(e);
    const std::uint64_t asked = traits.key;
    const std::uint64_t id = client ? ids_of_response(e).own : traits.id;
    if (id != 0) keys.push_back(mix(mix(asked, 1), client ? id + 1 : id));
    for (const trace& t : traits.traces) keys.push_back(mix(mix(asked, 2), hash_of(t.value)));
    keys.push_back(mix(mix(asked, 3), e.request->message.content_hash));
    return keys;
}

struct seen_alike {
    std::vector<const exchange*> clients, origins;
};

/// When the proxy can know at the latest what became of its request: the response's header, or the end of a connection that gave none.
std::optional<nanoseconds> outcome_of(const exchange& o) {
    if (o.answered()) return o.response->header_end.time;
    const frame_ref end = o.on->server_fin ? o.on->server_fin : o.on->server_rst;
    return end ? std::optional(end.time) : std::nullopt;
}

/// `sign` +1: the client leg is the first capture's.
void pair_up(const seen_alike& alike, std::size_t most, nanoseconds shift, int sign, std::vector<interval>& into) {
    if (alike.clients.size() * alike.origins.size() > most) return;
    for (const exchange* c : alike.clients) {
        for (const exchange* o : alike.origins) {
            const nanoseconds low = c->request->header_end.time - o->request->first.time;
            const auto outcome = outcome_of(*o);
            if (!outcome) continue;
            const nanoseconds high = c->response->first.time - *outcome;
            if (low > high || into.size() >= most_pairs) continue;
            into.push_back(sign > 0 ? interval{low + shift, high + shift} : interval{shift - high, shift - low});
        }
    }
}

/// Requests that the one capture saw on the client leg and the other on the origin leg.
std::vector<interval> of_forwarded_requests(const sighting& clients, const sighting& origins, nanoseconds shift, int sign,
                                            const roles& who) {
    std::unordered_map<std::uint64_t, seen_alike> alike;
    const auto collect = [&](const sighting& s, leg side, std::vector<const exchange*> seen_alike::* into) {
        for (const exchange_ptr& e : s.exchanges) {
            if (who.leg_of(*e->on) != side || request_key(*e) == 0) continue;
            if (side == leg::client && (!e->answered() || answered_from_store(*e))) continue;  // waited for no origin
            for (const std::uint64_t key : pair_keys(*e, side == leg::client)) (alike[key].*into).push_back(e.get());
        }
    };
    collect(clients, leg::client, &seen_alike::clients);
    collect(origins, leg::origin, &seen_alike::origins);
    std::vector<interval> found;
    for (const std::size_t most : {std::size_t{1}, std::size_t{2500}}) {  // pairs that are the only ones, else each with each
        for (const auto& [key, pair] : alike) pair_up(pair, most, shift, sign, found);
        if (!found.empty()) break;
    }
    return found;
}

}  // namespace

bool same_connection(const connection& a, const connection& b) {
    if (a.client != b.client || a.server != b.server) return false;
    if (a.complete_start && b.complete_start) return a.client_sequence == b.client_sequence;
    const auto overlap = [](std::uint32_t from_a, std::uint64_t bytes_a, std::uint32_t from_b, std::uint64_t bytes_b) {
        const auto apart = static_cast<std::int32_t>(from_b - from_a);
        return apart >= 0 ? static_cast<std::uint64_t>(apart) < bytes_a : static_cast<std::uint64_t>(-std::int64_t{apart}) < bytes_b;
    };
    return overlap(a.client_sequence, a.request_bytes, b.client_sequence, b.request_bytes) ||
           overlap(a.server_sequence, a.response_bytes, b.server_sequence, b.response_bytes);
}

std::optional<clock_offset> estimate_offset(const sighting& first, nanoseconds shift, const sighting& second, const roles& who) {
    auto intervals = of_shared_connections(first, shift, second);
    if (auto found = offset_from(intervals, fmt::format("{} exchanges that both captures hold", intervals.size())); found) return found;
    intervals = of_forwarded_requests(first, second, shift, 1, who);
    const auto reverse = of_forwarded_requests(second, first, shift, -1, who);
    intervals.insert(intervals.end(), reverse.begin(), reverse.end());
    return offset_from(intervals, fmt::format("{} pairs of requests on the two legs", intervals.size()));
}

}  // namespace badorigin::capture
