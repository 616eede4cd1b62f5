#!/usr/bin/python3
"""Bad input and bad luck: one clear message with its place, the promised exit code, evidence so far kept, nothing left running."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from common import CACHE, PROGRAM, ROOT, SCENARIOS, EndToEnd, badorigin, main

GOOD = """claim: A page is served
origins:
  app:
    GET /page: {status: 200, body: page}
steps:
  - {client: GET /page, name: page, expect: {status: 200}}
"""
LONG = """claim: A run that takes its time
clock: real
origins:
  app:
    GET /page: {status: 200, body: page}
steps:
  - {client: GET /page, name: page, expect: {status: 200}}
  - {name: wait, settle: 60s}
"""


def processes_naming(text):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def until(condition, what, deadline=20):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)  # polling for a file or the end of a process, with a deadline
    raise AssertionError(f"not within {deadline} s: {what}")


class BadInput(EndToEnd):
    def setUp(self):
        super().setUp()
        self.root = self.out / "scenarios"
        self.root.mkdir()
        shutil.copytree(SCENARIOS / "policies", self.root / "policies")

    def scenario(self, text, name="one"):
        file = self.root / f"{name}.yaml"
        file.write_text(text)
        return file

    def refused(self, text, *fragments, args=()):
        file = self.scenario(text)
        done = badorigin("run", file, "--out", self.out / "evidence", *args)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        for fragment in fragments:
            self.assertIn(fragment, done.stderr + done.stdout)
        return done

    def test_typo_in_a_key_has_its_place_and_a_suggestion(self):
        self.refused(GOOD.replace("expect:", "expct:"), "one.yaml:6:", "did you mean expect")
        self.assertFalse((self.out / "evidence").exists(), "something was started")

    def test_unknown_fault_has_its_place_and_a_suggestion(self):
        self.refused(GOOD.replace("{status: 200, body: page}", "{fault: close-in-bdy}"), "one.yaml:4:", "close-in-body")

    def test_impossible_time_has_its_place(self):
        self.refused(GOOD.replace("{client: GET /page, name: page", "{at: 2s - 5s, client: GET /page, name: page"), "one.yaml:6:", "impossible time")

    def test_missing_policy_is_named_with_a_suggestion(self):
        self.refused(GOOD + "policy: grac\n", "grac", "did you mean grace")

    def test_broken_yaml_has_its_place(self):
        self.refused(GOOD + "  - {client: [\n", "one.yaml:")

    def test_vcl_error_shows_file_line_and_column(self):
        policy = self.root / "policies/default/varnish.vcl"
        policy.write_text(policy.read_text() + "sub vcl_recv { set req.metod = 1; }\n")
        self.refused(GOOD, "req.metod", "req.method", "vcl:")

    def test_unknown_planted_bug_and_unknown_proxy_are_told_with_what_is_near(self):
        self.refused(GOOD, "did you mean no-age", args=("--plant", "no-agee"))
        self.refused(GOOD, "varnish", args=("--proxy", "varnsh"))

    def test_missing_proxy_binary_is_named(self):
        self.refused(GOOD, "/nowhere/varnishd", args=("--proxy", "varnish:/nowhere/varnishd"))

    def test_proxy_that_ends_at_start_is_told_with_its_last_words(self):
        (self.root / "policies/default/proxy.conf").write_text("# none\n")
        self.refused(GOOD, "no such luck", args=("--proxy", "cmd:sh -c 'echo no such luck >&2; exit 3'"))

    def test_proxy_that_crashes_in_the_middle_is_a_violation_with_its_signal(self):
        done = badorigin("run", SCENARIOS / "freshness/unsolicited-304-is-a-failed-fetch.yaml", "--plant", "crash-on-unsolicited-304", "--out", self.out / "evidence")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("signal 6", done.stdout)
        self.assertIn("alive-and-serving", done.stdout)

    def test_taken_port_is_named(self):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", 9001))
            taken.listen()
            self.refused(GOOD, "9001", args=("--proxy", "at:127.0.0.1:1"))

    def test_without_the_right_to_capture_it_says_how_to_get_it(self):
        command = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all -- " \
                  f"'{PROGRAM}' run '{self.scenario(GOOD)}' --out '{self.out}/evidence'"
        done = subprocess.run(["unshare", "--user", "--map-root-user", "sh", "-c", command], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("cap_net_raw", done.stderr.lower())

    def test_full_disk_is_told_and_exits_2(self):
        place = self.out / "small"
        place.mkdir()
        file = self.scenario((SCENARIOS / "bodies/large-chunked-body-arrives-whole.yaml").read_text())
        command = f"mount -t tmpfs -o size=400k tmpfs '{place}' && exec '{PROGRAM}' run '{file}' --out '{place}'"
        done = subprocess.run(["unshare", "--mount", "sh", "-c", command], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("No space left on device", done.stdout + done.stderr)

    def start_long_run(self):
        out = self.out / "evidence"
        harness = subprocess.Popen([PROGRAM, "run", self.scenario(LONG), "--out", out, "--keep-evidence", "always"], cwd=ROOT,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (harness.poll() is None and harness.kill(), harness.communicate()))
        until(lambda: [pid for pid in processes_naming(str(out)) if pid != harness.pid], "the cache runs")
        return harness, out

    def test_ctrl_c_keeps_the_evidence_and_leaves_nothing_running(self):
        harness, out = self.start_long_run()
        harness.send_signal(signal.SIGINT)
        _, said = harness.communicate(timeout=30)
        self.assertEqual(harness.returncode, 130, said)
        self.assertIn("interrupted", said)
        manifests = list(out.rglob("manifest.json"))
        self.assertEqual(len(manifests), 1)
        self.assertIn("interrupted", json.loads(manifests[0].read_text())["interrupted"])
        self.assertTrue(list(out.rglob("packets.pcapng")))
        self.assertEqual(processes_naming(str(out)), [])

    def test_kill_9_of_the_harness_leaves_no_process(self):
        harness, out = self.start_long_run()
        harness.kill()
        harness.wait(timeout=10)
        until(lambda: not processes_naming(str(out)), "all processes are gone")

    def test_cache_alone_says_what_is_wrong(self):
        bad = self.out / "bad.vcl"
        bad.write_text("vcl 4.1;\nbackend a { .hst = \"x\"; }\n")
        done = subprocess.run([CACHE, "--check", "--vcl", bad], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertIn("bad.vcl:2:", done.stderr)

    def test_results_that_cannot_be_written_are_an_error(self):
        done = badorigin("run", self.scenario(GOOD), "--out", self.out / "evidence", "--json", "/dev/full")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/dev/full", done.stderr)

    def test_bundle_that_is_none_is_named(self):
        done = badorigin("judge", self.out / "nothing")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such folder", done.stderr)


if __name__ == "__main__":
    main()
