#include "capture/roles.h"

#include <algorithm>
#include <map>
#include <span>
#include <unordered_map>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "capture/likeness.h"

namespace badorigin::capture {
namespace {

using edge = std::pair<endpoint, endpoint>;  // requests to the first are asked again at the second
using edges = std::map<edge, std::uint64_t>;

constexpr std::size_t most_open_alike = 16, most_places = 8;

/// What is looked at of an exchange, by way of numbers: of its request, and of where it was asked.
struct asked {
    const exchange* e = nullptr;
    std::uint64_t key = 0;
    nanoseconds begin{0}, answer{0};  // where there is no answer, when nothing more came
    std::uint32_t server = 0;         // index of the endpoint
    bool forwarded = false, answered = false, answered_by_proxy = false;
};

struct everything_asked {
    std::vector<endpoint> servers;
    std::vector<asked> all;                            // in order of their beginning
    std::set<std::pair<endpoint, address>> connected;  // servers, and from where
};

everything_asked look_at(std::span<const exchange_ptr> exchanges) {
    everything_asked found;
    std::map<endpoint, std::uint32_t> numbers;
    std::unordered_map<const connection*, std::uint32_t> number_of;
    for (const exchange_ptr& e : exchanges) {
        const auto key = request_key(*e);
        if (key == 0 || !e->request->first) continue;
        const auto [number, fresh] = number_of.try_emplace(e->on.get());
        if (fresh) {
            const auto [at, first_seen] = numbers.try_emplace(e->on->server, static_cast<std::uint32_t>(found.servers.size()));
            if (first_seen) found.servers.push_back(e->on->server);
            number->second = at->second;
            found.connected.emplace(e->on->server, e->on->client.address);
        }
        asked a{e.get(), key, e->request->first.time, e->response ? e->response->first.time : e->on->last.time, number->second};
        a.forwarded = forwarded_by_a_proxy(e->request->message);
        a.answered = e->answered();
        a.answered_by_proxy = a.answered && answered_by_a_proxy(e->response->message);
        found.all.push_back(a);
    }
    std::ranges::stable_sort(found.all, {}, &asked::key);
    return found;
}

/// Calls `look` with all of one request, for each.
template <class Look>
void for_each_request(const everything_asked& asked_at, const Look& look) {
    for (auto begin = asked_at.all.begin(); begin != asked_at.all.end();) {
        const auto end = std::find_if(begin, asked_at.all.end(), [&](const asked& a) { return a.key != begin->key; });
        if (end - begin > 1) look(std::span(begin, end));
        begin = end;
    }
}

/// While a request is unanswered, the same begins and is answered elsewhere.
edges asked_again_in_time(const everything_asked& asked_at) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> votes;
    std::vector<const asked*> open;
    for_each_request(asked_at, [&](std::span<const asked> alike) {
        open.clear();
        for (const asked& a : alike) {
            std::erase_if(open, [&](const asked* c) { return c->answer < a.begin; });
            for (const asked* c : open)
                if (c->server != a.server && a.answer <= c->answer) ++votes[{c->server, a.server}];
            if (open.size() == most_open_alike) open.erase(open.begin());
            open.push_back(&a);
        }
    });
    edges found;
    for (const auto& [e, n] : votes) found[{asked_at.servers[e.first], asked_at.servers[e.second]}] = n;
    return found;
}

/// What one endpoint was asked of one request.
struct place {
    std::uint32_t server = 0;
    std::uint64_t requests = 0, forwarded = 0, answered_by_proxy = 0;
    std::vector<nanoseconds> lengths;  // of the first few
    std::vector<address> clients;      // the first few
};

/// Calls `look` with each two places that were asked the same, both ways round.
template <class Look>
void for_each_two_places(const everything_asked& asked_at, const Look& look) {
    std::vector<place> places;
    for_each_request(asked_at, [&](std::span<const asked> alike) {
        if (std::ranges::all_of(alike, [&](const asked& a) { return a.server == alike.front().server; })) return;
        places.clear();
        for (const asked& a : alike) {
            auto at = std::ranges::find(places, a.server, &place::server);
            if (at == places.end()) {
                if (places.size() == most_places) continue;
                at = places.insert(places.end(), place{a.server, 0, 0, 0, {}, {}});
            }
            ++at->requests;
            at->forwarded += a.forwarded;
            at->answered_by_proxy += a.answered_by_proxy;
            if (at->lengths.size() < most_open_alike) at->lengths.push_back(a.answer - a.begin);
            const address& from = a.e->on->client.address;
            if (at->clients.size() < most_places && std::ranges::find(at->clients, from) == at->clients.end()) at->clients.push_back(from);
        }
        for (const place& a : places)
            for (const place& b : places)
                if (a.server != b.server) look(a, b, edge{asked_at.servers[a.server], asked_at.servers[b.server]});
    });
}

/// An address accepts requests and opens connections with the same ones (not to itself: on one host that says nothing). Or the same request
/// came without a proxy's fields at the one endpoint and with them at the other; or its answers had them at the one only.
edges asked_again_by_address_and_fields(const everything_asked& asked_at) {
    edges votes;
    for_each_two_places(asked_at, [&](const place& a, const place& b, const edge& e) {
        const address& at = e.first.address;
        const bool accepts_from_others = std::ranges::any_of(a.clients, [&](const address& c) { return c != at; });
        if (accepts_from_others && e.second.address != at && std::ranges::find(b.clients, at) != b.clients.end()) votes[e] += b.requests;
        if (a.forwarded == 0 && b.forwarded > 0) votes[e] += b.forwarded;
        if (a.answered_by_proxy > 0 && b.answered_by_proxy == 0 && a.forwarded <= b.forwarded) ++votes[e];
    });
    return votes;
}

/// Where a request came as often at one endpoint as at the other, the longer exchanges hold the others: no clock is compared.
edges asked_again_by_length(const everything_asked& asked_at) {
    edges votes;
    for_each_two_places(asked_at, [&](const place& a, const place& b, const edge& e) {
        if (a.requests != b.requests) return;
        for (std::size_t i = 0; i < a.lengths.size(); ++i)
            if (a.lengths[i] > b.lengths[i]) ++votes[e];
    });
    return votes;
}

/// Edges that are no coincidence and point the way that most votes do; those that another one between explains are taken away.
std::set<edge> settle(const edges& votes) {
    std::set<edge> kept;
    for (const auto& [e, n] : votes) {
        const auto back = votes.find({e.second, e.first});
        if (back == votes.end() || n > 2 * back->second) kept.insert(e);
    }
    const auto leads = [&](const endpoint& a, const endpoint& b) { return kept.contains({a, b}); };
    std::set<edge> direct;
    for (const edge& e : kept) {
        const bool through_another = std::ranges::any_of(
            kept, [&](const edge& f) { return f.first == e.first && f.second != e.second && leads(f.second, e.second); });
        if (!through_another) direct.insert(e);
    }
    return direct;
}

/// What was asked of an endpoint, and answered.
struct counts {
    std::uint64_t requests = 0, forwarded = 0, answers = 0, answered_by_proxy = 0;
    std::set<address> clients;
};
using counts_of = std::map<endpoint, counts>;

void count(const everything_asked& asked_at, counts_of& at) {
    for (const asked& a : asked_at.all) {
        counts& n = at[asked_at.servers[a.server]];
        ++n.requests;
        n.forwarded += a.forwarded;
        n.clients.insert(a.e->on->client.address);
        n.answers += a.answered;
        n.answered_by_proxy += a.answered_by_proxy;
    }
}

/// Nothing was asked again: one side alone was captured, or all was answered from the store. What proxies add to messages shows the side.
void by_added_fields(const counts_of& at, roles& found) {
    for (const auto& [server, n] : at) {
        if (2 * n.answered_by_proxy > n.answers) {
            found.proxies.insert(server);
        } else if (5 * n.forwarded > n.requests) {  // the rest may be health checks
            found.origins.insert(server);
            found.opens_from.insert(n.clients.begin(), n.clients.end());
        }
    }
    found.by_endpoint_alone = true;
    if (!found.origins.empty() || !found.proxies.empty())
        found.notes.push_back("No request was seen on both sides of a proxy; fields that proxies add show which side was captured.");
}

struct given_proxy {
    endpoint at;  // port 0: any
    bool matches(const endpoint& e) const { return e.address == at.address && (at.port == 0 || at.port == e.port); }
};

std::expected<std::vector<given_proxy>, std::string> parse(const std::vector<std::string>& given) {
    std::vector<given_proxy> proxies;
    for (const std::string& text : given) {
        given_proxy p;
        const bool bare_ipv6 = text.find(':') != text.rfind(':') && !text.starts_with('[');
        const std::string with_port = bare_ipv6                                                     ? '[' + text + "]:0"
                                      : text.find("]:") == text.npos && text.find(':') == text.npos ? text + ":0"
                                                                                                    : text;
        if (!endpoint::parse(with_port, p.at))
            return std::unexpected(
                fmt::format("\"{}\" is no proxy address: expected an IP address, or one with a port, such as 10.0.0.1:8080 or "
                            "[2001:db8::1]:8080.",
                            text));
        proxies.push_back(p);
    }
    return proxies;
}

/// The endpoints that requests arrive at first.
void take_front(const std::set<edge>& direct, const std::vector<given_proxy>& given, roles& found) {
    for (const edge& e : direct) {
        const bool wanted = given.empty() ? std::ranges::none_of(direct, [&](const edge& f) { return f.second == e.first; })
                                          : std::ranges::any_of(given, [&](const given_proxy& g) { return g.matches(e.first); });
        if (wanted) found.proxies.insert(e.first);
    }
    std::set<endpoint> behind;
    for (const edge& e : direct) {
        if (found.proxies.contains(e.first)) {
            if (!found.proxies.contains(e.second)) found.origins.insert(e.second);
        } else {
            behind.insert(e.first);
        }
    }
    for (const endpoint& p : found.proxies) found.opens_from.insert(p.address);
    for (const endpoint& b : behind)
        found.notes.push_back(fmt::format("{} is a proxy too; the legs are those of {}.", b.text(), fmt::join(found.names(), ", ")));
}

}  // namespace

