#include <algorithm>

#include "harness/scenario/parts.h"

namespace badorigin::scenario {

namespace {

/// RFC 9110 5.6.2
bool is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.find(c) != std::string_view::npos;
    });
}

bool is_target(std::string_view target, std::string_view method) {
    if (target.empty() || std::ranges::any_of(target, [](char c) { return (static_cast<unsigned char>(c) <= ' ') || c == 0x7f; }))
        return false;
    return target.front() == '/' || target == "*" || target.find("://") != std::string_view::npos ||
           (method == "CONNECT" && target.find(':') != std::string_view::npos);
}

/// A line break may only be a fold (RFC 9112 5.2); anything else would begin another line.
bool is_field_value(std::string_view value) {
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '\0') return false;
        if (value[i] == '\r' && (i + 1 >= value.size() || value[i + 1] != '\n')) return false;
        if (value[i] == '\n' && (i + 1 >= value.size() || (value[i + 1] != ' ' && value[i + 1] != '\t'))) return false;
    }
    return true;
}

}  // namespace

std::optional<start_line> read_start_line(reader& to, const YAML::Node& from, std::string_view what, const std::string& text,
                                          bool pattern) {
    const auto blank = text.find(' ');
    start_line out{text.substr(0, blank), blank == std::string::npos ? "" : text.substr(blank + 1)};
    if (blank == std::string::npos) {
        to.wrong(from, text.starts_with('/')
                           ? fmt::format("{}: '{}' lacks a method; did you mean 'GET {}'?", what, text, text)
                           : fmt::format("{}: expected a method and a target such as 'GET /report', found '{}'", what, text));
        return std::nullopt;
    }
    if (!is_token(out.method)) {
        to.wrong(from, fmt::format("{}: '{}' is no method", what, out.method));
        return std::nullopt;
    }
    if (!is_target(out.target, out.method)) {
        to.wrong(from, fmt::format("{}: '{}' is no target; expected one that begins with / (or http://…, or *) and has no blanks", what,
                                   out.target));
        return std::nullopt;
    }
    if (!pattern && out.method == "*") {
        to.wrong(from, fmt::format("{}: a client needs one method, such as GET", what));
        return std::nullopt;
    }
    return out;
}

std::vector<name_value> read_pairs(reader& to, const YAML::Node& from, std::string_view what) {
    std::vector<name_value> out;
    const auto add_all = [&](const YAML::Node& mapping) {
        for (auto& one : to.entries(mapping, what)) out.push_back({std::move(one.key), one.key_node, one.value});
    };
    if (from.IsMap()) {
        add_all(from);
        return out;
    }
    if (!from.IsSequence()) {
        to.wrong(from,
                 fmt::format("{}: expected a mapping of names to values, or a list of [name, value], found {}", what, describe(from)));
        return out;
    }
    for (const auto& item : from) {
        if (item.IsMap() && item.size() == 1) {
            add_all(item);
        } else if (item.IsSequence() && item.size() == 2) {
            if (auto name = to.text(item[0], what)) out.push_back({std::move(*name), item[0], item[1]});
        } else {
            to.wrong(item, fmt::format("{}: expected [name, value], found {}", what, describe(item)));
        }
    }
    return out;
}

std::optional<peers::field_lines> read_fields(reader& to, const YAML::Node& from, std::string_view what) {
    peers::field_lines out;
    for (auto& one : read_pairs(to, from, what)) {
        if (one.name.empty() || one.name.find_first_of(std::string_view{"\r\n:\0", 4}) != std::string::npos) {
            to.wrong(one.name_node, fmt::format("{}: '{}' cannot be a field's name; bytes without rules go into raw", what, one.name));
            continue;
        }
        auto value = to.text(one.value, fmt::format("{}: {}", what, one.name));
        if (!value) continue;
        if (!is_field_value(*value)) {
            to.wrong(one.value, fmt::format("{}: {}: a line break must be followed by a blank (a fold); bytes without rules go into raw",
                                            what, one.name));
            continue;
        }
        out.emplace_back(std::move(one.name), std::move(*value));
    }
    return out;
}

std::optional<peers::content> read_content(reader& to, const YAML::Node& from, std::string_view what) {
    peers::content out;
    if (!from.IsMap()) {
        if (!from.IsScalar()) {
            to.wrong(from, fmt::format("{}: expected text or {{size: 100kB, seed: 1}}, found {}", what, describe(from)));
            return std::nullopt;
        }
        auto text = to.text(from, what);
        if (!text) return std::nullopt;
        out.kind = peers::content::kind::literal;
        out.literal = std::move(*text);
        return out;
    }
    static constexpr std::array<std::string_view, 2> keys{"size", "seed"};
    const shape body{to, from, what, keys};
    out.kind = peers::content::kind::generated;
    if (body.lacks("size")) to.wrong(from, fmt::format("{}: 'size' is missing", what));
    body.with("size", [&](const auto& node) { set(out.size, to.size(node, "size")); });
    out.seed = to.seed();
    body.with("seed", [&](const auto& node) { set(out.seed, to.whole(node, "seed", 0, std::numeric_limits<std::int64_t>::max())); });
    return out;
}

std::optional<std::string> read_version(reader& to, const YAML::Node& from) {
    auto out = to.text(from, "version");
    if (!out || *out == "1.0" || *out == "1.1") return out;
    to.wrong(from, fmt::format("version: expected 1.0 or 1.1, found '{}'; other versions go into raw", *out));
    return std::nullopt;
}

}  // namespace badorigin::scenario
