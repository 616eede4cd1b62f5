// Expectations and premises of a scenario's steps, and its claims over the whole run: each key is a finding of its own.
#pragma once

#include <string>
#include <vector>

#include "harness/judge/judge.h"
#include "harness/judge/run_index.h"

namespace badorigin::judge {

/// expect: and premise: of each client step, for each repetition.
void judge_steps(const matter& about, std::vector<finding>& findings);
/// Origin logs, vitals limits, probes, conditions.
void judge_run(const matter& about, std::vector<finding>& findings);

/// The outcome of one claim, before it is a finding.
struct answer {
    judge::outcome outcome = judge::outcome::upheld;
    std::string message;
    std::vector<citation> citations;
    bool needs_complete = false;
};
answer upheld(citation rests_on);
answer violated(std::string message, citation rests_on);
answer inconclusive(std::string message);

/// One step's exchange and what is expected of it.
struct step_case {
    const matter& about;
    std::string name;
    const transaction& seen;
    const scenario::expectation& expected;

    const exchange& client() const { return *seen.client; }
};
/// Each name has a line that its expression is found in; none of the names has a line.
answer judge_fields(const http::fields& in, const std::vector<std::pair<std::string, std::string>>& wanted, const citation& where);
answer judge_absent_fields(const http::fields& in, const std::vector<std::string>& names, const citation& where);

struct key_check {
    std::string_view key;
    bool (*claims)(const scenario::expectation&);
    answer (*check)(const step_case&);
};
/// Keys about what the client got; about what origins were asked; about the order of things.
std::vector<key_check> response_checks();
std::vector<key_check> origin_checks();
std::vector<key_check> order_checks();

}  // namespace badorigin::judge