std::vector<std::string> roles::names() const {
    std::vector<std::string> texts;
    for (const endpoint& p : proxies) texts.push_back(p.text());
    return texts;
}

leg roles::leg_of(const connection& c) const {
    if (proxies.contains(c.server)) return leg::client;
    if (origins.contains(c.server) && opens_from.contains(c.client.address)) return leg::origin;
    if (!by_endpoint_alone && opens_from.contains(c.client.address)) return leg::origin;
    return leg::unknown;
}

struct role_finder::state {
    std::vector<given_proxy> given;
    edges votes{}, by_length{};
    std::set<std::pair<endpoint, address>> connected{};
    counts_of at{};
};

role_finder::role_finder(std::unique_ptr<state> s) : state_(std::move(s)) {}
role_finder::role_finder(role_finder&&) noexcept = default;
role_finder& role_finder::operator=(role_finder&&) noexcept = default;
role_finder::~role_finder() = default;

std::expected<role_finder, std::string> role_finder::make(const std::vector<std::string>& given) {
    auto parsed = parse(given);
    if (!parsed) return std::unexpected(parsed.error());
    return role_finder(std::make_unique<state>(std::move(*parsed)));
}

void role_finder::look(std::span<const exchange_ptr> exchanges) {
    state& s = *state_;
    const everything_asked asked_at = look_at(exchanges);
    for (const auto& [e, n] : asked_again_in_time(asked_at)) s.votes[e] += n;
    for (const auto& [e, n] : asked_again_by_address_and_fields(asked_at)) s.votes[e] += n;
    if (settle(s.votes).empty())
        for (const auto& [e, n] : asked_again_by_length(asked_at)) s.by_length[e] += n;
    s.connected.insert(asked_at.connected.begin(), asked_at.connected.end());
    count(asked_at, s.at);
}

