#include <algorithm>

#include "fake-backends/faults.h"
#include "harness/scenario/parts.h"

namespace badorigin::scenario {

namespace {

std::vector<std::string> argument_names(std::string_view listed) {
    std::vector<std::string> out;
    while (!listed.empty()) {
        const auto comma = std::min(listed.find(','), listed.size());
        auto word = listed.substr(0, comma);
        listed.remove_prefix(std::min(comma + 1, listed.size()));
        while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
        while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
        if (!word.empty()) out.emplace_back(word);
    }
    return out;
}

const peers::fault_row* find_row(reader& to, const YAML::Node& where, const std::string& id) {
    if (const auto* row = peers::find_fault(id)) return row;
    std::vector<std::string> known;
    for (const auto& row : peers::fault_catalogue()) known.emplace_back(row.id);
    to.not_known(where, "fault", id, known);
    return nullptr;
}

void read_argument(reader& to, const entry& from, peers::fault& out) {
    if (from.key == "after") set(out.after, to.size(from.value, "after"));
    if (from.key == "for") set(out.lasts, to.duration(from.value, "for", true));
    if (from.key == "every") set(out.every, to.duration(from.value, "every", true));
    if (from.key == "size") set(out.size, to.size(from.value, "size"));
    if (from.key == "text") set(out.text, to.text(from.value, "text"));
}

}  // namespace

std::optional<peers::fault> read_fault(reader& to, const YAML::Node& from) {
    peers::fault out;
    if (!from.IsMap()) {
        auto id = to.text(from, "fault");
        if (!id || find_row(to, from, *id) == nullptr) return std::nullopt;
        out.id = std::move(*id);
        return out;
    }
    const auto rows = to.entries(from, "fault");
    if (rows.size() != 1) {
        to.wrong(from, "fault: expected one fault, such as {close-in-body: {after: 500}}");
        return std::nullopt;
    }
    out.id = rows.front().key;
    const auto* row = find_row(to, rows.front().key_node, out.id);
    if (row == nullptr) return std::nullopt;
    if (rows.front().value.IsNull()) return out;
    const auto readable = argument_names(row->arguments);
    for (const auto& argument : to.entries(rows.front().value, out.id)) {
        if (std::ranges::find(readable, argument.key) != readable.end()) {
            read_argument(to, argument, out);
            continue;
        }
        const auto near = near_miss(argument.key, readable);
        to.wrong(argument.key_node, fmt::format("fault {} does not read '{}'; {}", out.id, argument.key,
                                                !near.empty()      ? fmt::format("did you mean '{}'?", near)
                                                : readable.empty() ? "it has no arguments"
                                                                   : fmt::format("it reads {}", fmt::join(readable, ", "))));
    }
    return out;
}

}  // namespace badorigin::scenario
