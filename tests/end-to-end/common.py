"""What the end-to-end tests share: running the program, reading its results, and leaving nothing behind."""
import contextlib
import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BADORIGIN_BUILD", ROOT / "build")).resolve()
PROGRAM = BUILD / "badorigin"
CACHE = BUILD / "badorigin-cache"
SCENARIOS = ROOT / "scenarios"
DEADLINE = 600
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def ends_with_test():
    """For preexec_fn: the child is killed with the test, also when that is killed itself."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, **how):
    """subprocess.Popen for what runs beside the test."""
    return subprocess.Popen([str(word) for word in command], preexec_fn=ends_with_test, **how)


def badorigin(*args, deadline=DEADLINE, cwd=ROOT, env=None):
    """Runs the program; returns the finished process with text output."""
    return subprocess.run([str(PROGRAM), *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=deadline, env=env,
                          preexec_fn=ends_with_test)


def of_one_proxy():
    """The suites whose scenarios have one proxy: what a capture made elsewhere is told apart by knows no second."""
    return sorted(suite for suite in SCENARIOS.iterdir() if suite.is_dir() and suite.name not in ("policies", "tiers"))


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


def told_as(bundle):
    """What the packets of a bundle do not show, as options of `import` and `replay`."""
    ran = yaml.safe_load((bundle / "scenario.yaml").read_text())
    args = ["--policy", ran.get("policy", "default"), "--proxy-addr", "127.0.0.1:8080"]
    for option, key in (("--promise", "promises"), ("--value", "values"), ("--rule-off", "rules_off")):
        for name, text in ran.get(key, {}).items():
            args += [option, f"{name}={text}"]
    for address, role in json.loads((bundle / "manifest.json").read_text())["roles"].items():
        if role.startswith("origin:"):
            args += ["--origin", f"{role.removeprefix('origin:')}={address}"]
    return args


class EndToEnd(unittest.TestCase):
    """A test with a folder of its own below TMPDIR."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="badorigin-test-")
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)

    def start_server(self, place, *command):
        """Until it accepts connections at (host, port); ended with the test."""
        process = start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.terminate(), process.wait(timeout=30)))
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(place):
                return
            self.assertIsNone(process.poll(), f"{command[0]} ended")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
