// Names come first: an expectation may name a later step, and "step-3" must not be taken by another.
#include <algorithm>
#include <charconv>
#include <set>

#include "harness/scenario/parts.h"

namespace badorigin::scenario {

namespace {

/// The value of a key, without any judgement of the mapping.
std::optional<YAML::Node> peek(const YAML::Node& mapping, std::string_view key) {
    if (!mapping.IsMap()) return std::nullopt;
    for (const auto& pair : mapping) {
        if (pair.first.IsScalar() && pair.first.Scalar() == key) return pair.second;
    }
    return std::nullopt;
}

class naming {
public:
    explicit naming(reader& to) : to_(to) {}

    std::string of(const YAML::Node& from, std::string fallback) {
        const auto given = peek(from, "name");
        auto name = given ? to_.name(*given, "name") : std::optional{std::move(fallback)};
        if (!name) return {};
        const auto& where = given ? *given : from;
        if (to_.promises.contains(*name)) {
            to_.wrong(where, fmt::format("name: '{}' is the name of a promise already", *name));
        } else if (*name == "all") {
            to_.wrong(where, "name: 'all' means all steps, in await");
        } else if (*name == "start" || *name == "end") {
            to_.wrong(where, fmt::format("name: '{}' is what vitals call the {} of the run", *name, *name));
        } else if (!seen_.insert(*name).second) {
            to_.wrong(where, fmt::format("name: another step is named '{}' already", *name));
        }
        return std::move(*name);
    }

    static named_client client(const YAML::Node& from, std::string name) {
        named_client out;
        out.name = std::move(name);
        if (const auto wait = peek(from, "wait")) out.waits = !(wait->IsScalar() && (wait->Scalar() == "no" || wait->Scalar() == "false"));
        if (const auto repeat = peek(from, "repeat"); repeat && repeat->IsScalar()) {
            const auto& text = repeat->Scalar();
            std::from_chars(text.data(), text.data() + text.size(), out.repeat);
        }
        return out;
    }

private:
    reader& to_;
    std::set<std::string> seen_;
};

}  // namespace

std::vector<named_step> read_step_names(reader& to, const YAML::Node& from) {
    std::vector<named_step> out;
    if (!from.IsSequence()) return out;
    naming names{to};
    for (const auto& node : from) {
        named_step step;
        step.name = names.of(node, fmt::format("step-{}", out.size() + 1));
        if (peek(node, "client") || peek(node, "raw")) {
            step.clients.push_back(naming::client(node, step.name));
        } else if (const auto together = peek(node, "together"); together && together->IsSequence()) {
            for (const auto& client : *together) {
                step.clients.push_back(naming::client(client, names.of(client, fmt::format("{}.{}", step.name, step.clients.size() + 1))));
            }
        }
        out.push_back(std::move(step));
    }
    return out;
}

}  // namespace badorigin::scenario
