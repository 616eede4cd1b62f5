#include "harness/replay/told.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "harness/judge/facts.h"
#include "reports/escaped.h"

namespace badorigin::replay {

namespace {

using json = nlohmann::ordered_json;
using traffic::difference;

constexpr std::size_t shown_of_a_kind = 5;

std::string milliseconds(std::chrono::nanoseconds value) {
    return fmt::format("{:.3f} ms", std::chrono::duration<double, std::milli>(value).count());
}

double seconds(std::chrono::nanoseconds value) {
    return std::chrono::duration<double>(value).count();
}

std::string distribution_text(const traffic::distribution& d, std::string_view of) {
    if (d.count == 0) return {};
    return fmt::format("  timing error of {} {}: least {}, median {}, 90 % {}, 99 % {}, most {}\n", d.count, of, milliseconds(d.least),
                       milliseconds(d.median), milliseconds(d.percentile_90), milliseconds(d.percentile_99), milliseconds(d.most));
}

json distribution_json(const traffic::distribution& d) {
    return {{"count", d.count},
            {"least_s", seconds(d.least)},
            {"median_s", seconds(d.median)},
            {"p90_s", seconds(d.percentile_90)},
            {"p99_s", seconds(d.percentile_99)},
            {"most_s", seconds(d.most)}};
}

/// "status", "field server"
std::string kind_text(const difference& d) {
    return fmt::format("{}{}{}", name(d.what), d.name.empty() ? "" : " ", d.name);
}

std::string line_of(const traffic::recording& from, std::size_t ask) {
    const auto& what = from.asks[ask].what;
    return what.method + " " + what.target;
}

std::string difference_text(const told_difference& told, const traffic::recording& from) {
    const auto& d = told.what;
    const auto now = d.replayed ? fmt::format("frame {}", judge::begin_of(*d.replayed).number) : std::string("none");
    return report::escaped(fmt::format("{} #{} (then {}, now {}): then {}, now {}{}{}", line_of(from, d.ask), d.ask + 1,
                                       from.evidence->frame_text(judge::begin_of(*from.asks[d.ask].then).number), now, d.then, d.now,
                                       d.storm.empty() ? "" : "; fault: " + d.storm,
                                       told.allowed.empty() ? "" : "; allowed: " + told.allowed));
}

/// Those that nothing allows first, by kind; of each kind the first few.
std::string differences_text(const replayed& one, const traffic::recording& from) {
    std::string out;
    for (const bool allowed : {false, true}) {
        std::map<std::string, std::vector<const told_difference*>> kinds;
        for (const auto& d : one.differences)
            if (d.allowed.empty() != allowed) kinds[allowed ? d.allowed : kind_text(d.what)].push_back(&d);
        for (const auto& [kind, all] : kinds) {
            if (allowed) {
                out += fmt::format("  allowed, {} times: {}\n", all.size(), kind);
                continue;
            }
            out += fmt::format("  differs in {}, {} times:\n", kind, all.size());
            for (std::size_t i = 0; i < std::min(all.size(), shown_of_a_kind); ++i) out += "    " + difference_text(*all[i], from) + "\n";
            if (all.size() > shown_of_a_kind)
                out += fmt::format("    … and {} more (all are in replay.json)\n", all.size() - shown_of_a_kind);
        }
    }
    return out;
}

std::string answers_text(const traffic::answer_counts& c) {
    auto out = fmt::format("  origins: {} requests answered as for the same client then, {} as another request for the same", c.by_client,
                           c.by_likeness);
    if (c.other_variant > 0) out += fmt::format(", {} as one of other fields", c.other_variant);
    if (c.struck > 0) out += fmt::format(", {} struck by a fault", c.struck);
    out += "\n";
    if (c.unknown > 0)
        out += fmt::format("  origins: {} requests that the capture has no answer to ({}): {}\n", c.unknown, traffic::no_answer_recorded,
                           report::escaped(fmt::format("{}", fmt::join(c.unknown_requests, ", "))));
    return out;
}

/// What is not upheld: how often, and the first message.
struct finding_count {
    std::size_t times = 0;
    std::string first;
};
std::map<std::pair<judge::outcome, std::string>, finding_count> not_upheld(const judge::verdict& v) {
    std::map<std::pair<judge::outcome, std::string>, finding_count> out;
    for (const auto& f : v.findings) {
        if (f.outcome != judge::outcome::violated && f.outcome != judge::outcome::inconclusive) continue;
        auto& one = out[{f.outcome, f.claim}];
        if (one.times++ == 0) one.first = f.message;
    }
    return out;
}

std::string findings_text(const judge::verdict& v) {
    std::string out;
    for (const auto& [claim, told] : not_upheld(v))
        out +=
            report::escaped(fmt::format("    {} {}, {} times: {}", judge::name(claim.first), claim.second, told.times, told.first)) + "\n";
    return out;
}

json findings_json(const judge::verdict& v) {
    auto out = json::array();
    for (const auto& [claim, told] : not_upheld(v))
        out.push_back({{"claim", claim.second}, {"outcome", judge::name(claim.first)}, {"times", told.times}, {"first", told.first}});
    return out;
}

}  // namespace

std::string recording_text(const replayer& of) {
    const auto& from = of.recording();
    auto out = fmt::format("{}: {} of {} exchanges of clients, {} answers of origins, {:.3f} s; speed {}\n", of.name(), from.asks.size(),
                           from.exchanges, from.answers.size(), from.asks.empty() ? 0.0 : seconds(from.asks.back().at), text_of(of.pace()));
    for (const auto& [why, many] : from.left_out) out += fmt::format("  not replayed, {} times: {}\n", many, report::escaped(why));
    for (const auto& note : of.notes()) out += "  " + report::escaped(note) + "\n";
    return out;
}

std::string replayed_text(const replayed& one, const replayer& of) {
    auto out = fmt::format("{:<14} {}  {:.2f} s{}\n", judge::name(one.outcome), one.proxy, seconds(one.run.took),
                           one.run.verdict.reason.empty() ? "" : "  (" + report::escaped(one.run.verdict.reason) + ")");
    out += answers_text(one.answers);
    out += distribution_text(one.compared.requests, "requests of clients");
    out += distribution_text(one.compared.waits, "waits of origins");
    if (one.outcome == judge::outcome::error) return out + (one.run.folder.empty() ? "" : fmt::format("  evidence: {}\n", one.run.folder));
    out += fmt::format("  compared: {} answers to clients, origins asked for {}; {} differences, {} of them not allowed\n",
                       one.compared.compared, one.compared.origins_compared, one.differences.size(), one.not_allowed);
    out += differences_text(one, of.recording());
    for (const auto& reason : one.idle) out += fmt::format("  allowed nothing: {}\n", reason);
    out += fmt::format("  judged: {}\n{}", judge::name(one.run.verdict.outcome), findings_text(one.run.verdict));
    if (!one.run.folder.empty()) out += fmt::format("  evidence: {}\n", one.run.folder);
    return out;
}

json replayed_json(const replayed& one, const replayer& of) {
    const auto& from = of.recording();
    json out{{"proxy", one.proxy},
             {"capture", of.name()},
             {"speed", text_of(of.pace())},
             {"outcome", judge::name(one.outcome)},
             {"verdict", judge::name(one.run.verdict.outcome)},
             {"reason", one.run.verdict.reason},
             {"findings", findings_json(one.run.verdict)},
             {"evidence", one.run.folder},
             {"seconds", seconds(one.run.took)}};
    out["exchanges"] = {{"captured", from.exchanges},
                        {"replayed", from.asks.size()},
                        {"compared", one.compared.compared},
                        {"origins_compared", one.compared.origins_compared}};
    out["not_replayed"] = from.left_out;
    out["notes"] = of.notes();
    out["one_leg"] = from.one_leg;
    const auto& c = one.answers;
    out["answers"] = {{"recorded", from.answers.size()},       {"by_client", c.by_client}, {"by_likeness", c.by_likeness},
                      {"other_variant", c.other_variant},      {"struck", c.struck},       {"unknown", c.unknown},
                      {"unknown_requests", c.unknown_requests}};
    out["timing_error"] = {{"requests", distribution_json(one.compared.requests)}, {"waits", distribution_json(one.compared.waits)}};
    out["not_allowed"] = one.not_allowed;
    out["allowed_nothing"] = one.idle;
    auto& all = out["differences"] = json::array();
    for (const auto& d : one.differences) {
        const auto& ask = from.asks[d.what.ask];
        json each{{"exchange", d.what.ask + 1},
                  {"request", line_of(from, d.what.ask)},
                  {"at_s", seconds(ask.at)},
                  {"kind", traffic::name(d.what.what)},
                  {"then", d.what.then},
                  {"now", d.what.now},
                  {"frame_then", from.evidence->frame_text(judge::begin_of(*ask.then).number)},
                  {"frame_now", d.what.replayed ? json(judge::begin_of(*d.what.replayed).number) : json()}};
        if (!d.what.name.empty()) each["name"] = d.what.name;
        if (!d.what.storm.empty()) each["fault"] = d.what.storm;
        if (!d.allowed.empty()) each["allowed"] = d.allowed;
        all.push_back(std::move(each));
    }
    return out;
}

std::string json_text(const json& what) {
    return what.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace badorigin::replay
