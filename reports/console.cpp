#include <algorithm>
#include <cerrno>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <sys/ioctl.h>

#include "reports/escaped.h"
#include "reports/own_log.h"
#include "reports/report.h"

namespace badorigin::report {

namespace {

constexpr std::size_t exchanges_shown = 6, findings_shown = 10;  // the latter of one claim

double seconds(std::chrono::nanoseconds t) {
    return std::chrono::duration<double>(t).count();
}

const char* colour_of(judge::outcome what) {
    switch (what) {
        case judge::outcome::upheld:
            return "\033[32m";
        case judge::outcome::violated:
        case judge::outcome::error:
            return "\033[31m";
        case judge::outcome::inconclusive:
            return "\033[33m";
        default:
            return "\033[2m";
    }
}

/// Of the terminal; what does not fit in a line could not be taken back.
std::size_t width_of(std::FILE* terminal) {
    constexpr std::size_t usual = 80;
    winsize size{};
    return ::ioctl(::fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

std::string indented(const std::string& text) {
    std::string out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) out += line.empty() ? "\n" : "  " + line + "\n";
    return out;
}

/// What came over the wire says nothing to the terminal: control bytes are shown, not sent.
std::string plain(const std::string& text) {
    std::string out;
    for (std::size_t from = 0; from <= text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        out += escaped(std::string_view(text).substr(from, end - from));
        if (end < text.size()) out += '\n';
        from = end + 1;
    }
    return out;
}

}  // namespace

std::string citation_text(const judge::citation& c) {
    std::string frames = c.in_files;
    if (frames.empty() && !c.frames.empty()) frames = fmt::format("frames {}", fmt::join(c.frames, ", "));
    return fmt::format("{}{}{}", c.what, frames.empty() ? "" : " (" + frames + ")", c.detail.empty() ? "" : ": " + c.detail);
}

std::vector<const judge::finding*> told_findings(const entry& what) {
    std::vector<const judge::finding*> out;
    if (what.verdict.outcome == judge::outcome::error) return out;
    for (const auto& f : what.verdict.findings)
        if (f.kind != judge::kind::advice && f.outcome != judge::outcome::upheld && f.outcome != judge::outcome::not_applicable)
            out.push_back(&f);
    return out;
}

console::console(std::FILE* out, console_style style, std::size_t total) : out_(out), style_(style), total_(total) {}

std::string console::paint(judge::outcome what, const std::string& text) const {
    return style_.colour ? fmt::format("{}{}\033[0m", colour_of(what), text) : text;
}

void console::put(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), out_) != text.size() && trouble_ == 0) trouble_ = errno;
}

void console::flush() {
    if (std::fflush(out_) != 0 && trouble_ == 0) trouble_ = errno;
}

void console::clear_live() {
    if (style_.live) put("\r\033[K");
}

void console::show_live() {
    if (!style_.live || running_.empty()) return;
    std::string line = fmt::format("[{}/{}] {}", done_, total_, running_.front());
    if (running_.size() > 1) line += fmt::format(" and {} more", running_.size() - 1);
    put("\r\033[K" + line.substr(0, width_of(out_) - 1));
    flush();
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
    if (what.of_table) {
        if (!good) put(paint(judge::decisive(v), case_text(what)));
        show_live();
        return flush();
    }
    const bool long_reason = v.reason.find('\n') != std::string::npos;
    if (!style_.quiet || !good) {
        put(fmt::format("{} {}  {}  {:.2f} s{}\n", paint(v.outcome, fmt::format("{:<14}", judge::name(v.outcome))), v.scenario, v.proxy,
                        seconds(what.took), v.reason.empty() || long_reason ? "" : "  (" + plain(v.reason) + ")"));
        if (long_reason) put(indented(plain(v.reason)));
    }
    const bool tells_more = what.capture && (!style_.quiet || !good);
    if (tells_more) put(captured_text(*what.capture));
    if (!good && v.outcome != judge::outcome::error) show_findings(what);
    if (tells_more) put(advice_text(v));
    if (!good)
        for (const auto& note : v.notes) put(fmt::format("  note: {}\n", plain(note)));
    if (!good && !what.evidence.empty())
        put(fmt::format("  evidence: {} (judge it again: badorigin judge {})\n", what.evidence, what.evidence));
    show_live();
    flush();
}

void console::show_findings(const entry& what) {
    std::map<std::string, std::size_t> told;
    for (const auto* f : told_findings(what)) {
        if (++told[f->claim] > findings_shown) continue;
        put(fmt::format("  {} {}{}: {}\n", paint(f->outcome, std::string(judge::name(f->outcome))), f->claim,
                        f->subject.empty() ? "" : " [" + f->subject + "]", plain(f->message)));
        for (const auto& c : f->citations) put(fmt::format("    - {}\n", plain(citation_text(c))));
    }
    for (const auto& [claim, count] : told)
        if (count > findings_shown) put(fmt::format("  … and {} more of {} (all are in --json)\n", count - findings_shown, claim));
    const auto own = what.cited.empty() ? nullptr : own_log::of_bundle(what.evidence);
    for (std::size_t i = 0; i < std::min(exchanges_shown, what.cited.size()); ++i) {
        put(on_the_wire(*what.cited[i], what.files()));
        if (own) put(own->text(*what.cited[i], own_log::part::beyond_packets));
    }
    if (what.cited.size() > exchanges_shown) put(fmt::format("  … and {} more exchanges\n", what.cited.size() - exchanges_shown));
}

void console::finish(const std::vector<entry>& all) {
    clear_live();
    std::map<judge::outcome, int> counts;
    for (const auto& e : all) ++counts[e.verdict.outcome];
    std::string line;
    for (const auto what : {judge::outcome::upheld, judge::outcome::violated, judge::outcome::inconclusive, judge::outcome::error,
                            judge::outcome::not_applicable}) {
        if (counts[what] == 0 && what != judge::outcome::upheld) continue;
        line += fmt::format("{}{}", line.empty() ? "" : ", ", paint(what, fmt::format("{} {}", counts[what], judge::name(what))));
    }
    put(topics_text(all));
    if (const auto weaker = weaker_evidence(all); !weaker.empty()) put(weaker + "\n");
    put(line + "\n");
    flush();
}

}  // namespace badorigin::report
