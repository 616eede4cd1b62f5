#include "proxy-under-test/cache/backends.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <ranges>
#include <stdexcept>

#include <netdb.h>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
/// A host's first numeric address, IPv4 first.
std::string resolved(const vcl::backend_definition& of) {
    for (const int family : {AF_INET, AF_UNSPEC}) {
        addrinfo hints{}, *found = nullptr;
        hints.ai_family = family;
        hints.ai_socktype = SOCK_STREAM;
        if (getaddrinfo(of.host.c_str(), nullptr, &hints, &found) != 0) continue;
        char text[NI_MAXHOST];
        const int failed = getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
        freeaddrinfo(found);
        if (failed == 0) return text;
    }
    throw std::runtime_error("Backend " + of.name + ": the host \"" + of.host + "\" cannot be resolved");
}

std::uint16_t port_of(const vcl::backend_definition& of) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(of.port.data(), of.port.data() + of.port.size(), port);
    if (error != std::errc() || end != of.port.data() + of.port.size()) {
        throw std::runtime_error("Backend " + of.name + ": \"" + of.port + "\" is no port number");
    }
    return port;
}

std::uint64_t hash_of(std::string_view text) {  // FNV-1a with a final mix: the same on every machine
    std::uint64_t h = 0xcbf29ce484222325;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
    return h ^ (h >> 33);
}

std::string backend_name(const std::vector<vcl::value>& arguments) {
    if (arguments.empty()) return {};
    const auto* ref = std::get_if<vcl::backend_ref>(&arguments.front());
    return ref ? ref->name : std::string();
}

double number(const vcl::value& of, double otherwise) {
    if (const auto* real = std::get_if<double>(&of)) return *real;
    if (const auto* integer = std::get_if<std::int64_t>(&of)) return static_cast<double>(*integer);
    return otherwise;
}
}  // namespace

probe_window::probe_window(const vcl::probe_definition& of)
    : size_(static_cast<std::size_t>(std::max(of.window, 1))), threshold_(of.threshold) {
    for (int i = 0; i < of.initial; ++i) add(true);
}

void probe_window::add(bool good) {
    results_.push_back(good);
    if (results_.size() > size_) results_.pop_front();
}

std::ptrdiff_t probe_window::good() const {
    return std::ranges::count(results_, true);
}

bool probe_window::healthy() const {
    if (planted(bug::sick_by_last_probe) && !results_.empty()) return results_.back();
    return good() >= threshold_;
}

std::string backend::host() const {
    if (!definition.host_header.empty()) return definition.host_header;
    return definition.port == "80" ? definition.host : definition.host + ':' + definition.port;
}

std::string backend::greeting(const proxy_header& ends) const {
    if (definition.proxy_header == 0 || planted(bug::no_proxy_header)) return {};
    return make_proxy_header(definition.proxy_header, ends);
}

backend_set::backend_set(const vcl::program& of) : default_(of.default_backend()) {
    for (const auto& definition : of.backends()) {
        auto made = std::make_unique<backend>();
        made->definition = definition;
        if (!made->is_none()) {
            made->address = resolved(definition);
            made->port = port_of(definition);
        }
        if (definition.probe) made->probed.emplace(*definition.probe);
        if (definition.saintmode_threshold) made->saint.emplace(*definition.saintmode_threshold);
        backends_.push_back(std::move(made));
    }
    for (const auto& defined : of.objects()) {
        object made;
        made.type = defined.type;
        if (defined.type == "fallback" && !defined.arguments.empty()) made.sticky = defined.arguments.front() == vcl::value(true);
        if (defined.module == "saintmode") {
            const auto threshold = defined.arguments.size() > 1 ? number(defined.arguments[1], 10) : 10;
            made.saint = saint_list(static_cast<std::int64_t>(threshold));
            const auto name = backend_name(defined.arguments);
            made.members.push_back({name, 1.0, name});
        }
        for (const auto& [method, arguments] : defined.calls) change_members(made, method, arguments);
        objects_.emplace(defined.name, std::move(made));
    }
}

