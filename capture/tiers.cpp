#include "capture/tiers.h"

#include <algorithm>
#include <ranges>
#include <unordered_map>

#include "capture/intake.h"
#include "capture/joiner.h"

namespace badorigin::capture {
namespace {

constexpr std::string_view proxy_role = "proxy:";
using connection_ptr = std::shared_ptr<const connection>;

/// In order of their addresses, which is that of the scenario.
std::vector<std::string> proxies_of(const manifest& about) {
    std::vector<std::string> names;
    for (const auto& [address, role] : about.roles) {
        if (!role.starts_with(proxy_role)) continue;
        auto name = role.substr(proxy_role.size());
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names;
}

std::string asker_of(const connection& c, const manifest& about) {
    const std::string server = c.server.text();
    const auto known = about.askers.find(server.substr(0, server.rfind(':')));
    return known == about.askers.end() ? std::string() : known->second;
}

/// As the proxy sees it; null: it has no part in it.
connection_ptr seen_by(const std::string& proxy, const connection& c) {
    const bool asked = c.server_name == std::string(proxy_role) + proxy, asks = c.asker == proxy;
    if (!asked && !asks) return nullptr;
    auto mine = std::make_shared<connection>(c);
    mine->leg = asked ? leg::client : leg::origin;
    if (!asked && c.server_name.starts_with(proxy_role)) mine->server_name = "origin:" + c.server_name.substr(proxy_role.size());
    return mine;
}

evidence tier_of(const std::string& proxy, const evidence& all) {
    evidence mine;
    mine.manifest = all.manifest;
    mine.of_proxy = proxy;
    if (all.manifest.crashed != proxy) mine.manifest.proxy_crash.clear();
    mine.markers = all.markers;
    mine.began = all.began;
    mine.frames = all.frames;
    mine.incomplete = all.incomplete;
    std::ranges::copy_if(all.vitals, std::back_inserter(mine.vitals), [&](const auto& sample) { return sample.proxy == proxy; });
    std::unordered_map<const connection*, connection_ptr> seen;
    for (const auto& c : all.connections)
        if (auto as_seen = seen_by(proxy, *c)) mine.connections.push_back(seen[c.get()] = std::move(as_seen));
    for (const auto& e : all.exchanges) {
        const auto on = seen.find(e->on.get());
        if (on == seen.end()) continue;
        auto as_seen = std::make_shared<exchange>(*e);
        as_seen->on = on->second;
        mine.exchanges.push_back(std::move(as_seen));
    }
    mine.transactions = join(mine.exchanges);
    return mine;
}

}  // namespace

void part_tiers(evidence& all) {
    if (all.manifest.askers.empty()) return;
    std::unordered_map<const connection*, connection_ptr> named;
    for (auto& c : all.connections) {
        auto with_asker = std::make_shared<connection>(*c);
        with_asker->asker = asker_of(*c, all.manifest);
        c = named[c.get()] = std::move(with_asker);
    }
    for (auto& e : all.exchanges) {
        auto again = std::make_shared<exchange>(*e);
        again->on = named.at(e->on.get());
        e = std::move(again);
    }
    for (const auto& proxy : proxies_of(all.manifest)) all.tiers.push_back(tier_of(proxy, all));

    all.connections.clear();
    all.exchanges.clear();
    for (const auto& tier : all.tiers) {
        all.connections.insert(all.connections.end(), tier.connections.begin(), tier.connections.end());
        all.exchanges.insert(all.exchanges.end(), tier.exchanges.begin(), tier.exchanges.end());
        all.transactions.insert(all.transactions.end(), tier.transactions.begin(), tier.transactions.end());
    }
    std::ranges::stable_sort(all.connections, {}, [](const auto& c) { return c->id; });
    std::ranges::stable_sort(all.exchanges, {}, [](const auto& e) { return std::pair(begin_of(*e).number, e->id); });
    const auto place = [](const transaction& t) {
        const exchange& first = t.client ? *t.client : *t.fetches.front().attempts.front();
        return std::tuple(t.client == nullptr, begin_of(first).number, first.id);
    };
    std::ranges::stable_sort(all.transactions, {}, place);
}

}  // namespace badorigin::capture
