"""What the end-to-end tests share: running the program, reading its results, and leaving nothing behind."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BADORIGIN_BUILD", ROOT / "build")).resolve()
PROGRAM = BUILD / "badorigin"
CACHE = BUILD / "badorigin-cache"
SCENARIOS = ROOT / "scenarios"
DEADLINE = 600


def badorigin(*args, deadline=DEADLINE, cwd=ROOT, env=None):
    """Runs the program; returns the finished process with text output."""
    return subprocess.run([str(PROGRAM), *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=deadline, env=env)


def run_suite(out, *args, paths=(SCENARIOS,), deadline=DEADLINE):
    """`run` with a JSON report; returns (process, {(scenario, proxy): result})."""
    report = pathlib.Path(out) / "results.json"
    done = badorigin("run", *paths, "--out", out, "--json", report, *args, deadline=deadline)
    results = {}
    if report.exists():
        for one in json.loads(report.read_text())["results"]:
            results[one["scenario"], one["proxy"]] = one
    return done, results


def columns(what):
    """What `list` prints, line by line."""
    return [line.split("\t") for line in badorigin("list", what).stdout.splitlines()]


def planted_bugs():
    return [line[0] for line in columns("planted-bugs")]


def canonical(value):
    return json.dumps(value, sort_keys=True)


class EndToEnd(unittest.TestCase):
    """A test with a folder of its own below TMPDIR."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="badorigin-test-")
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
