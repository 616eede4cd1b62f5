#include <algorithm>

#include "harness/scenario/parts.h"
#include "harness/scenario/spelling.h"

namespace badorigin::scenario {

namespace {

/// When each step begins, as far as the file says: for `at` that would go backwards.
///
/// A step without `at` begins at a moment that only the run knows; it becomes a base of its own, no earlier than the step before.
class timeline {
public:
    /// The name of a step that the new one would have to precede, or nothing.
    std::optional<std::string> add(const std::string& name, const std::optional<instant>& at) {
        moment now{name, nanoseconds{0}, latest_.offset};
        if (at) {
            const auto base = at->step.empty() ? moment{} : moments_.at(at->step);
            now = {base.base, base.offset + at->offset, base.earliest + at->offset};
        }
        auto& last_of_base = last_[now.base];
        std::optional<std::string> conflict;
        if (last_of_base.offset > now.offset) {
            conflict = last_of_base.name;
        } else {
            last_of_base = {name, now.offset};
        }
        if (now.earliest >= latest_.offset) {
            latest_ = {name, now.earliest};
        } else if (now.base.empty() && !conflict) {
            conflict = latest_.name;
        }
        moments_.insert_or_assign(name, now);
        return conflict;
    }
    bool knows(const std::string& name) const { return moments_.contains(name); }

private:
    struct moment {
        std::string base;  ///< empty: the run's start
        nanoseconds offset{0}, earliest{0};
    };
    struct named_offset {
        std::string name;
        nanoseconds offset{0};
    };
    std::map<std::string, moment> moments_;
    std::map<std::string, named_offset> last_;  ///< by base: the last step that follows from it
    named_offset latest_;                       ///< no step may begin before this, counted from the run's start
};

class steps_reader {
public:
    explicit steps_reader(reader& to) : to_(to) {
        keys_.assign(client_keys().begin(), client_keys().end());
        together_keys_ = keys_;
        together_keys_.push_back("name");
        for (const auto key : {"at", "name", "together", "origin", "proxy", "settle", "await"}) keys_.push_back(key);
    }

    step read(const YAML::Node& from, const named_step& names) {
        step out;
        out.name = names.name;
        out.where = to_.at(from);
        const shape keys{to_, from, "a step", keys_};
        keys.with("at", [&](const auto& node) { out.at = read_at(node); });
        check_times(keys, out);
        read_clients(keys, names, out);
        keys.with("origin", [&](const auto& node) { read_origin_acts(node, out); });
        keys.with("proxy", [&](const auto& node) { out.proxy = read_proxy(node); });
        keys.with("settle", [&](const auto& node) { out.settle = to_.duration(node, "settle", true); });
        keys.with("await", [&](const auto& node) { out.await = read_await(node); });
        check_company(keys);
        earlier_.push_back(names);
        if (!names.name.empty()) earlier_names_.push_back(names.name);
        return out;
    }

private:
    std::optional<instant> read_at(const YAML::Node& from) {
        auto text = to_.text(from, "at");
        if (!text) return std::nullopt;
        auto when = evaluate(*text, to_.promises, earlier_names_);
        if (!when) {
            to_.wrong(from, fmt::format("at: {}", why_unknown(when.error())));
            return std::nullopt;
        }
        to_.longest_wait(when->longest_literal);
        if (when->offset.count() < 0) {
            to_.wrong(from, fmt::format("at: impossible time: '{}' is {} before {}", *text, format_duration(-when->offset),
                                        when->step.empty() ? "the run begins" : fmt::format("step '{}', which comes first", when->step)));
            return std::nullopt;
        }
        return instant{std::move(when->step), when->offset};
    }

    std::string why_unknown(const expression_error& error) const {
        if (error.unknown.empty()) return error.message;
        for (const auto& one : to_.step_names) {
            if (one.name == error.unknown)
                return fmt::format("step '{}' is no earlier step; a step can only follow from one before it", one.name);
            for (const auto& client : one.clients) {
                if (client.name == error.unknown)
                    return fmt::format("'{}' is one client of step '{}'; did you mean '{}'?", client.name, one.name, one.name);
            }
        }
        return error.message;
    }

    void check_times(const shape& keys, const step& out) {
        if (out.name.empty() || times_.knows(out.name)) return;
        if (out.at && !out.at->step.empty() && !times_.knows(out.at->step)) return;
        if (const auto conflict = times_.add(out.name, out.at)) {
            to_.wrong(keys.find("at")->value, fmt::format("at: impossible time: earlier than step '{}', which comes first", *conflict));
        }
    }

