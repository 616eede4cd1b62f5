#include "proxy-under-test/vcl/source.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/core.h>

namespace badorigin::cache::vcl {

namespace {

/// The line with a caret below the column; tabs are repeated so that the caret stands right in any terminal.
std::string show(std::string_view content, int line, int column) {
    std::size_t start = 0;
    for (int at = 1; at < line; ++at) {
        const auto next = content.find('\n', start);
        if (next == std::string_view::npos) return {};
        start = next + 1;
    }
    auto shown = content.substr(start, content.find('\n', start) - start);
    if (shown.ends_with('\r')) shown.remove_suffix(1);
    constexpr std::size_t longest = 300;
    std::string pad;
    for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(column); ++i) pad += i < shown.size() && shown[i] == '\t' ? '\t' : ' ';
    if (shown.size() > longest) {
        const auto from = pad.size() > longest / 2 ? pad.size() - longest / 2 : 0;
        shown = shown.substr(std::min(from, shown.size()), longest);
        pad.erase(0, from);
    }
    return fmt::format("{}\n{}^", shown, pad);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
        }
    }
    return row.back();
}

}  // namespace

std::uint32_t sources::add(std::string name, std::string content, std::string directory) {
    texts_.push_back({.name = std::move(name), .content = std::move(content), .directory = std::move(directory)});
    return static_cast<std::uint32_t>(texts_.size() - 1);
}

void sources::complain(place at, std::string message) {
    const auto same = [&](const complaint& c) { return c.at.source == at.source && c.at.line == at.line && c.at.column == at.column; };
    if (found_.size() < 100 && std::ranges::none_of(found_, same)) found_.push_back({at, std::move(message)});
}

std::vector<error> sources::errors() const {
    auto sorted = found_;
    std::ranges::sort(sorted, {}, [](const complaint& c) { return std::tuple{c.at.source, c.at.line, c.at.column}; });
    std::vector<error> result;
    for (auto& [at, message] : sorted) {
        const auto& from = texts_[at.source];
        result.push_back({.at = {.file = from.name, .line = at.line, .column = at.column},
                          .message = std::move(message),
                          .shown = show(from.content, at.line, at.column)});
    }
    return result;
}

std::string suggestion(std::string_view wrong, const std::vector<std::string>& candidates) {
    if (wrong.size() > 60) return {};
    const std::string* best = nullptr;
    auto nearest = std::max<std::size_t>(2, wrong.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        if (candidate.size() > wrong.size() + nearest || wrong.size() > candidate.size() + nearest) continue;
        if (const auto far = edit_distance(wrong, candidate); far < nearest) {
            nearest = far;
            best = &candidate;
        }
    }
    return best ? fmt::format("; did you mean {}?", *best) : std::string{};
}

}  // namespace badorigin::cache::vcl
