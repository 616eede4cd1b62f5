#include <algorithm>

#include "harness/scenario/parts.h"

namespace badorigin::scenario {

namespace {

constexpr std::array<std::string_view, 23> expectation_keys{
    "status",   "body",     "age",      "stale",    "fetches",          "attempts",           "fetched_from",     "same_copy_as",
    "fields",   "trailers", "complete", "answered", "closed",           "body_at_origin",     "reused_at_origin", "reused",
    "overlaps", "within",   "at_least", "interim",  "fields_at_origin", "trailers_at_origin", "own_fetch"};

void read_status(reader& to, const YAML::Node& from, expectation& out) {
    if (!from.IsSequence()) {
        out.status = to.status(from, "status");
        return;
    }
    for (const auto& item : to.list(from, "status")) {
        const bool none = item.IsScalar() && item.Scalar() == "0";
        if (auto one = none ? std::optional{0} : to.status(item, "status")) out.status_in.push_back(*one);
    }
}

void read_body(reader& to, const YAML::Node& from, expectation& out) {
    auto content = read_content(to, from, "body");
    if (!content) return;
    if (content->kind == peers::content::kind::literal) {
        out.body = std::move(content->literal);
    } else {
        out.body_of = std::move(content);
    }
}

void read_age(reader& to, const YAML::Node& from, expectation& out) {
    if (from.IsScalar() && (from.Scalar() == "absent" || from.Scalar() == "present")) {
        out.age_present = from.Scalar() == "present";
        return;
    }
    out.age = to.duration(from, "age");
}

using patterns = std::vector<std::pair<std::string, std::string>>;

void read_field_patterns(reader& to, const YAML::Node& from, std::string_view what, patterns& present, std::vector<std::string>& absent) {
    for (auto& one : read_pairs(to, from, what)) {
        auto pattern = to.text(one.value, fmt::format("{}: {}", what, one.name));
        if (!pattern) continue;
        if (is_plain(one.value) && *pattern == "absent") {
            absent.push_back(std::move(one.name));
        } else if (const auto why = regex_error(*pattern)) {
            to.wrong(one.value, fmt::format("{}: {}: '{}' is no regular expression: {}", what, one.name, *pattern, *why));
        } else {
            present.emplace_back(std::move(one.name), std::move(*pattern));
        }
    }
}

void read_interim(reader& to, const YAML::Node& from, expectation& out) {
    out.interim.emplace();
    if (from.IsSequence() && from.size() == 0) return;
    for (const auto& item : to.list(from, "interim")) {
        if (const auto status = to.status(item, "interim", 100, 199)) out.interim->push_back(*status);
    }
}

/// One name, or a list of them.
template <class Take>
void each_name(reader& to, const YAML::Node& from, std::string_view what, Take take) {
    if (!from.IsSequence()) {
        if (auto one = to.text(from, what)) take(from, std::move(*one));
        return;
    }
    for (const auto& item : to.list(from, what)) {
        if (auto one = to.text(item, what)) take(item, std::move(*one));
    }
}

void read_relations(reader& to, const shape& from, expectation& out) {
    from.with("fetched_from", [&](const auto& node) {
        each_name(to, node, "fetched_from", [&](const YAML::Node& where, std::string name) {
            if (to.known_server(where, name)) out.fetched_from.push_back(std::move(name));
        });
    });
    from.with("same_copy_as", [&](const auto& node) {
        auto name = to.text(node, "same_copy_as");
        if (name && to.known_client(node, "same_copy_as", *name)) out.same_copy_as = std::move(name);
    });
    from.with("overlaps", [&](const auto& node) {
        each_name(to, node, "overlaps", [&](const YAML::Node& where, std::string name) {
            if (to.known_client(where, "overlaps", name)) out.overlaps.push_back(std::move(name));
        });
    });
    from.with("body_at_origin", [&](const auto& node) {
        struct word {
            std::string_view text, value;
        };
        static constexpr std::array words{word{"whole", "whole"}, word{"none", "none"}, word{"last", "last"}};
        if (auto value = to.one_of(node, "body_at_origin", words)) out.body_at_origin = std::string{*value};
    });
}

}  // namespace

expectation read_expectation(reader& to, const YAML::Node& from, std::string_view what) {
    expectation out;
    const shape keys{to, from, what, expectation_keys};
    keys.with("status", [&](const auto& node) { read_status(to, node, out); });
    keys.with("body", [&](const auto& node) { read_body(to, node, out); });
    keys.with("age", [&](const auto& node) { read_age(to, node, out); });
    keys.with("fields", [&](const auto& node) { read_field_patterns(to, node, "fields", out.fields, out.fields_absent); });
    keys.with("fields_at_origin", [&](const auto& node) {
        read_field_patterns(to, node, "fields_at_origin", out.fields_at_origin, out.fields_absent_at_origin);
    });
    keys.with("trailers", [&](const auto& node) { read_field_patterns(to, node, "trailers", out.trailers, out.trailers_absent); });
    keys.with("trailers_at_origin", [&](const auto& node) {
        read_field_patterns(to, node, "trailers_at_origin", out.trailers_at_origin, out.trailers_absent_at_origin);
    });
    keys.with("interim", [&](const auto& node) { read_interim(to, node, out); });
    keys.with("fetches", [&](const auto& node) { out.fetches = to.count(node, "fetches"); });
    keys.with("attempts", [&](const auto& node) { out.attempts = to.count(node, "attempts"); });
    keys.with("own_fetch", [&](const auto& node) { out.own_fetch = to.yes_no(node, "own_fetch"); });
    keys.with("stale", [&](const auto& node) { out.stale = to.yes_no(node, "stale"); });
    keys.with("complete", [&](const auto& node) { out.complete = to.yes_no(node, "complete"); });
    keys.with("answered", [&](const auto& node) { out.answered = to.yes_no(node, "answered"); });
    keys.with("closed", [&](const auto& node) { out.closed = to.yes_no(node, "closed"); });
    keys.with("reused", [&](const auto& node) { out.reused = to.yes_no(node, "reused"); });
    keys.with("reused_at_origin", [&](const auto& node) { out.reused_at_origin = to.yes_no(node, "reused_at_origin"); });
    keys.with("within", [&](const auto& node) { out.within = to.duration(node, "within"); });
    keys.with("at_least", [&](const auto& node) { out.at_least = to.duration(node, "at_least"); });
    read_relations(to, keys, out);
    if (out.within && out.at_least && *out.at_least > *out.within) to.wrong(from, fmt::format("{}: at_least is longer than within", what));
    return out;
}

}  // namespace badorigin::scenario
