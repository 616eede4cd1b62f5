#include "harness/scenario/reader.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace badorigin::scenario {

std::string problem::text() const {
    return at.line > 0 ? fmt::format("{}:{}:{}: {}", at.file, at.line, at.column, message) : fmt::format("{}: {}", at.file, message);
}

place reader::at(const YAML::Node& where) const {
    const auto mark = where.Mark();
    return {file_, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
}

void reader::wrong(const YAML::Node& where, std::string message) {
    auto place = at(where);
    const std::pair key{place.line, place.column};
    problems_.emplace(key, problem{std::move(place), std::move(message)});
}

std::vector<problem> reader::take_problems() {
    std::vector<problem> out;
    for (auto& [place, one] : problems_) out.push_back(std::move(one));
    problems_.clear();
    return out;
}

std::vector<YAML::Node> reader::list(const YAML::Node& from, std::string_view what) {
    std::vector<YAML::Node> out;
    if (!from.IsSequence()) {
        wrong(from, fmt::format("{}: expected a list, found {}", what, describe(from)));
        return out;
    }
    out.reserve(from.size());
    for (const auto& item : from) out.push_back(item);
    if (out.empty()) wrong(from, fmt::format("{}: the list is empty", what));
    return out;
}

std::vector<std::string> reader::texts(const YAML::Node& from, std::string_view what) {
    std::vector<std::string> out;
    for (const auto& item : list(from, what)) {
        if (auto one = text(item, what)) out.push_back(std::move(*one));
    }
    return out;
}

std::vector<entry> reader::entries(const YAML::Node& from, std::string_view what) {
    std::vector<entry> out;
    if (!from.IsMap()) {
        wrong(from, fmt::format("{}: expected a mapping, found {}", what, describe(from)));
        return out;
    }
    std::set<std::string> seen;
    for (const auto& pair : from) {
        auto key = text(pair.first, fmt::format("a key of {}", what));
        if (!key) continue;
        if (!seen.insert(*key).second) {
            wrong(pair.first, fmt::format("{}: '{}' stands here twice", what, *key));
            continue;
        }
        out.push_back({std::move(*key), pair.first, pair.second});
    }
    return out;
}

void reader::not_known(const YAML::Node& where, std::string_view what, std::string_view word, const std::vector<std::string>& known) {
    auto message = fmt::format("{}: unknown '{}'", what, word);
    if (const auto near = near_miss(word, known); !near.empty()) {
        message += fmt::format("; did you mean '{}'?", near);
    } else if (known.empty()) {
        message += "; there is none";
    } else {
        message += fmt::format("; expected one of {}", fmt::join(known, ", "));
    }
    wrong(where, std::move(message));
}

bool reader::known_origin(const YAML::Node& where, std::string_view name) {
    if (std::ranges::find(origin_names, name) != origin_names.end()) return true;
    not_known(where, "origin", name, origin_names);
    return false;
}

bool reader::known_server(const YAML::Node& where, std::string_view name) {
    return std::ranges::find(proxy_names, name) != proxy_names.end() || known_origin(where, name);
}

bool reader::known_proxy(const YAML::Node& where, std::string_view name) {
    if (std::ranges::find(proxy_names, name) != proxy_names.end()) return true;
    not_known(where, "proxy", name, proxy_names);
    return false;
}

bool reader::known_client(const YAML::Node& where, std::string_view what, std::string_view name) {
    const auto hash = name.find('#');
    const auto base = name.substr(0, hash);
    std::vector<std::string> known;
    for (const auto& step : step_names) {
        for (const auto& client : step.clients) {
            known.push_back(client.name);
            if (client.name != base) continue;
            if (hash == std::string_view::npos) return true;
            int number = 0;
            const auto digits = name.substr(hash + 1);
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
            if (error == std::errc{} && end == digits.data() + digits.size() && number >= 1 && number <= client.repeat) return true;
            wrong(where, fmt::format("{}: '{}': step '{}' is repeated {} times", what, name, base, client.repeat));
            return false;
        }
    }
    not_known(where, fmt::format("{}: client step", what), name, known);
    return false;
}

shape::shape(reader& to, const YAML::Node& from, std::string_view what, std::span<const std::string_view> keys) : to_(to), from_(from) {
    for (auto& one : to.entries(from, what)) {
        if (std::ranges::find(keys, one.key) != keys.end()) {
            entries_.push_back(std::move(one));
            continue;
        }
        const std::vector<std::string> known{keys.begin(), keys.end()};
        const auto near = near_miss(one.key, known);
        to.wrong(one.key_node, near.empty() ? fmt::format("{}: unknown key '{}'; known are {}", what, one.key, fmt::join(known, ", "))
                                            : fmt::format("{}: unknown key '{}'; did you mean '{}'?", what, one.key, near));
        misspelt_.push_back(near);
    }
}

const entry* shape::find(std::string_view key) const {
    const auto found = std::ranges::find(entries_, key, &entry::key);
    return found == entries_.end() ? nullptr : &*found;
}

bool shape::lacks(std::string_view key) const {
    return from_.IsMap() && !has(key) && std::ranges::find(misspelt_, key) == misspelt_.end();
}

void shape::without(std::span<const std::string_view> keys, std::string_view why) const {
    for (const auto key : keys) {
        if (const auto* found = find(key)) to_.wrong(found->key_node, fmt::format("'{}' {}", key, why));
    }
}

}  // namespace badorigin::scenario