roles role_finder::found() const {
    const state& s = *state_;
    std::set<edge> direct = settle(s.votes);
    if (direct.empty()) direct = settle(s.by_length);

    roles found;
    take_front(direct, s.given, found);
    for (const given_proxy& g : s.given) {
        found.opens_from.insert(g.at.address);
        if (std::ranges::any_of(found.proxies, [&](const endpoint& p) { return g.matches(p); })) continue;
        // Nothing that it was asked was asked again: it may have answered everything by itself.
        for (const auto& [server, client] : s.connected)
            if (g.matches(server) && (g.at.port != 0 || client != g.at.address)) found.proxies.insert(server);
    }
    if (direct.empty() && s.given.empty()) by_added_fields(s.at, found);
    for (const auto& [server, client] : s.connected)
        if (found.proxies.contains(server) && found.opens_from.contains(client)) found.by_endpoint_alone = true;
    if (found.by_endpoint_alone && found.origins.empty() && !s.given.empty()) {
        for (const auto& [server, client] : s.connected)
            if (!found.proxies.contains(server) && found.opens_from.contains(client)) found.origins.insert(server);
    }
    if (found.proxies.empty() && found.origins.empty())
        found.notes.push_back("No proxy was found in the traffic; name its address to tell the legs apart.");
    return found;
}

std::expected<roles, std::string> find_roles(const std::vector<exchange_ptr>& exchanges, const std::vector<std::string>& given) {
    auto finder = role_finder::make(given);
    if (!finder) return std::unexpected(finder.error());
    finder->look(exchanges);
    return finder->found();
}

}  // namespace badorigin::capture
