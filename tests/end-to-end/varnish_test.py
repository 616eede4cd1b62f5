#!/usr/bin/python3
"""The suite on Debian's varnishd: whatever it does not uphold must stand in the ledger, claim by claim; anything else fails."""
import json
import pathlib
import tempfile
import time

from common import ROOT, SCENARIOS, EndToEnd, badorigin, main, run_suite

# Suites whose scenarios must apply to Varnish with their premises met, by field-report item.
APPLICABLE = {"R0.1", "R0.2", "R0.3", "R0.4", "R0.5", "R0.6", "R0.8", "R1.1", "R1.2", "R1.3", "R1.4", "R1.5", "R1.6", "R1.7",
              "R2.5", "R2.6", "R2.8", "R3.1", "R3.2", "R3.3", "R3.6"}

# What verify, which knows no scenario, names beside what the run names.
WITHOUT_THE_SCENARIO = {
    ("bodies/post-by-pass-dies-with-the-reused-connection", "request-not-lost-with-reused-connection"),  # a lawful 503; who brings a capture wants it named
    ("bodies/retry-after-a-reset-carries-the-kept-body", "no-retry-of-non-idempotent"),                  # that the policy retries on purpose stands in the scenario
}


def findings(result):
    return result.get("verdicts", {}).get("findings", [])


def violated(result):
    return {f["claim"] for f in findings(result) if f["outcome"] == "violated" and f["kind"] != "advice"}


class Varnish(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="badorigin-test-")
        cls.addClassCleanup(folder.cleanup)
        begun = time.monotonic()
        cls.done, cls.results = run_suite(pathlib.Path(folder.name), "--proxy", "varnish", "--keep-evidence", "always")
        cls.took = time.monotonic() - begun

    def test_varnish_differs_only_where_the_ledger_says_so(self):
        ledger, sometimes = set(), set()
        for d in json.loads((SCENARIOS / "deviations.json").read_text())["deviations"]:
            if d["proxy"] == "varnish":
                (sometimes if d.get("sometimes") else ledger).update((d["version"], d["scenario"], claim, d["outcome"]) for claim in d["claims"])
        covers = {scenario: set(items.split(",")) for scenario, items in (line.split("\t")[:2] for line in badorigin("list", "scenarios").stdout.splitlines())}
        seen, covered, troubles = set(), set(), []
        for (scenario, _), result in self.results.items():
            if result["outcome"] == "not_applicable":
                continue
            bad = [f for f in findings(result) if f["outcome"] in ("error", "inconclusive")]
            if bad or result["outcome"] not in ("upheld", "violated"):
                troubles.append(f"{scenario}: {result['outcome']} {result.get('reason')} {bad}")
                continue
            version = json.loads((ROOT / result["evidence"] / "manifest.json").read_text())["proxy_version"].split()[0]
            seen |= {(version, scenario, f["claim"], f["outcome"]) for f in findings(result) if f["outcome"] == "violated"}
            covered |= covers.get(scenario, set())
        print(f"{len(self.results)} scenarios on varnish in {self.took:.1f} s, exit {self.done.returncode}")
        self.assertEqual(troubles, [])
        self.assertEqual(sorted(seen - ledger - sometimes), [], "violations that the ledger does not know")
        self.assertEqual(sorted(ledger - seen), [], "ledger entries that no longer happen")
        self.assertEqual(APPLICABLE - covered, set())

    def test_packets_alone_are_judged_as_with_their_scenario(self):
        named, undecided = set(), []
        for (scenario, _), result in self.results.items():
            if "evidence" not in result:
                continue
            report = self.out / "verify.json"
            done = badorigin("verify", pathlib.Path(result["evidence"]) / "packets.pcapng", "--json", report)
            if done.returncode not in (0, 1):
                undecided.append(f"{scenario}: {done.stdout}{done.stderr}")
                continue
            named |= {(scenario, claim) for claim in violated(json.loads(report.read_text())["results"][0]) - violated(result)}
        self.assertEqual(undecided, [])
        self.assertEqual(named, WITHOUT_THE_SCENARIO)


if __name__ == "__main__":
    main()
