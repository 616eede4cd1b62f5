#!/usr/bin/python3
"""Evidence from our own sockets: asked for only, judged by the same rules, and every report says that it is no packet capture."""
import json
import xml.etree.ElementTree as ElementTree

from common import ROOT, SCENARIOS, EndToEnd, badorigin, canonical, main, run_suite

SAID = "evidence: tap (our own sockets), not a packet capture"
PATHS = [SCENARIOS / suite for suite in ("bodies", "grace", "saint")]


class Tap(EndToEnd):
    def test_the_verdicts_are_those_of_a_capture_and_every_report_says_what_they_rest_on(self):
        junit = self.out / "junit.xml"
        done, tapped = run_suite(self.out / "tap", "--evidence", "tap", "--keep-evidence", "always", "--junit", junit, paths=PATHS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual({r["outcome"] for r in tapped.values()}, {"upheld"})
        _, captured = run_suite(self.out / "libpcap", paths=PATHS)
        for key, result in tapped.items():
            self.assertEqual(canonical(result["verdicts"]), canonical(captured[key]["verdicts"]), key)
            self.assertEqual((result["evidence_kind"], captured[key]["evidence_kind"]), ("tap", "libpcap"))
            self.assertEqual(json.loads((ROOT / result["evidence"] / "manifest.json").read_text())["evidence"], "tap")

        self.assertIn(SAID, done.stdout)
        self.assertEqual(json.loads((self.out / "tap/results.json").read_text())["note"], SAID)
        self.assertEqual(ElementTree.parse(junit).getroot().find("testsuite/properties/property").get("value"), SAID)
        judged = badorigin("judge", *[r["evidence"] for r in tapped.values()])
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)
        self.assertIn(SAID, judged.stdout)

    def test_a_violation_is_found_without_a_capture_too(self):
        done, results = run_suite(self.out, "--evidence", "tap", "--plant", "ignore-saint", paths=[SCENARIOS / "saint"])
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(results["saint/blacklisted-url-keeps-away-from-its-origin", "bundled"]["outcome"], "violated")

    def test_a_capture_is_what_is_made_when_nothing_is_asked_for(self):
        done, results = run_suite(self.out, paths=[SCENARIOS / "saint"])
        self.assertEqual({r["evidence_kind"] for r in results.values()}, {"libpcap"})
        self.assertNotIn("tap", done.stdout)


if __name__ == "__main__":
    main()
