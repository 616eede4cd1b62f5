#include <algorithm>

#include "harness/scenario/parts.h"

namespace badorigin::scenario {

namespace {

struct origin_and_target {
    std::string origin;
    std::optional<std::string> target;
};

/// "app" or "app /report".
std::optional<origin_and_target> read_origin_key(reader& to, const entry& from, std::string_view what) {
    const auto blank = from.key.find(' ');
    origin_and_target out{from.key.substr(0, blank), std::nullopt};
    if (!to.known_server(from.key_node, out.origin)) return std::nullopt;
    if (blank == std::string::npos) return out;
    auto line = read_start_line(to, from.key_node, what, "GET " + from.key.substr(blank + 1), true);
    if (!line) return std::nullopt;
    out.target = std::move(line->target);
    return out;
}

void read_origin_logs(reader& to, const YAML::Node& from, scenario& out) {
    static constexpr std::array<std::string_view, 2> keys{"requests", "statuses"};
    for (const auto& one : to.entries(from, "expect: origins")) {
        auto key = read_origin_key(to, one, "expect: origins");
        const shape wanted{to, one.value, "what an origin is expected to have been asked", keys};
        if (wanted.lacks("requests") && wanted.lacks("statuses"))
            to.wrong(one.value, fmt::format("{}: expected requests or statuses", one.key));
        origin_log log;
        log.at = to.at(one.key_node);
        wanted.with("requests", [&](const auto& node) { log.requests = to.count(node, "requests"); });
        wanted.with("statuses", [&](const auto& node) {
            log.statuses.emplace();
            if (node.IsSequence() && node.size() == 0) return;
            for (const auto& item : to.list(node, "statuses")) {
                const bool none = item.IsScalar() && item.Scalar() == "0";
                if (const auto status = none ? std::optional{0} : to.status(item, "statuses")) log.statuses->push_back(*status);
            }
        });
        if (!key) continue;
        log.origin = std::move(key->origin);
        log.target = std::move(key->target);
        out.origin_logs.push_back(std::move(log));
    }
}

struct group_word {
    std::string_view text, value;
};
constexpr std::array group_words{group_word{"raw", "raw"}, group_word{"vxid", "vxid"}, group_word{"request", "request"},
                                 group_word{"session", "session"}};

condition read_condition(reader& to, const YAML::Node& from) {
    static constexpr std::array<std::string_view, 6> keys{"query", "group", "count", "at_least", "at_most", "premise"};
    condition out;
    out.at = to.at(from);
    if (from.IsScalar()) {
        set(out.query, to.text(from, "where"));
    } else {
        const shape wanted{to, from, "where", keys};
        if (wanted.lacks("query")) to.wrong(from, "where: 'query' is missing");
        wanted.with("query", [&](const auto& node) { set(out.query, to.text(node, "query")); });
        wanted.with("group", [&](const auto& node) { set(out.group, to.one_of(node, "group", group_words)); });
        wanted.with("count", [&](const auto& node) { out.count = to.count(node, "count"); });
        wanted.with("at_least", [&](const auto& node) { out.at_least = to.count(node, "at_least"); });
        wanted.with("at_most", [&](const auto& node) { out.at_most = to.count(node, "at_most"); });
        wanted.with("premise", [&](const auto& node) { set(out.premise, to.yes_no(node, "premise")); });
        if (out.count && (out.at_least || out.at_most)) to.wrong(from, "where: count stands alone, without at_least and at_most");
        if (out.at_least && out.at_most && *out.at_least > *out.at_most) to.wrong(from, "where: at_least is more than at_most");
        if (!wanted.has("query")) return out;
    }
    if (out.query.find_first_not_of(" \t\r\n") == std::string::npos) to.wrong(from, "where: the query is empty");
    return out;
}

/// The place of the step in the file. Any step will do, since the proxy is measured behind each.
std::optional<std::size_t> read_step_name(reader& to, const shape& from, std::string_view key, std::string& out) {
    const auto* found = from.find(key);
    const auto text = found == nullptr ? std::nullopt : to.text(found->value, key);
    if (!text) return std::nullopt;
    std::vector<std::string> known;
    for (const auto& step : to.step_names) known.push_back(step.name);
    const auto at = std::ranges::find(known, *text);
    if (at == known.end()) {
        to.not_known(found->value, fmt::format("{}: step", key), *text, known);
        return std::nullopt;
    }
    out = *text;
    return static_cast<std::size_t>(at - known.begin());
}

vitals_limits read_limits(reader& to, const YAML::Node& from) {
    static constexpr std::array<std::string_view, 5> keys{"cpu_share", "descriptors_grow", "resident_grow", "from", "to"};
    vitals_limits out;
    out.at = to.at(from);
    const shape wanted{to, from, "vitals", keys};
    wanted.with("cpu_share", [&](const auto& node) { out.cpu_share = to.number(node, "cpu_share"); });
    wanted.with("descriptors_grow", [&](const auto& node) { set(out.descriptors_grow, to.count(node, "descriptors_grow")); });
    wanted.with("resident_grow", [&](const auto& node) { out.resident_grow = to.size(node, "resident_grow"); });
    const auto begin = read_step_name(to, wanted, "from", out.from);
    const auto end = read_step_name(to, wanted, "to", out.to);
    if (begin && end && *begin >= *end)
        to.wrong(wanted.find("to")->value, fmt::format("to: step '{}' is not behind step '{}'", out.to, out.from));
    if (wanted.lacks("cpu_share") && wanted.lacks("descriptors_grow") && wanted.lacks("resident_grow")) {
        to.wrong(from, "vitals: expected cpu_share, descriptors_grow or resident_grow");
    }
    return out;
}

void read_probes(reader& to, const YAML::Node& from, scenario& out) {
    static constexpr std::array<std::string_view, 2> keys{"at_least", "at_most"};
    for (const auto& one : to.entries(from, "probes")) {
        auto key = read_origin_key(to, one, "probes");
        if (key && !key->target) {
            to.wrong(one.key_node, fmt::format("probes: expected an origin and a target such as '{} /health'", one.key));
            key.reset();
        }
        const shape wanted{to, one.value, "probes", keys};
        probe_expectation probe;
        probe.at = to.at(one.key_node);
        wanted.with("at_least", [&](const auto& node) { probe.at_least = to.count(node, "at_least"); });
        wanted.with("at_most", [&](const auto& node) { probe.at_most = to.count(node, "at_most"); });
        if (wanted.lacks("at_least") && wanted.lacks("at_most")) to.wrong(one.value, "probes: expected at_least or at_most");
        if (probe.at_least && probe.at_most && *probe.at_least > *probe.at_most)
            to.wrong(one.value, "probes: at_least is more than at_most");
        if (!key) continue;
        probe.origin = std::move(key->origin);
        probe.target = std::move(*key->target);
        out.probes.push_back(std::move(probe));
    }
}

}  // namespace

void read_run_expectations(reader& to, const YAML::Node& from, scenario& out) {
    static constexpr std::array<std::string_view, 4> keys{"origins", "where", "vitals", "probes"};
    const shape wanted{to, from, "expect", keys};
    wanted.with("origins", [&](const auto& node) { read_origin_logs(to, node, out); });
    wanted.with("where", [&](const auto& node) {
        for (const auto& item : to.list(node, "where")) out.conditions.push_back(read_condition(to, item));
    });
    wanted.with("vitals", [&](const auto& node) {
        if (!node.IsSequence()) {
            out.vitals.push_back(read_limits(to, node));
            return;
        }
        for (const auto& item : to.list(node, "vitals")) out.vitals.push_back(read_limits(to, item));
    });
    wanted.with("probes", [&](const auto& node) { read_probes(to, node, out); });
}

}  // namespace badorigin::scenario