void backend_set::change_members(object& of, std::string_view method, const std::vector<vcl::value>& arguments) {
    const auto name = backend_name(arguments);
    const bool sharded = of.type == "shard";
    const auto ident = sharded && arguments.size() > 1 ? vcl::to_string(arguments[1]) : std::string();
    if (method == "clear") of.members.clear();
    if (method == "remove_backend") {
        std::erase_if(of.members, [&](const member& m) { return (name.empty() || m.name == name) && (ident.empty() || m.ident == ident); });
    }
    if (method != "add_backend") return;
    const auto weight = arguments.size() > 1 ? number(arguments[sharded ? arguments.size() - 1 : 1], 1.0) : 1.0;
    of.members.push_back({name, weight, ident.empty() ? name : ident});
}

std::vector<backend_set::member> backend_set::healthy_members(const object& of, const std::string& key, nanoseconds now) {
    std::vector<member> out;
    for (const auto& m : of.members) {
        if (m.weight > 0 && healthy(m.name, key, now)) out.push_back(m);
    }
    return out;
}

bool backend_set::healthy(const std::string& name, const std::string& key, nanoseconds now) {
    if (const auto at = objects_.find(name); at != objects_.end()) {
        if (at->second.type == "saintmode" && at->second.saint.sick_for(key, now)) return false;
        if (depth_ > 16) return false;  // directors in a circle
        ++depth_;
        const bool any = !healthy_members(at->second, key, now).empty();
        --depth_;
        return any;
    }
    const auto found = std::ranges::find(backends_, name, [](const auto& b) { return b->name(); });
    return found != backends_.end() && (*found)->healthy_for(key, now);
}

std::optional<picked_backend> backend_set::resolve(const std::string& name, const std::string& key, nanoseconds now) {
    const auto at = objects_.find(name);
    if (at == objects_.end()) {
        const auto found = std::ranges::find(backends_, name, [](const auto& b) { return b->name(); });
        if (found == backends_.end() || !(*found)->healthy_for(key, now)) return std::nullopt;
        return picked_backend{found->get(), (*found)->saint ? &*(*found)->saint : nullptr};
    }
    auto& chooser = at->second;
    if (!healthy(name, key, now)) return std::nullopt;
    const auto candidates = healthy_members(chooser, key, now);
    const auto by_weight = [&](std::uint64_t number) {
        const auto total =
            std::accumulate(candidates.begin(), candidates.end(), 0.0, [](double sum, const member& m) { return sum + m.weight; });
        double place = static_cast<double>(number >> 11) * 0x1p-53 * total;
        for (const auto& m : candidates) {
            if ((place -= m.weight) < 0) return m.name;
        }
        return candidates.back().name;
    };
    std::string chosen = candidates.front().name;  // saintmode
    if (chooser.type == "fallback") {
        chosen = fall_back(chooser, candidates);
    } else if (chooser.type == "round_robin") {
        // The turn goes round all members, so that a sick one's share is spread by those who follow it.
        for (std::size_t tried = 0; tried < chooser.members.size(); ++tried) {
            chosen = chooser.members[chooser.turn++ % chooser.members.size()].name;
            if (healthy(chosen, key, now)) break;
        }
    } else if (chooser.type == "random") {
        chosen = by_weight(planted(bug::random_by_hash) ? hash_of(key) : random_());
    } else if (chooser.type == "hash") {
        chosen = planted(bug::hash_by_turn) ? candidates[chooser.turn++ % candidates.size()].name : by_weight(hash_of(key));
    } else if (chooser.type == "shard") {
        chosen = shard(chooser, {}, {key, key, now});
    }
    if (depth_ > 16) return std::nullopt;  // directors in a circle
    ++depth_;
    auto out = resolve(chosen, key, now);
    --depth_;
    if (out && !out->saint && chooser.type == "saintmode") out->saint = &chooser.saint;
    return out;
}

