#!/usr/bin/python3
"""The bundled suite on the bundled cache: upheld from a libpcap capture, judged again with identical verdicts, reported as promised."""
import json
import pathlib
import shutil
import xml.etree.ElementTree as ElementTree

import jsonschema
from common import ROOT, EndToEnd, badorigin, canonical, main, run_suite


class Suite(EndToEnd):
    def test_whole_suite_is_upheld_and_every_bundle_judges_the_same_again(self):
        junit = self.out / "junit.xml"
        done, results = run_suite(self.out, "--keep-evidence", "always", "--junit", junit)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        outcomes = [r["outcome"] for r in results.values()]
        self.assertGreaterEqual(outcomes.count("upheld"), 30)
        self.assertEqual(set(outcomes), {"upheld"})

        schema = json.loads((ROOT / "reports/results.schema.json").read_text())
        jsonschema.validate(json.loads((self.out / "results.json").read_text()), schema)
        suites = ElementTree.parse(junit).getroot().findall("testsuite")
        self.assertEqual(sum(int(s.get("tests")) for s in suites), len(results))

        bundles = [r["evidence"] for r in results.values()]
        for bundle in bundles:
            manifest = json.loads((ROOT / bundle / "manifest.json").read_text())
            self.assertEqual(manifest["evidence"], "libpcap", bundle)
        copies = []  # in another place, from another place: nothing but the bundle decides
        for number, bundle in enumerate(bundles):
            copies.append(self.out / "elsewhere" / str(number))
            shutil.copytree(bundle, copies[-1])
            (copies[-1] / "verdicts.json").unlink()
            (copies[-1] / "citations.json").unlink()
        again = self.out / "again.json"
        judged = badorigin("judge", *copies, "--json", again, cwd="/")
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)
        second = json.loads(again.read_text())["results"]
        self.assertEqual(len(second), len(bundles))
        for one, bundle in zip(second, bundles):
            stored = json.loads((pathlib.Path(bundle) / "verdicts.json").read_text())
            self.assertEqual(json.dumps(one["verdicts"]), json.dumps(stored))
            self.assertEqual(json.dumps(one["verdicts"]), json.dumps(results[one["scenario"], one["proxy"]]["verdicts"]))

    def test_verdicts_do_not_depend_on_the_run(self):
        first = None
        for turn in range(3):
            done, results = run_suite(self.out / str(turn), "--jobs", 8)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            verdicts = {key: canonical(result["verdicts"]) for key, result in results.items()}
            first = first or verdicts
            self.assertEqual(verdicts.keys(), first.keys())
            for key, verdict in verdicts.items():
                self.assertEqual(verdict, first[key], key)


if __name__ == "__main__":
    main()
