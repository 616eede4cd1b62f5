#!/usr/bin/python3
"""The suite on Debian's varnishd: whatever it does not uphold must stand in the ledger, claim by claim; anything else fails."""
import json
import time

from common import ROOT, SCENARIOS, EndToEnd, main, run_suite

# Suites whose scenarios must apply to Varnish with their premises met, by field-report item.
APPLICABLE = {"R0.1", "R0.2", "R0.3", "R0.4", "R0.5", "R0.6", "R0.8", "R1.1", "R1.2", "R1.3", "R1.4", "R1.5", "R1.6", "R1.7",
              "R2.5", "R2.6", "R2.8", "R3.1", "R3.2", "R3.3", "R3.6"}


class Varnish(EndToEnd):
    def test_varnish_differs_only_where_the_ledger_says_so(self):
        ledger = {(d["scenario"], claim) for d in json.loads((SCENARIOS / "deviations.json").read_text())["deviations"] if d["proxy"] == "varnish" for claim in d["claims"]}
        begun = time.monotonic()
        done, results = run_suite(self.out, "--proxy", "varnish", "--keep-evidence", "always")
        took = time.monotonic() - begun
        seen, covered, troubles = set(), set(), []
        for (scenario, _), result in results.items():
            if result["outcome"] == "not_applicable":
                continue
            if result["outcome"] in ("error", "inconclusive"):
                bad = [f for f in result.get("verdicts", {}).get("findings", []) if f["outcome"] not in ("upheld", "not_applicable")]
                troubles.append(f"{scenario}: {result['outcome']} {result.get('reason')} {bad}")
            for finding in result["verdicts"]["findings"]:
                if finding["outcome"] == "violated":
                    seen.add((scenario, finding["claim"]))
            text = (SCENARIOS / f"{scenario}.yaml").read_text()
            covered.update(item for item in APPLICABLE if item in text)
        print(f"{len(results)} scenarios on varnish in {took:.1f} s, exit {done.returncode}")
        self.assertEqual(troubles, [])
        self.assertEqual(sorted(seen - ledger), [], "violations that the ledger does not know")
        self.assertEqual(sorted(ledger - seen), [], "ledger entries that no longer happen")
        self.assertEqual(APPLICABLE - covered, set())


if __name__ == "__main__":
    main()
