#include "capture/roles.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "capture/likeness.h"

namespace badorigin::capture {
namespace {

using edge = std::pair<endpoint, endpoint>;  // requests to the first are asked again at the second
using edges = std::map<edge, std::uint64_t>;

constexpr std::size_t most_open_alike = 64, most_places = 8;

nanoseconds begin_of(const exchange& e) {
    return e.request->first.time;
}
/// When its answer began; where there is none, when nothing more came.
nanoseconds answer_of(const exchange& e) {
    return e.response ? e.response->first.time : e.on->last.time;
}

/// While a request is unanswered, the same begins and is answered elsewhere.
edges asked_again_in_time(const std::vector<exchange_ptr>& exchanges) {
    std::unordered_map<std::uint64_t, std::vector<const exchange*>> open;
    edges votes;
    for (const exchange_ptr& e : exchanges) {
        const auto key = request_key(*e);
        if (key == 0) continue;
        auto& alike = open[key];
        std::erase_if(alike, [&](const exchange* c) { return answer_of(*c) < begin_of(*e); });
        for (const exchange* c : alike)
            if (c->on->server != e->on->server && answer_of(*e) <= answer_of(*c)) ++votes[{c->on->server, e->on->server}];
        if (alike.size() == most_open_alike) alike.erase(alike.begin());
        alike.push_back(e.get());
    }
    return votes;
}

/// An address accepts requests and opens connections with the same ones.
edges asked_again_by_address(const std::vector<exchange_ptr>& exchanges) {
    std::map<address, std::unordered_map<std::uint64_t, std::set<endpoint>>> accepted;
    for (const exchange_ptr& e : exchanges)
        if (const auto key = request_key(*e); key != 0 && e->on->server.address != e->on->client.address)
            accepted[e->on->server.address][key].insert(e->on->server);
    edges votes;
    for (const exchange_ptr& e : exchanges) {
        if (e->on->server.address == e->on->client.address) continue;
        const auto by = accepted.find(e->on->client.address);
        if (by == accepted.end()) continue;
        const auto asked = by->second.find(request_key(*e));
        if (asked == by->second.end()) continue;
        for (const endpoint& at : asked->second) ++votes[{at, e->on->server}];
    }
    return votes;
}

/// What one endpoint was asked of one request.
struct asked_at {
    endpoint at;
    std::vector<const exchange*> exchanges;
    std::uint64_t forwarded = 0, answered_by_proxy = 0;  // how many have fields that proxies add
};
using asked_where = std::unordered_map<std::uint64_t, std::vector<asked_at>>;

asked_where by_request(const std::vector<exchange_ptr>& exchanges) {
    asked_where asked;
    for (const exchange_ptr& e : exchanges) {
        const auto key = request_key(*e);
        if (key == 0) continue;
        auto& places = asked[key];
        auto place = std::ranges::find(places, e->on->server, &asked_at::at);
        if (place == places.end()) {
            if (places.size() == most_places) continue;
            place = places.insert(places.end(), {e->on->server, {}});
        }
        place->exchanges.push_back(e.get());
        place->forwarded += forwarded_by_a_proxy(e->request->message);
        place->answered_by_proxy += e->answered() && answered_by_a_proxy(e->response->message);
    }
    return asked;
}

/// The same request came without a proxy's fields at the one endpoint and with them at the other; or its answers had them at the one only.
edges asked_again_by_added_fields(const asked_where& asked) {
    edges votes;
    for (const auto& [key, places] : asked) {
        for (const asked_at& a : places) {
            for (const asked_at& b : places) {
                if (a.forwarded == 0 && b.forwarded > 0) votes[{a.at, b.at}] += b.forwarded;
                if (a.answered_by_proxy > 0 && b.answered_by_proxy == 0 && a.forwarded <= b.forwarded && a.at != b.at)
                    ++votes[{a.at, b.at}];
            }
        }
    }
    return votes;
}

/// Where a request came as often at one endpoint as at the other, the longer exchanges hold the others: no clock is compared.
edges asked_again_by_length(const asked_where& asked) {
    edges votes;
    for (const auto& [key, places] : asked) {
        if (places.size() != 2 || places[0].exchanges.size() != places[1].exchanges.size()) continue;
        for (std::size_t i = 0; i < places[0].exchanges.size(); ++i) {
            const exchange *a = places[0].exchanges[i], *b = places[1].exchanges[i];
            const auto length = [](const exchange* e) { return answer_of(*e) - begin_of(*e); };
            if (length(b) > length(a)) std::swap(a, b);
            ++votes[{a->on->server, b->on->server}];
        }
    }
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

/// Nothing was asked again: one side alone was captured, or all was answered from the store. What proxies add to messages shows the side.
void by_added_fields(const std::vector<exchange_ptr>& exchanges, roles& found) {
    struct counts {
        std::uint64_t requests = 0, forwarded = 0, answers = 0, answered_by_proxy = 0;
        std::set<address> clients;
    };
    std::map<endpoint, counts> at;
    for (const exchange_ptr& e : exchanges) {
        if (request_key(*e) == 0) continue;
        counts& n = at[e->on->server];
        ++n.requests;
        n.forwarded += forwarded_by_a_proxy(e->request->message);
        n.clients.insert(e->on->client.address);
        n.answers += e->answered();
        n.answered_by_proxy += e->answered() && answered_by_a_proxy(e->response->message);
    }
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

std::expected<roles, std::string> find_roles(const std::vector<exchange_ptr>& exchanges, const std::vector<std::string>& given) {
    const auto parsed = parse(given);
    if (!parsed) return std::unexpected(parsed.error());
    std::vector<exchange_ptr> asked;
    for (const exchange_ptr& e : exchanges)
        if (e->request && e->request->first) asked.push_back(e);

    roles found;
    const asked_where where = by_request(asked);
    edges votes = asked_again_in_time(asked);
    for (const edges& more : {asked_again_by_address(asked), asked_again_by_added_fields(where)})
        for (const auto& [e, n] : more) votes[e] += n;
    std::set<edge> direct = settle(votes);
    if (direct.empty()) direct = settle(asked_again_by_length(where));
    take_front(direct, *parsed, found);
    for (const given_proxy& g : *parsed) {
        found.opens_from.insert(g.at.address);
        if (std::ranges::any_of(found.proxies, [&](const endpoint& p) { return g.matches(p); })) continue;
        // Nothing that it was asked was asked again: it may have answered everything by itself.
        for (const exchange_ptr& e : asked)
            if (g.matches(e->on->server) && (g.at.port != 0 || e->on->client.address != g.at.address)) found.proxies.insert(e->on->server);
    }
    if (direct.empty() && parsed->empty()) by_added_fields(asked, found);
    for (const exchange_ptr& e : asked)
        if (found.proxies.contains(e->on->server) && found.opens_from.contains(e->on->client.address)) found.by_endpoint_alone = true;
    if (found.by_endpoint_alone && found.origins.empty() && !parsed->empty()) {
        for (const exchange_ptr& e : asked)
            if (!found.proxies.contains(e->on->server) && found.opens_from.contains(e->on->client.address))
                found.origins.insert(e->on->server);
    }
    if (found.proxies.empty() && found.origins.empty())
        found.notes.push_back("No proxy was found in the traffic; name its address to tell the legs apart.");
    return found;
}

}  // namespace badorigin::capture