    void read_clients(const shape& keys, const named_step& names, step& out) {
        if (keys.has("client") || keys.has("raw")) {
            out.clients.push_back(read_client(to_, keys, names.name));
            if (const auto* together = keys.find("together"))
                to_.wrong(together->key_node, "together: stands in place of client, not beside it");
            return;
        }
        keys.without(std::span{client_keys()}, "belongs to a client; this step has no 'client'");
        keys.with("together", [&](const auto& node) {
            const auto clients = to_.list(node, "together");
            if (clients.size() == 1) to_.wrong(node, "together: expected two clients or more");
            for (std::size_t i = 0; i < clients.size(); ++i) {
                const shape one{to_, clients[i], "a client of together", together_keys_};
                if (one.lacks("client") && one.lacks("raw")) to_.wrong(clients[i], "together: expected 'client' in each entry");
                out.clients.push_back(read_client(to_, one, i < names.clients.size() ? names.clients[i].name : std::string{}));
            }
        });
    }

    void read_origin_acts(const YAML::Node& from, step& out) {
        const auto acts = to_.entries(from, "origin");
        if (from.IsMap() && acts.empty()) to_.wrong(from, "origin: expected an origin and an act, such as {app: refuse}");
        for (const auto& one : acts) {
            const bool known = to_.known_origin(one.key_node, one.key);
            const auto act = to_.one_of(one.value, fmt::format("origin {}", one.key), origin_act_words);
            if (known && act) out.origins.push_back({one.key, *act});
        }
    }

    std::optional<proxy_act> read_proxy(const YAML::Node& from) {
        static constexpr std::array<std::string_view, 3> keys{"ban", "reload", "stop"};
        const shape act{to_, from, "proxy", keys};
        const auto acts = std::ranges::count_if(keys, [&](std::string_view key) { return act.has(key); });
        if (acts > 1 || std::ranges::all_of(keys, [&](std::string_view key) { return act.lacks(key); })) {
            to_.wrong(from, "proxy: expected one of ban, reload and stop");
            return std::nullopt;
        }
        std::optional<proxy_act> out;
        act.with("ban", [&](const auto& node) {
            if (auto text = to_.text(node, "ban")) out = {proxy_act::what::ban, std::move(*text)};
        });
        act.with("reload", [&](const auto& node) {
            if (auto policy = to_.name(node, "reload")) out = {proxy_act::what::reload, std::move(*policy)};
        });
        if (out && !to_.proxy_names.empty()) to_.wrong(from, "proxy: ban and reload are for a scenario with one proxy");
        act.with("stop", [&](const auto& node) { out = read_stop(node); });
        return out;
    }

    std::optional<proxy_act> read_stop(const YAML::Node& from) {
        auto name = to_.text(from, "stop");
        if (name && to_.proxy_names.empty()) {
            to_.wrong(from, "stop: is for one of several proxies; this scenario has no 'proxies'");
        } else if (name && to_.known_proxy(from, *name)) {
            if (std::ranges::find(stopped_, *name) != stopped_.end()) to_.wrong(from, fmt::format("stop: '{}' is stopped already", *name));
            stopped_.push_back(*name);
            return proxy_act{proxy_act::what::stop, std::move(*name)};
        }
        return std::nullopt;
    }

    std::string read_await(const YAML::Node& from) {
        auto name = to_.text(from, "await");
        if (!name || *name == "all") return name ? *name : std::string{};
        std::vector<std::string> in_flight;
        for (const auto& one : earlier_) {
            for (const auto& client : one.clients) {
                if (!client.waits) in_flight.push_back(client.name);
                if (client.name != *name) continue;
                if (client.waits)
                    to_.wrong(from, fmt::format("await: '{}' is over already; only a step with `wait: no` is in flight", *name));
                return std::move(*name);
            }
        }
        in_flight.emplace_back("all");
        to_.not_known(from, "await: earlier client step", *name, in_flight);
        return {};
    }

    void check_company(const shape& keys) {
        static constexpr std::array<std::string_view, 3> lone{"proxy", "settle", "await"};
        static constexpr std::array<std::string_view, 7> acts{"client", "raw", "together", "origin", "proxy", "settle", "await"};
        const auto is_there = [&](std::string_view key) { return keys.has(key); };
        if (std::ranges::all_of(acts, [&](std::string_view key) { return keys.lacks(key); })) {
            to_.wrong(keys.where(), "a step needs one of client, together, raw, origin, proxy, settle, await");
            return;
        }
        for (const auto key : lone) {
            const auto* found = keys.find(key);
            if (found == nullptr || std::ranges::none_of(acts, [&](auto other) { return other != key && is_there(other); })) continue;
            to_.wrong(found->key_node, fmt::format("{}: is a step of its own; give it its own entry", key));
            return;
        }
    }

    reader& to_;
    std::vector<std::string_view> keys_, together_keys_;
    std::vector<named_step> earlier_;
    std::vector<std::string> earlier_names_, stopped_;
    timeline times_;
};

}  // namespace

std::vector<step> read_steps(reader& to, const YAML::Node& from) {
    std::vector<step> out;
    steps_reader steps{to};
    for (const auto& node : to.list(from, "steps")) out.push_back(steps.read(node, to.step_names[out.size()]));
    return out;
}

}  // namespace badorigin::scenario
