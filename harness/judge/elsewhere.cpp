#include "harness/judge/elsewhere.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "harness/judge/facts.h"

namespace badorigin::judge {

namespace {

using capture::frame_number;

/// A number at the start of the text; taken off. Nothing: none stands there.
std::optional<frame_number> take_number(std::string_view& text) {
    frame_number value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

/// "client.pcap frames 3, 4; origin.pcap frame 7"
std::string in_files(const std::vector<frame_number>& frames, const capture::evidence& evidence) {
    std::vector<std::pair<std::string, std::vector<std::string>>> by_file;
    for (const auto n : frames) {
        const auto text = evidence.frame_text(n);
        const auto word = text.rfind("frame ");
        const auto file = text.substr(0, word);
        if (by_file.empty() || by_file.back().first != file) by_file.push_back({file, {}});
        by_file.back().second.push_back(text.substr(word + 6));
    }
    std::string all;
    for (const auto& [file, numbers] : by_file)
        all += fmt::format("{}{}frame{} {}", all.empty() ? "" : "; ", file, numbers.size() > 1 ? "s" : "", fmt::join(numbers, ", "));
    return all;
}

}  // namespace

void note_how_joined(const capture::evidence& part, std::span<finding> of) {
    const auto no_use = [](const finding& f) { return f.outcome != outcome::violated || f.kind == kind::advice; };
    if (std::ranges::all_of(of, no_use)) return;
    std::map<std::uint64_t, std::string_view> likely;
    for (const auto* some : {&part.transactions, &part.elsewhere})
        for (const auto& t : *some)
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts)
                    if (t.client && f.joined == capture::confidence::likely) likely[a->id] = f.by;
    for (auto& f : of)
        for (auto& c : f.citations)
            if (const auto at = likely.find(c.exchange); at != likely.end() && !no_use(f)) c.joined_by = at->second;
}

void say_how_joined(verdict& of) {
    for (auto& f : of.findings) {
        if (f.outcome != outcome::violated || f.kind == kind::advice) continue;
        const auto of_one = std::ranges::find_if(f.citations, [](const citation& c) { return !c.joined_by.empty() && !c.frames.empty(); });
        if (of_one == f.citations.end()) continue;
        f.message +=
            fmt::format("; frame {} is likely, not certain, to be this client's (joined by {})", of_one->frames.front(), of_one->joined_by);
    }
}

std::string with_files(const std::string& text, const capture::evidence& evidence) {
    std::string out;
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto at = rest.find("frame");
        const bool starts_a_word = at == 0 || at == std::string_view::npos || rest[at - 1] == ' ' || rest[at - 1] == '(';
        const auto taken = at == std::string_view::npos ? rest.size() : at;
        out += rest.substr(0, taken);
        rest.remove_prefix(taken);
        if (rest.empty()) break;
        auto behind = rest.substr(5);
        const bool two = behind.starts_with("s ");
        behind.remove_prefix(two ? 2 : behind.starts_with(' ') ? 1 : 0);
        const auto first = starts_a_word ? take_number(behind) : std::nullopt;
        if (!first) {
            out += rest.substr(0, 5);
            rest.remove_prefix(5);
            continue;
        }
        out += evidence.frame_text(*first);
        if (two && behind.starts_with(" to ")) {
            behind.remove_prefix(4);
            if (const auto last = take_number(behind)) out += " to " + evidence.frame_text(*last);
        }
        rest = behind;
    }
    return out;
}

void name_frames(const capture::evidence& evidence, verdict& of) {
    if (evidence.sources.empty()) return;
    of.reason = with_files(of.reason, evidence);
    for (auto& f : of.findings) {
        f.message = with_files(f.message, evidence);
        for (auto& c : f.citations) {
            c.in_files = in_files(c.frames, evidence);
            c.detail = with_files(c.detail, evidence);
        }
    }
}

}  // namespace badorigin::judge
