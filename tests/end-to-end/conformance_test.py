#!/usr/bin/python3
"""The conformance table on the bundled cache: whatever is not upheld stands in conformance/known.json with its reason, and nothing else;
the table can fail; what is required alone decides."""
import json
import pathlib
import shutil

from common import ROOT, EndToEnd, badorigin, canonical, main, run_suite

TABLES = ROOT / "conformance"

# Cases that must be violated by the error that the cache is told to commit.
PLANTED = {
    "no-age": {"age/age-is-generated", "age/age-grows"},
    "frozen-age": {"age/age-grows"},
    "ignore-upstream-age": {"age/age-of-the-response-counts", "age/arrives-older-than-max-age", "age/age-shortens-max-age"},
    "ignore-vary": {"vary/other-value", "vary/absent-in-the-second", "vary/two-fields-second-differs", "vary/names-without-case"},
    "store-private": {"directives/private", "directives/private-beats-s-maxage"},
    "no-update-on-validation": {"validation/fields-of-the-304-replace-the-stored-ones"},
    "accept-stale-304": {"validation/a-304-with-another-etag-validates-nothing"},
    "unconditional-304": {"basics/stored-content-is-the-same"},
    "store-error": {"statuses/no-guess-for-500", "statuses/no-guess-for-503"},
    "store-truncated": {"responses/content-shorter-than-its-length"},
    "accept-bare-cr": {"requests/bare-cr-in-a-value"},
    "accept-several-content-length": {"requests/lengths-that-differ"},
    "forward-content-length-with-transfer-encoding": {"requests/length-beside-coding"},
    "forward-hop-by-hop": {"forwarding/connection-option-of-a-request-stays"},
}

OWN = """
topic: What decides
given: {origin: {cache: %s}, exchanges: [origin, store]}
cases:
  - {id: must, says: It is stored, kind: %s, rfc: 9111/3, origin: {cache: no-store}, exchanges: [origin, store]}
"""


class Conformance(EndToEnd):
    def test_known_cases_and_no_others_are_violated(self):
        done, results = run_suite(self.out, "--keep-evidence", "always", paths=[TABLES])
        self.assertGreaterEqual(len(results), 300, done.stdout + done.stderr)
        groups = json.loads((TABLES / "known.json").read_text())["bundled"]
        known = [case for group in groups for case in group["cases"]]
        violated = {scenario: result for (scenario, _), result in results.items() if result["outcome"] == "violated"}
        others = {key: result["outcome"] for key, result in results.items() if result["outcome"] not in ("upheld", "violated")}
        self.assertEqual(others, {})
        self.assertEqual(sorted(set(violated) - set(known)), [], "cases that are not upheld and not in known.json")
        self.assertEqual(sorted(set(known) - set(violated)), [], "cases of known.json that are upheld: take them out")
        self.assertTrue(all(group["why"] for group in groups), "each known case has a reason")
        self.assertEqual(len(known), len(set(known)), "each stands in one group")
        required = [one for one in violated.values() if one.get("kind", "required") == "required"]
        self.assertEqual(done.returncode, 1 if required else 0)
        print(f"{len(results)} cases, {len(violated)} not upheld, of these {len(required)} required")

        again = self.out / "again.json"
        bundles = [pathlib.Path(result["evidence"]) for result in results.values()]
        for number, bundle in enumerate(bundles):
            shutil.copytree(ROOT / bundle, self.out / "elsewhere" / str(number), ignore=shutil.ignore_patterns("verdicts.json", "citations.json"))
        badorigin("judge", *(self.out / "elsewhere" / str(number) for number in range(len(bundles))), "--json", again, cwd="/")
        for first, second in zip(results.values(), json.loads(again.read_text())["results"], strict=True):
            self.assertEqual(canonical(second["verdicts"]), canonical(first["verdicts"]))
            self.assertEqual(second.get("kind"), first.get("kind"))

    def test_planted_bugs_violate_cases(self):
        for bug, wanted in PLANTED.items():
            with self.subTest(bug=bug):
                topics = [TABLES / f"{topic}.yaml" for topic in sorted({case.split("/")[0] for case in wanted})]
                done, results = run_suite(self.out / bug, "--plant", bug, paths=topics)
                violated = {scenario for (scenario, _), result in results.items() if result["outcome"] == "violated"}
                self.assertEqual(wanted - violated, set())
                self.assertEqual(done.returncode, 1)

    def run_own(self, stored, kind):
        folder = self.out / "own"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(TABLES / "policies", folder / "policies")
        (folder / "table.yaml").write_text(OWN % (stored, kind))
        done, results = run_suite(folder / "out", paths=[folder / "table.yaml"])
        return done, results["table/must", "bundled"]

    def test_what_is_required_alone_decides(self):
        for kind, code in (("required", 1), ("advice", 0), ("optional", 0)):
            done, result = self.run_own("max-age=60", kind)
            self.assertEqual((result["outcome"], done.returncode), ("violated", code), kind)
            self.assertIn(f"violated       {kind}", done.stdout)

    def test_a_case_whose_basis_does_not_hold_is_inconclusive(self):
        done, result = self.run_own("no-store", "required")
        self.assertEqual((result["outcome"], done.returncode), ("inconclusive", 3))
        self.assertIn("premise given-2", result["reason"])

    def test_one_case_can_be_run_alone(self):
        done, results = run_suite(self.out, "--filter", "age/age-grows", paths=[TABLES])
        self.assertEqual(set(results), {("age/age-grows", "bundled")}, done.stdout + done.stderr)
        listed = {line.split("\t")[0] for line in badorigin("list", "scenarios", TABLES).stdout.splitlines()}
        self.assertIn("age/age-grows", listed)


if __name__ == "__main__":
    main()
