#include "harness/traffic/claims.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include <fmt/format.h>

#include "harness/judge/facts.h"
#include "harness/scenario/yaml.h"
#include "harness/traffic/related.h"

namespace badorigin::traffic {

namespace {

std::string outcome_of(const told_client& c, const scenario::scenario& what, const telling& about) {
    const auto& t = *c.of;
    if (!t.client->answered()) return "not at all";
    auto words = fmt::format("{}", judge::status_of(*t.client));
    if (!t.client->answered_whole()) return words + " cut short";
    if (is_stale(t, what.promises, about)) return words + " from a stale copy";
    if (from_the_store(t)) return words + " from the store";
    if (answered_by_opinion(t)) return words + " without a fetch";
    return words;
}

/// "200, 3 times 503": runs of the same counted, and no longer than a line.
std::string counted(const std::vector<std::string>& outcomes) {
    constexpr std::size_t told = 6;
    std::vector<std::string> runs;
    for (std::size_t i = 0; i < outcomes.size();) {
        std::size_t same = 1;
        while (i + same < outcomes.size() && outcomes[i + same] == outcomes[i]) ++same;
        runs.push_back(same == 1 ? outcomes[i] : fmt::format("{} times {}", same, outcomes[i]));
        i += same;
    }
    const auto left = runs.size() > told ? runs.size() - told : 0;
    runs.resize(runs.size() - left);
    return fmt::format("{}{}", fmt::join(runs, ", "), left > 0 ? ", and so on" : "");
}

std::string shown(std::string_view line) {
    constexpr std::size_t longest = 60;
    return line.size() <= longest ? std::string{line} : std::string{line.substr(0, longest)} + "...";
}

}  // namespace

std::string claim_of(const std::vector<told_client>& clients, const scenario::scenario& what, const telling& about) {
    constexpr std::size_t told = 3;
    std::vector<std::string> lines;
    std::map<std::string, std::vector<std::string>> outcomes;
    std::vector<std::string> all;
    for (const auto& c : clients) {
        auto line = fmt::format("{} {}", c.act.request.method, c.act.request.target);
        if (!outcomes.contains(line)) lines.push_back(line);
        outcomes[line].push_back(outcome_of(c, what, about));
        all.push_back(outcomes[line].back());
    }
    std::vector<std::string> parts;
    if (lines.size() <= told) {
        for (const auto& line : lines) parts.push_back(fmt::format("{} is answered {}", shown(line), counted(outcomes[line])));
    } else {
        parts.push_back(fmt::format("{} and {} others are answered {}", shown(lines.front()), lines.size() - 1, counted(all)));
    }
    std::set<std::string> faults;
    for (const auto& origin : what.origins)
        for (const auto& route : origin.routes)
            for (const auto& reply : route.replies)
                if (reply.fault) faults.insert(reply.fault->id);
    const auto why = faults.empty() ? std::string{} : fmt::format(" (origin: {})", fmt::join(faults, ", "));
    return fmt::format("{}{}", fmt::join(parts, "; "), why);
}

std::string shape_of(const scenario::scenario& what) {
    auto bare = what;
    bare.claim = "claim";
    std::map<std::string, std::string> marks;
    const auto mark = [&](std::string& word) {
        if (!word.empty()) word = marks.try_emplace(word, fmt::format("/{}", marks.size())).first->second;
    };
    const auto mark_expected = [&](scenario::expectation& e) {
        if (e.same_copy_as) mark(*e.same_copy_as);
        for (auto& name : e.overlaps) mark(name);
    };
    for (auto& s : bare.steps) {
        mark(s.name);
        mark(s.await);
        for (auto& c : s.clients) {
            mark(c.name);
            mark(c.request.target);
            mark_expected(c.expect);
            mark_expected(c.premise);
        }
    }
    for (auto& origin : bare.origins)
        for (auto& r : origin.routes) mark(r.target);
    for (auto& log : bare.origin_logs)
        if (log.target) mark(*log.target);
    static const std::regex figures{"(secret-|size: |seed: )[0-9]+"};
    return std::regex_replace(scenario::write_yaml(bare), figures, "$1N");
}

std::string file_name(std::string_view claim) {
    constexpr std::size_t longest = 90;
    std::string name;
    for (const unsigned char c : claim) {
        if (std::isalnum(c)) name += static_cast<char>(std::tolower(c));
        if (!std::isalnum(c) && !name.empty() && name.back() != '-') name += '-';
    }
    if (name.size() > longest) name.resize(std::min(name.rfind('-', longest), longest));
    while (name.ends_with('-')) name.pop_back();
    return name.empty() ? "traffic" : name;
}

}  // namespace badorigin::traffic
