// The written file says everything as it was resolved: promises and literal durations of one clock, names that were made up, `real: yes` or
// `real: no` in place of the other clock's durations. So it means the same wherever it is read again, and reads back as the same value in
// the mode it was written from.
#include <fmt/format.h>

#include "harness/scenario/spelling.h"
#include "harness/scenario/writer.h"
#include "harness/scenario/yaml.h"

namespace badorigin::scenario {

namespace {

using YAML::BeginMap;
using YAML::BeginSeq;
using YAML::EndMap;
using YAML::EndSeq;
using YAML::Flow;

void write_list(YAML::Emitter& out, std::string_view key, const std::vector<std::string>& items) {
    if (items.empty()) return;
    write_key(out, key);
    out << Flow << BeginSeq;
    for (const auto& item : items) write_word(out, item);
    out << EndSeq;
}

void write_map(YAML::Emitter& out, std::string_view key, const std::map<std::string, std::string>& items) {
    if (items.empty()) return;
    write_key(out, key);
    out << BeginMap;
    for (const auto& [name, text] : items) write_text(out, name, text);
    out << EndMap;
}

void write_head(YAML::Emitter& out, const scenario& what) {
    write_text(out, "claim", what.claim);
    if (what.kind != demand::required) write_word(out, "kind", word_of(demand_words, what.kind));
    write_list(out, "covers", what.covers);
    write_list(out, "sections", what.sections);
    if (!what.policy.empty()) write_word(out, "policy", what.policy);
    if (!what.proxies.empty()) {
        write_key(out, "proxies");
        out << Flow << BeginMap;
        for (const auto& one : what.proxies) write_word(out, one.name, one.policy);
        out << EndMap;
    }
    if (!what.promises.empty()) {
        write_key(out, "promises");
        out << Flow << BeginMap;
        for (const auto& [name, value] : what.promises) write_duration(out, name, value);
        out << EndMap;
    }
    if (what.proxy_protocol) write_yes_no(out, "proxy_protocol", true);
    if (what.always_real_time) {
        write_word(out, "clock", "real");
    } else {
        write_yes_no(out, "real", what.can_be_real);
    }
    write_map(out, "values", what.placeholders);
    write_map(out, "rules_off", what.rules_off);
    write_map(out, "not_for", what.not_for);
    write_list(out, "needs", what.needs);
}

void write_acts(YAML::Emitter& out, const step& what) {
    if (!what.origins.empty()) {
        write_key(out, "origin");
        out << Flow << BeginMap;
        for (const auto& act : what.origins) write_word(out, act.origin, word_of(origin_act_words, act.act));
        out << EndMap;
    }
    if (what.proxy) {
        write_key(out, "proxy");
        out << Flow << BeginMap;
        write_text(out, word_of(proxy_act_words, what.proxy->act), what.proxy->argument);
        out << EndMap;
    }
    if (what.settle) write_duration(out, "settle", *what.settle);
    if (!what.await.empty()) write_word(out, "await", what.await);
}

void write_step(YAML::Emitter& out, const step& what) {
    out << BeginMap;
    if (what.at) {
        const auto offset = format_duration(what.at->offset);
        write_key(out, "at");
        out << (what.at->step.empty()          ? offset
                : what.at->offset.count() == 0 ? what.at->step
                                               : fmt::format("{} + {}", what.at->step, offset));
    }
    write_word(out, "name", what.name);
    write_acts(out, what);
    if (what.clients.size() == 1) {
        write_client(out, what.clients.front());
    } else if (!what.clients.empty()) {
        write_key(out, "together");
        out << BeginSeq;
        for (const auto& client : what.clients) {
            out << BeginMap;
            write_word(out, "name", client.name);
            write_client(out, client);
            out << EndMap;
        }
        out << EndSeq;
    }
    out << EndMap;
}

void write_condition(YAML::Emitter& out, const condition& what) {
    out << Flow << BeginMap;
    write_text(out, "query", what.query);
    write_word(out, "group", what.group);
    if (what.count) write_number(out, "count", *what.count);
    if (what.at_least) write_number(out, "at_least", *what.at_least);
    if (what.at_most) write_number(out, "at_most", *what.at_most);
    if (what.premise) write_yes_no(out, "premise", true);
    out << EndMap;
}

void write_log(YAML::Emitter& out, const origin_log& log) {
    write_key(out, log.target ? log.origin + " " + *log.target : log.origin);
    out << Flow << BeginMap;
    if (log.requests) write_number(out, "requests", *log.requests);
    if (log.statuses) {
        write_key(out, "statuses");
        out << Flow << *log.statuses;
    }
    out << EndMap;
}

void write_limits(YAML::Emitter& out, const vitals_limits& what) {
    out << Flow << BeginMap;
    if (what.cpu_share) {
        write_key(out, "cpu_share");
        out << fmt::format("{}", *what.cpu_share);
    }
    if (what.descriptors_grow) write_number(out, "descriptors_grow", static_cast<std::int64_t>(*what.descriptors_grow));
    if (what.resident_grow) write_number(out, "resident_grow", static_cast<std::int64_t>(*what.resident_grow));
    if (!what.from.empty()) write_word(out, "from", what.from);
    if (!what.to.empty()) write_word(out, "to", what.to);
    out << EndMap;
}

void write_probe(YAML::Emitter& out, const probe_expectation& probe) {
    write_key(out, probe.origin + " " + probe.target);
    out << Flow << BeginMap;
    if (probe.at_least) write_number(out, "at_least", *probe.at_least);
    if (probe.at_most) write_number(out, "at_most", *probe.at_most);
    out << EndMap;
}

template <class Items, class Write>
void write_each(YAML::Emitter& out, std::string_view key, bool as_map, const Items& items, Write write) {
    if (items.empty()) return;
    write_key(out, key);
    out << (as_map ? BeginMap : BeginSeq);
    for (const auto& item : items) write(out, item);
    out << (as_map ? EndMap : EndSeq);
}

void write_run_expectations(YAML::Emitter& out, const scenario& what) {
    if (what.origin_logs.empty() && what.conditions.empty() && what.vitals.empty() && what.probes.empty()) return;
    write_key(out, "expect");
    out << BeginMap;
    write_each(out, "origins", true, what.origin_logs, write_log);
    write_each(out, "where", false, what.conditions, write_condition);
    write_each(out, "vitals", false, what.vitals, write_limits);
    write_each(out, "probes", true, what.probes, write_probe);
    out << EndMap;
}

}  // namespace

std::string write_yaml(const scenario& what) {
    YAML::Emitter out;
    out << YAML::Comment(fmt::format("Resolved for {} time.", what.mode == time_mode::real_time ? "real" : "virtual")) << YAML::Newline;
    out << BeginMap;
    write_head(out, what);
    write_each(out, "origins", true, what.origins, write_origin);
    write_each(out, "steps", false, what.steps, write_step);
    write_run_expectations(out, what);
    out << EndMap;
    return std::string{out.c_str(), out.size()} + "\n";
}

}  // namespace badorigin::scenario
