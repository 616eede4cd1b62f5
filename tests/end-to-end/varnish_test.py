#!/usr/bin/python3
"""The suite on Debian's varnishd: whatever it does not uphold must stand in the ledger, claim by claim; anything else fails."""
import json
import time

from common import ROOT, SCENARIOS, EndToEnd, badorigin, main, run_suite

# Suites whose scenarios must apply to Varnish with their premises met, by field-report item.
APPLICABLE = {"R0.1", "R0.2", "R0.3", "R0.4", "R0.5", "R0.6", "R0.8", "R1.1", "R1.2", "R1.3", "R1.4", "R1.5", "R1.6", "R1.7",
              "R2.5", "R2.6", "R2.8", "R3.1", "R3.2", "R3.3", "R3.6"}
LONGEST = 90  # seconds


def findings(result):
    return result.get("verdicts", {}).get("findings", [])


class Varnish(EndToEnd):
    def test_varnish_differs_only_where_the_ledger_says_so(self):
        ledger = {(d["version"], d["scenario"], claim, d["outcome"])
                  for d in json.loads((SCENARIOS / "deviations.json").read_text())["deviations"] if d["proxy"] == "varnish" for claim in d["claims"]}
        begun = time.monotonic()
        done, results = run_suite(self.out, "--proxy", "varnish", "--keep-evidence", "always")
        took = time.monotonic() - begun
        covers = {scenario: set(items.split(",")) for scenario, items in (line.split("\t")[:2] for line in badorigin("list", "scenarios").stdout.splitlines())}
        seen, covered, troubles = set(), set(), []
        for (scenario, _), result in results.items():
            if result["outcome"] == "not_applicable":
                continue
            bad = [f for f in findings(result) if f["outcome"] in ("error", "inconclusive")]
            if bad or result["outcome"] not in ("upheld", "violated"):
                troubles.append(f"{scenario}: {result['outcome']} {result.get('reason')} {bad}")
                continue
            version = json.loads((ROOT / result["evidence"] / "manifest.json").read_text())["proxy_version"].split()[0]
            seen |= {(version, scenario, f["claim"], f["outcome"]) for f in findings(result) if f["outcome"] == "violated"}
            covered |= covers.get(scenario, set())
        print(f"{len(results)} scenarios on varnish in {took:.1f} s, exit {done.returncode}")
        self.assertEqual(troubles, [])
        self.assertEqual(sorted(seen - ledger), [], "violations that the ledger does not know")
        self.assertEqual(sorted(ledger - seen), [], "ledger entries that no longer happen")
        self.assertEqual(APPLICABLE - covered, set())
        self.assertLess(took, LONGEST)


if __name__ == "__main__":
    main()
