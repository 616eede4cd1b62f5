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

from common import CACHE, PROGRAM, ROOT, SCENARIOS, EndToEnd, badorigin, main, start

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
TWICE = GOOD + "  - {client: GET /page, name: again, expect: {status: 200}}\n"
PROXY = f"cmd:/usr/bin/python3 {pathlib.Path(__file__).parent / 'forwarding_proxy.py'} {{listen}} {{origin:app}}"


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
        (self.root / "policies/default/proxy.conf").write_text("# cmd: proxies take all from their command line\n")
        self.evidence = self.out / "evidence"
        self.temporary = self.out / "tmp"
        self.temporary.mkdir()
        self.environment = os.environ | {"TMPDIR": str(self.temporary)}

    def scenario(self, text, name="one"):
        file = self.root / f"{name}.yaml"
        file.write_text(text)
        return file

    def run_one(self, text, *args, out=None):
        return badorigin("run", self.scenario(text), "--out", out or self.evidence, *args, env=self.environment)

    def nothing_is_left(self):
        self.assertEqual(processes_naming(str(self.out)), [])
        self.assertEqual(list(self.temporary.iterdir()), [])

    def refused(self, text, *fragments, args=()):
        """Told before anything is started: one line on standard error, no folder made."""
        done = self.run_one(text, *args)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for fragment in fragments:
            self.assertIn(fragment, done.stderr)
        self.assertFalse(self.evidence.exists(), "something was started")

    def failed(self, *fragments, text=GOOD, args=()):
        """Told by the run: its line with the reason, where the evidence is, and the summary; nothing else, and nothing twice."""
        done = self.run_one(text, *args)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        self.assertTrue(done.stdout.startswith("error "), done.stdout)
        self.assertTrue(done.stdout.endswith("0 upheld, 1 error\n"), done.stdout)
        for fragment in fragments:
            self.assertEqual(done.stdout.count(fragment), 1, f"{fragment!r} in {done.stdout}")
        self.assertNotIn("inconclusive", done.stdout)
        self.evidence_is_kept(fragments[0])
        self.nothing_is_left()
        return done.stdout

    def evidence_is_kept(self, why):
        """A bundle that says why it ended early, and is judged so again."""
        [manifest] = self.evidence.rglob("manifest.json")
        bundle = manifest.parent
        self.assertIn(why, json.loads(manifest.read_text())["interrupted"])
        self.assertTrue((bundle / "scenario.yaml").exists())
        again = badorigin("judge", bundle)
        self.assertEqual(again.returncode, 2, again.stdout + again.stderr)
        self.assertEqual((again.stdout + again.stderr).count(why), 1, again.stdout + again.stderr)

    # Wrong files and options: nothing is started.

    def test_typo_in_a_key_has_its_place_and_a_suggestion(self):
        self.refused(GOOD.replace("expect:", "expct:"), "one.yaml:6:", "did you mean 'expect'?")

    def test_unknown_fault_has_its_place_and_a_suggestion(self):
        self.refused(GOOD.replace("{status: 200, body: page}", "{fault: close-in-bdy}"), "one.yaml:4:", "close-in-body")

    def test_impossible_time_has_its_place(self):
        self.refused(GOOD.replace("{client: GET /page, name: page", "{at: 2s - 5s, client: GET /page, name: page"), "one.yaml:6:", "impossible time")

    def test_missing_policy_is_named_with_a_suggestion(self):
        self.refused(GOOD + "policy: grac\n", "grac", "did you mean grace")

    def test_broken_yaml_has_its_place(self):
        self.refused(GOOD + "  - {client: [\n", "one.yaml:")

    def test_unknown_planted_bug_and_unknown_proxy_are_told_with_what_is_near(self):
        self.refused(GOOD, "did you mean no-age", args=("--plant", "no-agee"))
        self.refused(GOOD, "Did you mean \"varnish\"?", args=("--proxy", "varnsh"))
        self.refused(GOOD, "at:HOST:PORT is expected", args=("--proxy", "at:nowhere"))

    def test_missing_proxy_binary_is_named_once_however_many_scenarios(self):
        self.scenario(TWICE, "two")
        for proxy in ("varnish:/nowhere/varnishd", "cmd:/nowhere/varnishd -x", "cmd:./varnishd"):
            done = badorigin("run", self.root, "--out", self.evidence, "--proxy", "bundled", "--proxy", proxy)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
            self.assertIn("/varnishd is not installed here, or not executable: install Debian's package varnish", done.stderr)
        self.assertFalse(self.evidence.exists())

    def test_address_without_a_proxy_is_told(self):
        self.refused(GOOD, "nobody listens at 127.0.0.1:1", args=("--proxy", "at:127.0.0.1:1"))
        self.refused(GOOD, "192.0.2.1:80 is no address of this machine", args=("--proxy", "at:192.0.2.1:80"))

    def test_evidence_folder_that_cannot_be_is_told_once(self):
        file = self.out / "file"
        file.write_text("")
        for out, why in ((file, "Not a directory"), ("/proc/nowhere", "No such file or directory")):
            done = self.run_one(GOOD, out=out)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"badorigin: --out {out}: {why}\n"))

    def test_results_that_cannot_be_written_are_told_before_the_run_where_it_can_be_known(self):
        for option in ("--json", "--junit", "--html"):
            done = self.run_one(GOOD, option, "/nowhere/results")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"badorigin: {option} /nowhere/results: No such file or directory\n"))

    def test_results_that_could_not_be_written_are_an_error_and_the_other_report_is_written(self):
        full = self.run_one(GOOD, "--junit", "/dev/full", "--json", self.out / "results.json")
        self.assertEqual((full.returncode, full.stderr), (2, "badorigin: /dev/full: No space left on device\n"))
        self.assertIn("1 upheld", full.stdout)
        self.assertEqual(json.loads((self.out / "results.json").read_text())["results"][0]["outcome"], "upheld")
        full = self.run_one(GOOD, "--json", "/dev/full")
        self.assertEqual((full.returncode, full.stderr), (2, "badorigin: /dev/full: No space left on device\n"))

    def test_standard_output_that_cannot_be_written_is_an_error_unless_its_reader_has_gone(self):
        file = self.scenario(GOOD)
        for arguments in (["run", file, "--out", self.evidence], ["list", "faults"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, *arguments], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr, "badorigin: standard output: No space left on device\n")
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([PROGRAM, "run", file, "--out", self.evidence], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_bundle_that_is_none_is_named(self):
        for folder, why in ((self.out / "nothing", "no such folder"), (self.root, "manifest.json")):
            done = badorigin("judge", folder)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
            self.assertIn(str(folder), done.stderr)
            self.assertIn(why, done.stderr)

    def test_cache_alone_says_what_is_wrong(self):
        bad = self.out / "bad.vcl"
        bad.write_text("vcl 4.1;\nbackend a { .hst = \"x\"; }\n")
        done = subprocess.run([CACHE, "--check", "--vcl", bad], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertIn("bad.vcl:2:", done.stderr)

    # Proxies that do not do.

    def test_vcl_error_shows_file_line_and_column(self):
        policy = self.root / "policies/default/varnish.vcl"
        policy.write_text(policy.read_text() + "sub vcl_recv { set req.metod = 1; }\n")
        self.failed("badorigin-cache refuses the policy", f"{policy}:", "policy.vcl:7:20: unknown variable req.metod; did you mean req.method?")
        shutil.rmtree(self.evidence)
        self.failed("varnishd refuses the policy", f"{policy}:", "Line 7 Pos 20", args=("--proxy", "varnish"))

    def test_proxy_that_ends_at_start_is_told_with_its_last_words(self):
        self.failed("sh ended (exit 3) before it listened at 127.0.0.1:8080", "\n  no such luck\n", args=("--proxy", "cmd:sh -c 'echo no such luck >&2; exit 3'"))

    def test_proxy_that_is_never_ready_is_given_up_at_the_deadline(self):
        begun = time.monotonic()
        self.failed("python3 did not listen at 127.0.0.1:8080 within 0.3 s", args=("--proxy", f"{PROXY} deaf {self.out}", "--start-deadline", "0.3"))
        self.assertLess(time.monotonic() - begun, 10)

    def test_proxy_that_ignores_its_end_is_killed_at_the_deadline_and_that_is_told(self):
        proxy = f"{PROXY} stubborn {self.out}"
        self.failed("python3 did not stop within 0.3 s and was killed", args=("--proxy", proxy, "--stop-deadline", "0.3"))

    def test_proxy_that_crashes_in_the_middle_is_a_violation_with_its_signal(self):
        planted = (SCENARIOS / "freshness/unsolicited-304-is-a-failed-fetch.yaml").read_text()
        for text, args in ((planted, ("--plant", "crash-on-unsolicited-304")), (TWICE, ("--proxy", f"{PROXY} crash {self.out}"))):
            done = self.run_one(text, *args)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("signal 6", done.stdout)
            self.assertIn("alive-and-serving", done.stdout)
            self.nothing_is_left()

    def test_taken_port_is_named(self):
        with socket.socket() as proxy, socket.socket() as taken:
            proxy.bind(("127.0.0.1", 0))
            proxy.listen()
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", 9001))
            taken.listen()
            self.failed("port 9001 is taken", args=("--proxy", f"at:127.0.0.1:{proxy.getsockname()[1]}"))

    # The machine's bad luck.

    def test_without_the_right_to_capture_it_says_how_to_get_it(self):
        command = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all -- " \
                  f"'{PROGRAM}' run '{self.scenario(GOOD)}' --out '{self.evidence}'"
        done = subprocess.run(["unshare", "--user", "--map-root-user", "sh", "-c", command], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
        for way in ("run as root", f"setcap cap_net_raw+ep {PROGRAM}", "sysctl user.max_user_namespaces=", "--evidence tap"):
            self.assertIn(way, done.stderr)
        self.assertNotIn("No space left", done.stderr)

    def test_full_disk_is_told_once_and_exits_2(self):
        self.evidence.mkdir()
        file = self.scenario((SCENARIOS / "bodies/large-chunked-body-arrives-whole.yaml").read_text())
        command = f"mount -t tmpfs -o size=400k tmpfs '{self.evidence}' && exec '{PROGRAM}' run '{file}' --out '{self.evidence}'"
        done = subprocess.run(["unshare", "--mount", "sh", "-c", command], capture_output=True, text=True, timeout=60, env=self.environment)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual((done.stdout + done.stderr).count("No space left on device"), 1, done.stdout + done.stderr)
        self.assertEqual((done.stdout + done.stderr).count("could not be written"), 1)
        self.assertIn("packets.pcapng: No space left on device", done.stdout)
        self.nothing_is_left()

    # Interrupts.

    def start(self, *args):
        harness = start([PROGRAM, "run", self.scenario(LONG), "--out", self.evidence, *args], cwd=ROOT, env=self.environment,
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (harness.poll() is None and harness.kill(), harness.communicate()))
        until(lambda: [pid for pid in processes_naming(str(self.out)) if pid != harness.pid], "the proxy runs")
        return harness

    def test_signals_to_end_keep_the_evidence_and_leave_nothing_running(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            harness = self.start()
            harness.send_signal(number)
            said, complained = harness.communicate(timeout=30)
            self.assertEqual(harness.returncode, 130, complained)
            self.assertEqual(complained, f"badorigin: interrupted; evidence so far is in {self.evidence}\n")
            self.assertEqual(len(said.splitlines()), 3, said)  # the run, its evidence, the summary
            self.evidence_is_kept("interrupted")
            self.assertTrue(list(self.evidence.rglob("packets.pcapng")))
            self.nothing_is_left()

    def test_interrupt_ends_a_start_that_still_waits(self):
        harness = self.start("--proxy", f"{PROXY} deaf {self.out}")
        begun = time.monotonic()
        harness.send_signal(signal.SIGINT)
        _, complained = harness.communicate(timeout=30)
        self.assertEqual(harness.returncode, 130, complained)
        self.assertLess(time.monotonic() - begun, 10)
        self.evidence_is_kept("interrupted")
        self.nothing_is_left()

    def test_kill_9_of_the_harness_leaves_no_process_and_a_bundle_that_says_so(self):
        for proxy in ("bundled", "varnish", f"{PROXY} {self.out}"):
            harness = self.start("--proxy", proxy)
            until(lambda: list(self.evidence.rglob("manifest.json")), "the run has begun")
            harness.kill()
            harness.wait(timeout=10)
            until(lambda: not processes_naming(str(self.out)), "all processes are gone")
            if proxy != "varnish":  # whose path is too long for a VSM: what a killed harness cannot remove
                self.nothing_is_left()
            self.evidence_is_kept("the harness was ended before the run was over")
            shutil.rmtree(self.evidence)


if __name__ == "__main__":
    main()
