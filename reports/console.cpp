#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reports/report.h"

namespace badorigin::report {

namespace {

constexpr std::size_t exchanges_shown = 6;

double seconds(std::chrono::nanoseconds t) { return std::chrono::duration<double>(t).count(); }

const char* colour_of(judge::outcome what) {
    switch (what) {
        case judge::outcome::upheld: return "\033[32m";
        case judge::outcome::violated:
        case judge::outcome::error: return "\033[31m";
        case judge::outcome::inconclusive: return "\033[33m";
        default: return "\033[2m";
    }
}

}  // namespace

console::console(std::FILE* out, console_style style, std::size_t total) : out_(out), style_(style), total_(total) {}

std::string console::paint(judge::outcome what, const std::string& text) const {
    return style_.colour ? fmt::format("{}{}\033[0m", colour_of(what), text) : text;
}

void console::clear_live() {
    if (style_.live) fmt::print(out_, "\r\033[K");
}

void console::show_live() {
    if (!style_.live || running_.empty()) return;
    std::string line = fmt::format("[{}/{}] {}", done_, total_, running_.front());
    if (running_.size() > 1) line += fmt::format(" and {} more", running_.size() - 1);
    fmt::print(out_, "\r\033[K{}", line.substr(0, 100));
    std::fflush(out_);
}

void console::begun(const std::string& scenario, const std::string& proxy) {
    running_.push_back(scenario + " on " + proxy);
    show_live();
}

void console::ended(const entry& what) {
    std::erase(running_, what.verdict.scenario + " on " + what.verdict.proxy);
    ++done_;
    clear_live();
    const auto& v = what.verdict;
    const bool good = v.outcome == judge::outcome::upheld || v.outcome == judge::outcome::not_applicable;
    if (!style_.quiet || !good) {
        fmt::print(out_, "{} {}  {}  {:.2f} s{}\n", paint(v.outcome, fmt::format("{:<14}", judge::name(v.outcome))), v.scenario, v.proxy, seconds(what.took),
                   v.reason.empty() ? "" : "  (" + v.reason + ")");
    }
    if (!good) {
        for (const auto& f : v.findings) {
            if (f.outcome == judge::outcome::upheld || f.outcome == judge::outcome::not_applicable) continue;
            fmt::print(out_, "  {} {}{}: {}\n", paint(f.outcome, std::string(judge::name(f.outcome))), f.claim, f.subject.empty() ? "" : " [" + f.subject + "]", f.message);
            for (const auto& c : f.citations) {
                std::string frames;
                for (const auto n : c.frames) frames += fmt::format("{}{}", frames.empty() ? "" : ", ", n);
                fmt::print(out_, "    - {}{}{}\n", c.what, frames.empty() ? "" : " (frames " + frames + ")", c.detail.empty() ? "" : ": " + c.detail);
            }
        }
        for (std::size_t i = 0; i < std::min(exchanges_shown, what.cited.size()); ++i) fmt::print(out_, "{}", on_the_wire(*what.cited[i]));
        if (what.cited.size() > exchanges_shown) fmt::print(out_, "  … and {} more exchanges\n", what.cited.size() - exchanges_shown);
        if (!what.evidence.empty()) fmt::print(out_, "  evidence: {} (judge it again: badorigin judge {})\n", what.evidence, what.evidence);
    }
    show_live();
    std::fflush(out_);
}

void console::finish(const std::vector<entry>& all) {
    clear_live();
    std::map<judge::outcome, int> counts;
    for (const auto& e : all) ++counts[e.verdict.outcome];
    std::string line;
    for (const auto what : {judge::outcome::upheld, judge::outcome::violated, judge::outcome::inconclusive, judge::outcome::error, judge::outcome::not_applicable}) {
        if (counts[what] == 0 && what != judge::outcome::upheld) continue;
        line += fmt::format("{}{}", line.empty() ? "" : ", ", paint(what, fmt::format("{} {}", counts[what], judge::name(what))));
    }
    fmt::print(out_, "{}\n", line);
    std::fflush(out_);
}

}  // namespace badorigin::report