std::string backend_set::fall_back(object& of, const std::vector<member>& candidates) const {
    const bool stays = of.sticky && std::ranges::find(candidates, of.current, &member::name) != candidates.end();
    if (!stays) of.current = candidates.front().name;
    return of.current;
}

/// Rendezvous hashing: each key has its own order of all members, in which those of more weight stand in front more often. So only the
/// share of a sick one moves, to the next in each key's order. Empty: none is to be had.
std::string backend_set::shard(const object& of, const std::vector<vcl::value>& arguments, const asked& by) {
    const auto argument = [&](std::size_t which) { return which < arguments.size() ? arguments[which] : vcl::value(); };
    const auto method = vcl::to_string(argument(0)), health = vcl::to_string(argument(6));
    const auto& text = method == "KEY" ? vcl::to_string(argument(1)) : method == "URL" ? by.url : by.key;
    const auto place = [&](const member& m) {
        const auto chance = (static_cast<double>(hash_of(text + '\n' + m.ident) >> 11) + 0.5) * 0x1p-53;
        return -std::log(chance) / std::max(m.weight, 1e-9);
    };
    auto order = of.members;
    if (const auto left = healthy_members(of, by.key, by.now);
        planted(bug::shard_reshuffles) && !left.empty() && left.size() < order.size())
        return left[hash_of(text) % left.size()].name;
    std::ranges::stable_sort(order, {}, place);
    auto skip = std::max(number(argument(3), 0), 0.0);
    for (const auto& m : order) {
        const bool usable = health == "IGNORE" || healthy(m.name, by.key, by.now);
        if (skip >= 1 && (usable || health != "ALL")) {
            --skip;
        } else if (skip < 1 && usable) {
            return m.name;
        }
    }
    // Fewer than the policy wanted to skip: the last that will do.
    for (const auto& m : std::views::reverse(order)) {
        if (health == "IGNORE" || healthy(m.name, by.key, by.now)) return m.name;
    }
    return {};
}

std::string backend_set::saint_status(nanoseconds now) const {
    std::string all;
    for (const auto& [name, each] : objects_) {
        if (each.type != "saintmode") continue;
        all += (all.empty() ? "" : ",") + ("\n\t\t{ \"name\": \"" + name + "\", \"backend\": \"" + each.members.front().name) +
               "\", \"count\": \"" + std::to_string(each.saint.size(now)) + "\", \"threshold\": \"" +
               std::to_string(each.saint.threshold()) + "\" }";
    }
    return "{\n\t\"saintmode\": [" + all + "\n\t]\n}\n";
}

std::optional<vcl::value> backend_set::call(const std::string& object_name, std::string_view method,
                                            const std::vector<vcl::value>& arguments, const asked& by) {
    const auto at = objects_.find(object_name);
    if (at == objects_.end()) return std::nullopt;
    auto& called = at->second;
    if (method == "backend") {
        // Choices by key are made here and now, the others when the origin is needed.
        if (called.type == "shard") {
            const auto chosen = shard(called, arguments, by);
            return vcl::backend_ref{chosen.empty() ? object_name : chosen};
        }
        if (called.type != "hash") return vcl::backend_ref{object_name};
        const auto chosen = resolve(object_name, arguments.empty() ? by.key : vcl::to_string(arguments.front()), by.now);
        return vcl::backend_ref{chosen ? chosen->to->name() : object_name};
    }
    if (method == "is_healthy") return healthy(object_name, by.key, by.now);
    if (method == "blacklist_count") return called.saint.size(by.now);
    if (method == "key") return static_cast<std::int64_t>(hash_of(arguments.empty() ? "" : vcl::to_string(arguments.front())) >> 33);
    change_members(called, method, arguments);
    return vcl::value(true);
}

}  // namespace badorigin::cache
