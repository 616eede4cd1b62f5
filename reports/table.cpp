#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "reports/escaped.h"
#include "reports/report.h"

namespace badorigin::report {

namespace {

using scenario::demand;

constexpr std::array demands{demand::required, demand::advice, demand::optional};

struct tally {
    int upheld = 0, judged = 0;
};
struct row {
    std::map<demand, tally> by;
    int not_applicable = 0, undecided = 0;

    void add(const judge::verdict& v) {
        if (v.outcome == judge::outcome::not_applicable) {
            ++not_applicable;
        } else if (v.outcome == judge::outcome::inconclusive || v.outcome == judge::outcome::error) {
            ++undecided;
        } else {
            auto& sum = by[v.demand];
            ++sum.judged;
            sum.upheld += v.outcome == judge::outcome::upheld ? 1 : 0;
        }
    }
    std::string text(const std::string& name) const {
        std::string out = fmt::format("{:<28}", name);
        for (const auto kind : demands) {
            const auto found = by.find(kind);
            out += fmt::format("{:>14}", found == by.end() ? "-" : fmt::format("{} of {}", found->second.upheld, found->second.judged));
        }
        const auto count = [](int n) { return n == 0 ? std::string{"-"} : std::to_string(n); };
        return fmt::format("{}{:>16}{:>14}\n", out, count(not_applicable), count(undecided));
    }
};

std::string topic_of(const std::string& id) {
    return id.substr(0, id.rfind('/'));
}

}  // namespace

std::string case_text(const entry& what) {
    const auto& v = what.verdict;
    auto out = fmt::format("{} {:<9} {}  {}  {}{}: {}\n", fmt::format("{:<14}", judge::name(v.outcome)), judge::name(v.demand), v.scenario,
                           v.proxy, fmt::join(what.sections, ", "), what.sections.empty() ? "it" : "", what.claim);
    if (v.outcome == judge::outcome::error || v.outcome == judge::outcome::inconclusive) return out + fmt::format("  {}\n", v.reason);
    std::string last;
    for (const auto& f : v.findings) {
        if (f.outcome != v.outcome || f.kind == judge::kind::advice || f.claim == last) continue;
        last = f.claim;
        out += fmt::format("  {}: {}\n", f.claim, escaped(f.message));
    }
    return out;
}

std::string topics_text(const std::vector<entry>& all) {
    std::map<std::string, std::map<std::string, row>> proxies;
    std::map<std::string, row> sums;
    for (const auto& e : all) {
        if (!e.of_table) continue;
        proxies[e.verdict.proxy][topic_of(e.verdict.scenario)].add(e.verdict);
        sums[e.verdict.proxy].add(e.verdict);
    }
    std::string out;
    for (const auto& [proxy, topics] : proxies) {
        out += fmt::format("\n{:<28}{:>14}{:>14}{:>14}{:>16}{:>14}\n", proxy + ", upheld", "required", "advice", "optional",
                           "not applicable", "undecided");
        for (const auto& [topic, counts] : topics) out += counts.text(topic);
        out += sums[proxy].text("all");
    }
    return out.empty() ? out : out + "\n";
}

}  // namespace badorigin::report
