#!/usr/bin/python3
"""Every check is proven: each planted bug is found by its rule with evidence, each scenario and each rule is violated by some planted bug."""
import concurrent.futures

from common import EndToEnd, badorigin, main, planted_bugs, rules, run_suite

RUNS_AT_ONCE = 3  # a run mostly waits for its few real-time scenarios


def violated(result):
    return [f for f in result.get("verdicts", {}).get("findings", []) if f["outcome"] == "violated"]


class PlantedBugs(EndToEnd):
    def test_every_bug_is_found_and_every_scenario_and_rule_can_fail(self):
        scenarios = {line.split("\t")[0] for line in badorigin("list", "scenarios").stdout.splitlines()}
        named = {line.split("\t")[0]: line for line in badorigin("list", "planted-bugs").stdout.splitlines()}
        scenario_violated, rule_violated = {}, {}
        missed = []
        with concurrent.futures.ThreadPoolExecutor(RUNS_AT_ONCE) as pool:
            runs = list(pool.map(lambda bug: (bug, *run_suite(self.out / bug, "--plant", bug)), planted_bugs()))
        for bug, done, results in runs:
            bad = {key[0]: violated(r) for key, r in results.items() if r["outcome"] == "violated"}
            broken = {key[0]: r.get("reason") for key, r in results.items() if r["outcome"] == "error"}
            if done.returncode != 1:
                missed.append(f"{bug}: exit {done.returncode}, errors {broken}")
            found_rules = set()
            for scenario, findings in bad.items():
                scenario_violated.setdefault(scenario, bug)
                for f in findings:
                    if f["kind"] in ("required", "advice"):
                        found_rules.add(f["claim"])
                        rule_violated.setdefault(f["claim"], bug)
            if not found_rules:
                missed.append(f"{bug}: no rule names it ({named[bug]}); violated: {sorted(bad)}")
            for result in results.values():
                if result["outcome"] == "violated" and not any(c.get("citations") for c in result["citations"]["findings"]):
                    missed.append(f"{bug}: {result['scenario']} is violated without evidence")
        self.assertEqual(missed, [])
        self.assertEqual(scenarios - set(scenario_violated), set(), "scenarios that no planted bug violates")
        self.assertEqual(set(rules()) - set(rule_violated), set(), "rules that no planted bug violates")


if __name__ == "__main__":
    main()
