#include "harness/judge/judge.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "harness/judge/elsewhere.h"
#include "harness/judge/expectations.h"
#include "harness/judge/run_index.h"

namespace badorigin::judge {

namespace {

finding not_applicable(const rule& r, std::string why) {
    finding f;
    f.claim = r.id();
    f.outcome = outcome::not_applicable;
    f.message = std::move(why);
    return f;
}

bool lacks_what_it_needs(const rule_row& row, const matter& about) {
    if (!about.made_elsewhere() || row.needs == need::packets) return false;
    return row.needs != need::promises || about.scenario.promises.empty();
}

/// Exchanges and connections whose bytes are not all in the capture.
///
/// A claim over several exchanges names those that it found. With one of them lost it would name others, and rest on the hole as much as
/// before: so in a staged run, where nothing need be lost, whatever cites a server counts as citing every hole on connections to it. A
/// capture from elsewhere may be long, and some packet is always missing: there only what cites the hole itself is in doubt.
class holes {
public:
    void add(const capture::evidence& evidence) {
        std::set<std::string_view> servers;
        for (const auto& c : evidence.connections) {
            if (c->holes.empty()) continue;
            connections_.insert(c->id);
            if (evidence.manifest.evidence != capture::evidence_kind::file) servers.insert(c->server_name);
        }
        for (const auto& c : evidence.connections)
            if (servers.contains(c->server_name)) connections_.insert(c->id);
        for (const auto& e : evidence.exchanges)
            if (e->gap) exchanges_.insert(e->id);
    }
    bool cited_by(const finding& f) const {
        return std::ranges::any_of(f.citations, [&](const citation& c) {
            return (c.connection && connections_.contains(c.connection)) || (c.exchange && exchanges_.contains(c.exchange));
        });
    }

private:
    std::set<std::uint64_t> connections_, exchanges_;
};

/// What a step that began too late leaves without meaning: what is expected of it, of those after it, and of the run.
class late_part {
public:
    explicit late_part(const matter& about) {
        for (const auto& s : about.scenario.steps) {
            if (s.name == about.evidence.manifest.late_step) break;
            for (const auto& act : s.clients) in_time_.insert(act.name);
        }
    }
    bool has(const finding& f) const {
        if (f.kind != kind::expectation && f.kind != kind::premise) return false;
        const bool of_a_step = f.claim.starts_with("expect ") || f.claim.starts_with("premise ");
        return !of_a_step || !in_time_.contains(f.subject.substr(0, f.subject.find('#')));
    }

private:
    std::set<std::string> in_time_;
};

void demote(finding& f, std::string_view why) {
    f.outcome = outcome::inconclusive;
    f.message = f.message.empty() ? std::string{why} : fmt::format("{} ({})", why, f.message);
}

/// No evidence, no verdict.
void weigh(const matter& about, const holes& missing_bytes, std::vector<finding>& findings) {
    const auto& m = about.evidence.manifest;
    std::string missing;
    if (!m.interrupted.empty())
        missing = "the run was interrupted: " + m.interrupted;
    else if (!about.evidence.incomplete.empty())
        missing = "the evidence is incomplete: " + about.evidence.incomplete.front();
    late_part too_late{about};
    for (auto& f : findings) {
        bool says_something = f.outcome == outcome::upheld || f.outcome == outcome::violated;
        if (!says_something) continue;
        if (missing_bytes.cited_by(f))
            demote(f, "bytes of what it rests on are missing from the capture");
        else if (!missing.empty() && (f.outcome == outcome::upheld || f.needs_complete))
            demote(f, missing);
        else if (about.made_elsewhere() && f.outcome == outcome::violated && f.needs_complete)
            demote(f, "the capture may have ended before what is missing came");
        else if (!m.late.empty() && (too_late.has(f) || (f.outcome == outcome::upheld && f.kind != kind::premise)))
            demote(f, m.late);
    }
    // a premise that does not hold: what the steps expect says nothing then; a rule that is broken is broken all the same. (A premise that
    // is only too late leaves alone what was expected of the steps before it.)
    auto unmet = std::ranges::find_if(findings, [&](const finding& f) {
        return f.kind == kind::premise && f.outcome == outcome::inconclusive && (m.late.empty() || !too_late.has(f));
    });
    if (unmet == findings.end()) return;
    auto why = fmt::format("{} is not seen to hold", unmet->claim);
    for (auto& f : findings)
        if (f.kind == kind::expectation && f.outcome == outcome::violated) demote(f, why);
}

std::string reason_of(const verdict& v, const capture::evidence& evidence) {
    if (v.outcome == outcome::not_applicable) return "nothing in the packets that a claim applies to";
    if (v.outcome != outcome::inconclusive && v.outcome != outcome::error) return {};
    if (v.outcome == outcome::inconclusive && !evidence.manifest.interrupted.empty())
        return "the run was interrupted: " + evidence.manifest.interrupted;
    if (v.outcome == outcome::inconclusive && !evidence.manifest.late.empty()) return evidence.manifest.late;
    for (bool premise : {true, false})
        for (const auto& f : v.findings)
            if (f.outcome == v.outcome && (f.kind == kind::premise || !premise)) return fmt::format("{}: {}", f.claim, f.message);
    return evidence.incomplete.empty() ? std::string{} : evidence.incomplete.front();
}

}  // namespace

std::string_view name(need what) {
    switch (what) {
        case need::packets:
            return "packets";
        case need::vitals:
            return "the proxy process's vitals";
        case need::promises:
            return "what a policy promises";
        case need::bans:
            return "the bans of a run";
    }
    return "packets";
}

namespace {

/// A rule at work, and what it found so far.
struct at_work {
    const rule_row& row;
    std::unique_ptr<rule> what;
    std::vector<finding> findings;
    std::size_t annotated = 0;  ///< so many of them know how their exchanges were joined
    bool judges = true;         ///< else it is not applicable, or not told of
};

void say_why_not(at_work& one, const matter& about) {
    one.judges = false;
    const auto off = about.scenario.rules_off.find(std::string{one.what->id()});
    if (one.row.where == judged_in::captures_made_elsewhere && !about.made_elsewhere()) return;
    if (off != about.scenario.rules_off.end())
        one.findings.push_back(not_applicable(*one.what, "switched off by the scenario: " + off->second));
    else if (lacks_what_it_needs(one.row, about))
        one.findings.push_back(
            not_applicable(*one.what, fmt::format("needs {}, which a capture made elsewhere does not have", name(one.row.needs))));
    else
        one.judges = true;
}

/// Of violated and inconclusive claims, in order; each once. Citations need their exchanges no longer.
std::vector<capture::exchange_ptr> take_cited(std::vector<finding>& findings) {
    std::map<std::uint64_t, capture::exchange_ptr> cited;
    for (auto& f : findings)
        for (auto& c : f.citations) {
            const auto of = std::exchange(c.of, nullptr);
            if (of && f.outcome != outcome::upheld && f.outcome != outcome::not_applicable && f.kind != kind::advice)
                cited.emplace(of->id, of);
        }
    std::vector<capture::exchange_ptr> in_order;
    for (auto& [id, of] : cited) in_order.push_back(std::move(of));
    return in_order;
}

}  // namespace

struct session::state {
    const scenario::scenario& scenario;
    std::vector<at_work> rules{};
    holes missing_bytes{};

