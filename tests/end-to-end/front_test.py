#!/usr/bin/python3
"""The front door: help, mistakes on the command line, lists, the console on a terminal, any proxy by `cmd:` and `at:`, and users with fewer rights."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import subprocess
import time
import unittest

from common import CACHE, PROGRAM, ROOT, SCENARIOS, EndToEnd, badorigin, main, run_suite, start

ESCAPE = "\033"
PROXY = f"cmd:/usr/bin/python3 {pathlib.Path(__file__).parent / 'forwarding_proxy.py'} {{listen}} {{origin:app}}"
UPHELD = "freshness/second-request-is-answered-from-the-store"
VIOLATED = ("--plant", "no-age")


def on_a_terminal(*args, environment=()):
    """Runs the program on a pseudo terminal of 60 columns; what it wrote there."""
    ours, theirs = pty.openpty()
    subprocess.run(["stty", "cols", "60"], stdin=theirs, check=True)
    harness = start([PROGRAM, *args], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"} | dict(environment))
    os.close(theirs)
    written, end = b"", time.monotonic() + 60
    while time.monotonic() < end and select.select([ours], [], [], 60)[0]:
        try:
            written += os.read(ours, 65536)
        except OSError:  # the last writer has gone
            break
    os.close(ours)
    return harness.wait(timeout=10), written.decode()


class CommandLine(EndToEnd):
    def wrong(self, *args, says):
        done = badorigin(*args)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, f"badorigin: {says}\n")

    def test_help_shows_commands_options_and_examples(self):
        for args, words in ((("--help",), ("run", "judge", "list", "Examples:", "Exit codes:")),
                            (("run", "--help"), ("--proxy", "--filter", "--jobs", "--out", "--junit", "--json", "--html", "--plant", "--seed", "--keep-evidence",
                                                 "--start-deadline", "--stop-deadline", "--evidence", "Examples:")),
                            (("judge", "--help"), ("bundles", "--json", "Example:")),
                            (("log", "--help"), ("captures", "--group", "--query", "--format", "--proxy-addr", "--follow", "Examples:")),
                            (("list", "--help"), ("scenarios | rules | faults | planted-bugs",))):
            done = badorigin(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for word in words:
                self.assertIn(word, done.stdout)
        self.assertRegex(badorigin("--version").stdout, r"^badorigin \d+\.\d+\.\d+\n$")

    def test_mistakes_are_told_in_one_line_with_what_is_near(self):
        self.wrong(says="say what to do: run, judge, verify, log, import, replay or list (see: badorigin --help)")
        self.wrong("rnu", says="there is no command rnu; did you mean run? (see: badorigin --help)")
        self.wrong("run", "scenarios", "--jbos", "3", says="there is no option --jbos; did you mean --jobs? (see: badorigin run --help)")
        self.wrong("judge", "x", "--jsno=y", says="there is no option --jsno; did you mean --json? (see: badorigin judge --help)")
        self.wrong("run", "scenarios", "--jobs", "0", says="--jobs: Value 0 not in range 1 to 64 (see: badorigin run --help)")
        self.wrong("run", "scenarios", "--start-deadline", "0", says="--start-deadline: 0 is no number of seconds from 0.001 to 3600 (see: badorigin run --help)")
        self.wrong("run", "scenarios", "--stop-deadline", "5s", says="--stop-deadline: 5s is no number of seconds from 0.001 to 3600 (see: badorigin run --help)")
        self.wrong("list", "ruls", says="what: there is no list of ruls, only of scenarios, rules, faults, planted-bugs, vcl; did you mean rules? (see: badorigin list --help)")
        self.wrong("run", "nowhere", says="nowhere: no such file or folder; give scenario files or folders, such as scenarios/saint")
        self.wrong("run", self.out, says=f"{self.out}: holds no scenario (*.yaml)")
        self.wrong("log", says="log: give capture files, a bundle's folder, or --follow (see: badorigin log --help)")
        self.wrong("log", "x", "--follow", says="log: --follow captures by itself; give no capture file")
        self.wrong("log", "x", "-g", "requests", says="--group: requests is none of raw, vxid, request, session (see: badorigin log --help)")
        self.wrong("log", "x", "-q", "RespStatus = 200", says="-q: '=' has no meaning here; text with other characters than letters, digits, + - _ . * must be quoted\n"
                                                              "RespStatus = 200\n           ^")
        self.wrong("log", self.out, "x", says="log: a bundle is read alone; give one folder, or capture files")
        count = len(badorigin("list", "scenarios").stdout.splitlines())
        self.wrong("run", "scenarios", "--filter", "nothing-like-it", says=f"--filter nothing-like-it: none of {count} scenarios has such an id (see: badorigin list scenarios)")

    def test_lists_have_one_thing_a_line_with_its_id_first(self):
        for what, shape in (("scenarios", r"[a-z0-9-]+/[a-z0-9-]+"), ("rules", r"[a-z0-9-]+"), ("faults", r"[a-z0-9-]+"), ("planted-bugs", r"[a-z0-9-]+")):
            done = badorigin("list", what)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            lines = [line.split("\t") for line in done.stdout.splitlines()]
            self.assertGreater(len(lines), 10, what)
            ids = [line[0] for line in lines]
            self.assertEqual(len(ids), len(set(ids)), what)
            for line in lines:
                self.assertRegex(line[0], f"^{shape}$")
                self.assertTrue(line[-1] or what == "faults", line)

    def test_filter_takes_a_part_of_the_id_or_a_pattern(self):
        ids = [line.split("\t")[0] for line in badorigin("list", "scenarios").stdout.splitlines()]
        for given, wanted in (("retry", [i for i in ids if "retry" in i]), ("freshness/second*", [UPHELD])):
            _, results = run_suite(self.out, "--filter", given)
            self.assertEqual(sorted(scenario for scenario, _ in results), sorted(wanted))

    def test_seed_is_that_of_generated_content_and_stands_in_the_bundle(self):
        file = self.out / "generated.yaml"
        file.write_text("claim: Generated content arrives\norigins: {app: {GET /page: {status: 200, body: {size: 2kB}}}}\n"
                        "steps: [{client: GET /page, name: page, expect: {status: 200, body: {size: 2kB}}}]\n")
        bodies = set()
        for seed in (7, 7, 8):
            out = self.out / "evidence"
            done = badorigin("run", file, "--out", out, "--policies", SCENARIOS / "policies", "--seed", seed, "--keep-evidence", "always")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            [manifest] = out.rglob("manifest.json")
            self.assertEqual(json.loads(manifest.read_text())["seed"], seed)
            self.assertIn(f"seed: {seed}", (manifest.parent / "scenario.yaml").read_text())
            bodies.add(re.search(rb"\r\n\r\n([ -~]{2000})", (manifest.parent / "packets.pcapng").read_bytes())[1])
        self.assertEqual(len(bodies), 2)


class Console(EndToEnd):
    def test_colour_and_progress_are_for_terminals(self):
        args = ("run", SCENARIOS / f"{UPHELD}.yaml", "--out", self.out, *VIOLATED)
        plain = badorigin(*args)
        self.assertEqual(plain.returncode, 1, plain.stdout)
        self.assertNotIn(ESCAPE, plain.stdout)
        self.assertIn(f"{ESCAPE}[31m", badorigin(*args, "--colour", "always").stdout)

        code, seen = on_a_terminal(*args)
        self.assertEqual(code, 1, seen)
        self.assertIn(f"{ESCAPE}[31mviolated", seen)
        live = [line for line in re.findall(rf"\r{re.escape(ESCAPE)}\[K([^\r\n]*)", seen) if line.startswith("[0/1]")]
        self.assertEqual(live, [f"[0/1] {UPHELD} on bundled"[:59]], "one line of progress, cut to the terminal's width")

        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn(f"{ESCAPE}[3", on_a_terminal(*args, environment=environment.items())[1])
        self.assertNotIn(ESCAPE, on_a_terminal(*args, environment={"TERM": "dumb"}.items())[1])
        self.assertNotIn(f"{ESCAPE}[3", on_a_terminal(*args, "--colour", "never")[1])

    def test_quiet_shows_what_is_not_upheld_and_the_summary(self):
        args = ("run", SCENARIOS / "freshness", "--quiet", "--out", self.out)
        self.assertRegex(badorigin(*args).stdout, r"^\d+ upheld\n$")
        self.assertTrue(badorigin(*args, *VIOLATED).stdout.startswith("violated "))


class AnyProxy(EndToEnd):
    def setUp(self):
        super().setUp()
        self.root = self.out / "scenarios"
        (self.root / "policies/default").mkdir(parents=True)
        (self.root / "policies/default/proxy.conf").write_text("to {origin:app} within {ttl}\n")
        for name in ("first", "second"):
            (self.root / f"{name}.yaml").write_text(
                f"claim: The {name} page is served\npromises: {{ttl: 30s}}\nreal: {{ttl: 2s}}\norigins: {{app: {{GET /{name}: {{status: 200, body: {name}, cache: no}}}}}}\n"
                f"steps:\n  - {{client: GET /{name}, name: one, expect: {{status: 200, body: {name}, fetches: 1}}}}\n"
                f"  - {{client: GET /{name}, name: two, expect: {{status: 200, fetches: 1}}}}\n")

    def upheld(self, results, proxy):
        self.assertEqual({(s, p): r["outcome"] for (s, p), r in results.items() if p == proxy}, {("first", proxy): "upheld", ("second", proxy): "upheld"})

    def test_proxy_by_command_line_is_filled_in_started_and_judged(self):
        proxy = f"{PROXY} {{config}} {{ttl}}"
        done, results = run_suite(self.out / "runs", "--proxy", proxy, "--keep-evidence", "always", paths=[self.root])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.upheld(results, proxy)
        for result in results.values():
            bundle = pathlib.Path(result["evidence"])
            self.assertEqual((bundle / "proxy/proxy.conf").read_text(), "to 127.0.0.1:9001 within 2s\n")
            self.assertRegex(bundle.relative_to(self.out / "runs").parts[0], r"^[\w.-]+$")

    def test_command_without_a_policy_file_is_not_applicable_with_the_reason(self):
        (self.root / "policies/default/proxy.conf").unlink()
        done, results = run_suite(self.out / "runs", "--proxy", PROXY, paths=[self.root])
        self.assertEqual(done.returncode, 0)
        self.assertEqual({(r["outcome"], r["reason"]) for r in results.values()}, {("not_applicable", "policy default has no proxy.conf")})

    def test_running_proxy_by_its_address_is_judged_beside_others(self):
        (self.root / "policies/default/varnish.vcl").write_text((SCENARIOS / "policies/default/varnish.vcl").read_text())
        policy = self.out / "alone.vcl"
        policy.write_text('vcl 4.1;\nbackend app { .host = "127.0.0.1"; .port = "9001"; }\n')
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cache = start([CACHE, "--listen", f"127.0.0.1:{port}", "--vcl", policy], stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(cache.stdout.readline(), f"ready 127.0.0.1:{port}\n")
            at = f"at:127.0.0.1:{port}"
            done, results = run_suite(self.out / "runs", "--proxy", at, "--proxy", "bundled", "--jobs", "4", paths=[self.root])
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.upheld(results, at)
            self.upheld(results, "bundled")
            self.assertIsNone(cache.poll(), "a proxy that runs elsewhere is not ours to stop")
        finally:
            cache.terminate()
            cache.communicate(timeout=10)


@unittest.skipUnless(os.geteuid() == 0, "rights can only be given up where there are some")
class FewerRights(EndToEnd):
    """The bundled suite without root: copies of the program and of the scenarios, since the build may lie where others may not read."""

    def setUp(self):
        super().setUp()
        self.out.chmod(0o755)
        for file in (PROGRAM, CACHE):
            shutil.copy2(file, self.out)
        shutil.copytree(SCENARIOS, self.out / "scenarios")
        self.evidence = self.out / "evidence"
        self.evidence.mkdir()

    def suite_with(self, *rights, args=(), not_here=()):
        report = self.evidence / "results.json"
        done = subprocess.run(["setpriv", *rights, self.out / "badorigin", "run", "scenarios", "--out", self.evidence, "--json", report, *args], cwd=self.out,
                              capture_output=True, text=True, timeout=300, env={"PATH": "/usr/bin:/bin", "HOME": "/", "TMPDIR": str(self.evidence)})
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        results = json.loads(report.read_text())["results"]
        self.assertEqual({r["scenario"].split("/")[0] for r in results if r["outcome"] == "not_applicable"}, set(not_here))
        self.assertEqual({(r["outcome"], r["evidence_kind"]) for r in results} - {("not_applicable", "libpcap")}, {("upheld", "libpcap")})
        return results

    def test_ordinary_user_gets_a_namespace_of_his_own(self):
        self.evidence.chmod(0o777)
        results = self.suite_with("--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
        self.assertGreaterEqual(len(results), 30)

    def test_right_to_capture_alone_does_in_the_namespace_that_all_share(self):
        results = self.suite_with("--bounding-set=-all,+net_raw,+dac_override", "--inh-caps=-all", args=("--jobs", "8"), not_here=["tiers"])  # they need a namespace of their own
        self.assertGreaterEqual(len(results), 30)

    def test_ordinary_user_cannot_judge_a_proxy_outside_and_is_told_why(self):
        self.evidence.chmod(0o777)
        with socket.socket() as proxy:
            proxy.bind(("127.0.0.1", 0))
            proxy.listen()
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", self.out / "badorigin", "run", "scenarios", "--out",
                                   self.evidence, "--proxy", f"at:127.0.0.1:{proxy.getsockname()[1]}"], cwd=self.out, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
        self.assertIn("in a network namespace of our own only", done.stderr)
        self.assertIn("setcap cap_net_raw+ep", done.stderr)


if __name__ == "__main__":
    main()
