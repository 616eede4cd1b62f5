#!/usr/bin/python3
"""The bundled cache's own log compared with the log that is made of packets, for the same runs, as log_test.py does for Varnish's; and that
nobody's verdict depends on it."""
import collections
import json
import pathlib
import re

from common import SCENARIOS, EndToEnd, badorigin, main, of_one_proxy, run_suite
from log_test import Comparison, Transaction

ALLOWED = {d["id"]: d for d in json.loads((pathlib.Path(__file__).parent / "own_log_differences.json").read_text())["differences"]}
KINDS = {"sess": "Session", "req": "Request", "bereq": "BeReq"}
# What the packets' log cannot join: a request that is raw, behind a PROXY header or with a body (no token tells whose fetch it is), and
# a response that is raw (no serial tells whose copy a hit is).
RAW = {"proxy-protocol/malformed-header-is-closed-without-an-answer", "framing/trailers-stay-behind-the-content"}
RECORD = re.compile(r" *(\d+) (\S+) +[cb-] (.*)")


def groups_of_raw(text):
    """Of `-g raw`: a group for each request that a client sent, with what it links to."""
    by_number = {}
    for line in text.splitlines():
        number, tag, value = RECORD.fullmatch(line).groups()
        if tag == "Begin":
            kind, _, why = value.split()
            by_number[number] = Transaction("Include" if why == "esi" else KINDS[kind], int(number))
        if number in by_number:
            by_number[number].records.append((tag, value.strip()))

    def with_linked(t):
        linked = [by_number[value.split()[1]] for value in t.all("Link")]
        return [t] + [each for child in linked for each in with_linked(child)]
    return [with_linked(t) for t in by_number.values() if t.kind == "Request" and t.begin()[1] == "rxreq"]


class OwnComparison(Comparison):
    def __init__(self, scenario, bundle, used):
        self.log = (pathlib.Path(bundle) / "proxy" / "cache.log").read_text(errors="surrogateescape")
        super().__init__(scenario, bundle, used, ALLOWED, groups_of_raw(self.log), "VCL_use")


class OwnLog(EndToEnd):
    def test_own_log_agrees_with_the_packets(self):
        _, results = run_suite(self.out, "--keep-evidence", "always", paths=of_one_proxy())
        used, troubles, groups, fetches, bundles = collections.Counter(), [], 0, 0, 0
        for (scenario, _), result in sorted(results.items()):
            if scenario in RAW:
                continue
            comparison = OwnComparison(scenario, result["evidence"], used)
            some, of_them = comparison.compare()
            groups, fetches, bundles = groups + some, fetches + of_them, bundles + 1
            troubles += comparison.troubles
            self.assertNotIn(" VSL ", comparison.log, "a file loses nothing")
        print(f"{groups} requests and {fetches} fetches of {bundles} runs; allowed: {dict(used)}")
        self.assertEqual(troubles, [], "\n".join(troubles))
        self.assertGreater(bundles, 100)
        self.assertGreater(groups, 300)
        self.assertGreater(fetches, 250)
        self.assertEqual({name for name, d in ALLOWED.items() if not d.get("sometimes")} - used.keys(), set(), "allowed, and no longer seen")

    def violated(self):
        """A run that the planted bug makes violated, with its report."""
        page = pathlib.Path(self.out) / "page.html"
        done, results = run_suite(self.out, "--plant", "frozen-age", "--keep-evidence", "always", "--html", page,
                                  paths=[SCENARIOS / "freshness" / "age-from-the-origin-counts.yaml"])
        (result,) = results.values()
        self.assertEqual(result["outcome"], "violated")
        return done.stdout, page.read_text(), pathlib.Path(result["evidence"])

    def test_reports_show_it_beside_the_packets(self):
        console, page, bundle = self.violated()
        for text in (console, page):
            self.assertIn("(shown, never judged)", text)
            self.assertRegex(text, r"VCL_call +DELIVER")
        self.assertNotRegex(console, r"\n +RespHeader +Age")
        self.assertRegex(page, r"RespHeader +Age")
        both = badorigin("log", bundle, "--own")
        self.assertEqual(both.returncode, 0, both.stderr)
        packets, own = badorigin("log", bundle).stdout, both.stdout
        self.assertTrue(set(packets.splitlines()) <= set(own.splitlines()), "the packets' own lines stay")
        self.assertEqual(own.count("    = the proxy's own log"), packets.count("<< Request") + packets.count("<< BeReq"))
        for wrong in (("log", bundle, "--own", "--format", "ndjson"), ("log", bundle / "packets.pcapng", "--own"), ("log", "--follow", "--own")):
            done = badorigin(*wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertIn("--own", done.stderr)

    def test_no_verdict_depends_on_it(self):
        _, _, bundle = self.violated()
        log, report = bundle / "proxy" / "cache.log", pathlib.Path(self.out) / "again.json"

        def verdicts():
            badorigin("judge", bundle, "--json", report)
            (again,) = json.loads(report.read_text())["results"]
            return again["outcome"], again["verdicts"], again["citations"]

        honest = verdicts()
        self.assertEqual(honest[0], "violated")
        for lie in (b"", b"         2 RespStatus     c 599\n", bytes(range(256))):
            log.write_bytes(lie)
            self.assertEqual(verdicts(), honest)
        log.unlink()
        self.assertEqual(verdicts(), honest)


if __name__ == "__main__":
    main()