    void begin(const matter& about) {
        auto row = rule_catalogue().begin();
        for (auto& r : all_rules()) {
            rules.push_back({*row++, std::move(r), {}});
            say_why_not(rules.back(), about);
        }
    }

    /// What the rules have to say in the end.
    std::vector<finding> last_words(const matter& about) {
        if (rules.empty()) begin(about);
        std::vector<finding> all;
        for (auto& r : rules) {
            if (r.judges) r.what->finish(about, r.findings);
            if (about.made_elsewhere()) note_how_joined(about.evidence, std::span{r.findings}.subspan(r.annotated));
            all.insert(all.end(), std::make_move_iterator(r.findings.begin()), std::make_move_iterator(r.findings.end()));
        }
        return all;
    }
};

namespace {

/// The findings of all claims: what they come to.
verdict concluded(const matter& about, const holes& missing_bytes, std::vector<finding> findings) {
    const auto& all = about.evidence;
    verdict v;
    v.scenario = about.scenario.id.empty() ? all.manifest.scenario : about.scenario.id;
    v.proxy = all.manifest.proxy;
    v.demand = about.scenario.kind;
    v.notes = all.manifest.unexpected;
    v.findings = std::move(findings);
    weigh(about, missing_bytes, v.findings);
    v.outcome = outcome::not_applicable;
    for (const auto& f : v.findings)
        if (f.kind != kind::advice) v.outcome = worst(v.outcome, f.outcome);  // advice is told, never decides
    const auto& m = all.manifest;
    if (!m.interrupted.empty() || !m.late.empty() || !all.incomplete.empty()) v.outcome = worst(v.outcome, outcome::inconclusive);
    v.reason = reason_of(v, all);
    v.cited = take_cited(v.findings);
    if (about.made_elsewhere()) {
        say_how_joined(v);
        name_frames(all, v);
    }
    return v;
}

}  // namespace

session::session(const scenario::scenario& scenario) : state_{new state{scenario}} {}
session::~session() = default;

void session::see(const capture::evidence& part) {
    const run_index run{part, state_->scenario};
    const matter about{part, state_->scenario, run};
    if (state_->rules.empty()) state_->begin(about);
    for (const auto& t : part.transactions)
        for (auto& r : state_->rules)
            if (r.judges) r.what->see(t, about, r.findings);
    for (auto& r : state_->rules) {
        if (!r.judges) continue;
        r.what->see_part(about, r.findings);
        if (about.made_elsewhere()) note_how_joined(part, std::span{r.findings}.subspan(r.annotated));
        r.annotated = r.findings.size();
    }
    state_->missing_bytes.add(part);
}

verdict session::finish(const capture::evidence& all) {
    const run_index run{all, state_->scenario};
    const matter about{all, state_->scenario, run};
    auto findings = state_->last_words(about);
    judge_steps(about, findings);
    judge_run(about, findings);
    return concluded(about, state_->missing_bytes, std::move(findings));
}

std::vector<finding> session::finish_rules(const capture::evidence& all) {
    const run_index run{all, state_->scenario};
    return state_->last_words({all, state_->scenario, run});
}

namespace {

/// Rules hold for each proxy by itself, relative to which legs and transactions are told; steps and the run are of all together.
verdict judge_tiers(const capture::evidence& all, const scenario::scenario& scenario) {
    std::vector<finding> findings;
    for (const auto& tier : all.tiers) {
        session one{scenario};
        one.see(tier);
        for (auto& f : one.finish_rules(tier)) {
            f.subject = subject_in(tier, f.subject);
            findings.push_back(std::move(f));
        }
    }
    const run_index run{all, scenario};
    const matter about{all, scenario, run};
    judge_steps(about, findings);
    judge_run(about, findings);
    holes missing_bytes;
    missing_bytes.add(all);
    return concluded(about, missing_bytes, std::move(findings));
}

}  // namespace

verdict judge(const capture::evidence& evidence, const scenario::scenario& scenario) {
    if (!evidence.tiers.empty()) return judge_tiers(evidence, scenario);
    session whole{scenario};
    whole.see(evidence);
    return whole.finish(evidence);
}

}  // namespace badorigin::judge
