#!/usr/bin/python3
"""`badorigin replay`: 10,000 exchanges of a real varnishd, captured, go through the bundled cache, varnishd and nginx again, and differ only in
what replay_differences.json says; the timing error at --speed 1; a storm laid over what was recorded."""
import json
import pathlib
import signal
import subprocess
import sys
import time

import traffic_maker
from common import PROGRAM, ROOT, SCENARIOS, EndToEnd, badorigin, main, run_suite, start, told_as
from verify_test import ORIGIN, PROXY, Tcpdump, into_a_namespace, pcap_header

ALLOWED = pathlib.Path(__file__).parent / "replay_differences.json"
AT = ("--proxy-addr", "127.0.0.1:8080")
NOT_AGAIN = {
    "freshness/ban-makes-the-next-request-fetch": "a ban is no traffic",
    "grace/without-a-stale-copy-the-error-shows": "an origin that refused connections accepts them",
}
VCL = 'vcl 4.1;\nbackend app { .host = "127.0.0.1"; .port = "9001"; }\n'


class Replay(EndToEnd):
    def captured(self, counts, pause=0.0):
        """What tcpdump saw of clients that ask varnishd, which asks the origin; both legs in one file."""
        file, policy = self.out / "shop.pcap", self.out / "policy.vcl"
        policy.write_text(VCL)
        self.start_server(ORIGIN, sys.executable, traffic_maker.__file__, ORIGIN[1])
        self.start_server(PROXY, "varnishd", "-F", "-j", "none", "-n", self.out / "v", "-a", "127.0.0.1:8080", "-T", "none", "-f", policy)
        dump = Tcpdump(file, PROXY[1], ORIGIN[1])
        statuses = traffic_maker.ask(counts, PROXY[1], pause)
        dump.stop()
        self.assertEqual(len(statuses), sum(counts))
        return file, statuses

    def replayed(self, *args, code):
        done = badorigin("replay", *args, "--out", self.out / "replays", "--format", "json")
        replays = json.loads(done.stdout or '{"replays": []}')["replays"]
        told = [[one["proxy"], one["verdict"], one["reason"], *one["findings"], *(d for d in one["differences"] if "allowed" not in d)][:20] for one in replays]
        self.assertEqual(done.returncode, code, json.dumps(told, indent=1) + done.stderr)
        return replays

    def test_ten_thousand_exchanges_differ_only_as_the_list_says(self):
        file, statuses = self.captured([1250] * 8)
        self.assertGreater(statuses.count(304), 300)
        rules_off = json.loads(ALLOWED.read_text())["rules_off"]
        for proxy in ("bundled", "varnish", "nginx"):
            options = [word for rule, reason in rules_off.get(proxy, {}).items() for word in ("--rule-off", f"{rule}={reason}")]
            [one] = self.replayed(file, *AT, "--speed", "max", "--proxy", proxy, "--allow", ALLOWED, *options, code=0)
            self.assertEqual((one["outcome"], one["verdict"], one["not_allowed"]), ("upheld", "upheld", 0))
            self.assertEqual(one["exchanges"] | {"origins_compared": 0}, {"captured": 10000, "replayed": 10000, "compared": 10000, "origins_compared": 0})
            self.assertGreater(one["exchanges"]["origins_compared"], 9000)
            self.assertEqual((one["not_replayed"], one["answers"]["unknown"]), ({}, 0))
            self.assertGreater(one["answers"]["by_client"], 0.9 * one["answers"]["recorded"])
            self.assertEqual([reason for reason in one["allowed_nothing"] if "lives for 1 s" not in reason], [])
            self.assertEqual(one, json.loads((pathlib.Path(one["evidence"]) / "replay.json").read_text()))

    def test_cache_that_keeps_nothing_differs_in_what_origins_were_asked(self):
        file, _ = self.captured([50] * 4)
        [one] = self.replayed(file, *AT, "--speed", "max", "--policy", "pass-gets", code=1)
        asked = [d for d in one["differences"] if d["kind"] == "origin" and d["request"].startswith("GET /page/") and d["then"] == "none"]
        self.assertGreater(len(asked), 10)
        self.assertGreater(one["answers"]["by_likeness"], len(asked))

    def test_timing_error_at_the_speed_of_then_is_told_as_a_distribution(self):
        file, _ = self.captured([40] * 6, pause=0.02)
        [one] = self.replayed(file, *AT, "--speed", "1", "--proxy", "varnish", code=0)
        requests, waits = one["timing_error"]["requests"], one["timing_error"]["waits"]
        self.assertEqual(requests["count"], 240)
        self.assertGreater(waits["count"], 50)
        for told in (requests, waits):
            self.assertLessEqual(told["least_s"], told["median_s"])
            self.assertLessEqual(told["median_s"], told["p90_s"])
            self.assertLessEqual(told["p99_s"], told["most_s"])
            self.assertLess(abs(told["median_s"]), 0.02)  # a busy machine's; it is a fraction of a millisecond on a quiet one
        told = badorigin("replay", file, "--speed", "10", "--out", self.out / "replays", "--proxy-addr", "127.0.0.1:8080")
        self.assertRegex(told.stdout, r"timing error of 240 requests of clients: least .* ms, median .* ms, 90 % .* ms, 99 % .* ms, most .* ms\n")

    def test_own_configuration_file_is_the_proxys(self):
        file, _ = self.captured([10, 10])
        policy = self.out / "own.vcl"
        policy.write_text('vcl 4.1;\nbackend app { .host = "{origin:app.host}"; .port = "{origin:app.port}"; }\n'
                          'sub vcl_deliver { set resp.http.X-Own = "yes"; }\n')
        [one] = self.replayed(file, *AT, "--speed", "max", "--policy", policy, "--proxy", "varnish", code=1)
        self.assertEqual({(d["kind"], d["name"], d["then"], d["now"]) for d in one["differences"]}, {("field", "x-own", "absent", "yes")})

    def test_storm_laid_over_the_recording_differs_in_the_transactions_that_it_strikes(self):
        file, _ = self.captured([60] * 4, pause=0.005)
        storm = "status_storm=502 on /orders from 100ms for 150ms"
        [one] = self.replayed(file, *AT, "--speed", "1", "--fault", storm, "--volatile", "Content-Type", code=1)
        orders = [d for d in one["differences"] if d["request"].endswith(" /orders")]
        self.assertGreater(len(orders), 2)
        for each in orders:
            self.assertEqual(each.get("fault"), storm, each)
            self.assertGreaterEqual(each["at_s"], 0.1)
            self.assertLess(each["at_s"], 0.25)
        self.assertEqual({(d["then"], d["now"]) for d in orders if d["kind"] == "status"}, {("201", "502")})
        self.assertEqual(one["answers"]["struck"], len([d for d in orders if d["kind"] == "status"]))
        again = badorigin("judge", one["evidence"])
        self.assertIn(one["verdict"], again.stdout)

    def test_runs_of_the_bundled_suites_happen_again_on_the_virtual_clock(self):
        done, results = run_suite(self.out / "first", "--keep-evidence", "always", paths=[SCENARIOS / topic for topic in ("freshness", "grace", "collapsing")])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        replayed = 0
        for (scenario, _), result in sorted(results.items()):
            if scenario in NOT_AGAIN:
                continue
            bundle = pathlib.Path(result["evidence"])
            [one] = self.replayed(bundle, "--clock", "virtual", *told_as(bundle), code=0)
            self.assertEqual((one["verdict"], one["differences"]), ("upheld", []), scenario)
            self.assertEqual(one["timing_error"]["requests"]["most_s"], 0)
            replayed += 1
        self.assertGreater(replayed, 25)

    def test_clients_side_alone_is_replayed_and_said_to_be_one_leg(self):
        file, _ = self.captured([30] * 3)
        side = self.out / "side.pcap"
        subprocess.run(["tcpdump", "-r", str(file), "-w", str(side), "port 8080"], check=True, capture_output=True)
        done = badorigin("replay", side, "--speed", "max", "--out", self.out / "replays", "--volatile", "Content-Type")
        self.assertIn("one leg only", done.stdout)
        self.assertIn("90 of 90 exchanges", done.stdout)
        self.assertIn("compared: 90 answers to clients, origins asked for 0", done.stdout)

    def test_capture_without_an_answer_is_told_and_nothing_is_guessed(self):
        file, _ = self.captured([30] * 2)
        side = self.out / "side.pcap"  # an origin's side without the connection that carried most
        lost = subprocess.run(["tshark", "-r", str(file), "-Y", "tcp.dstport==9001 && http.request.method==GET", "-T", "fields", "-e", "tcp.stream"],
                              check=True, capture_output=True, text=True).stdout.split()
        most = max(set(lost), key=lost.count)
        subprocess.run(["tshark", "-r", str(file), "-Y", f"!(tcp.stream=={most})", "-w", str(side)], check=True, capture_output=True)
        [one] = self.replayed(side, *AT, "--speed", "max", code=1)
        self.assertGreater(one["answers"]["unknown"], 0)
        self.assertIn("501", {d["now"] for d in one["differences"] if d["kind"] == "status"})
        self.assertTrue(all(request.split()[0] in ("GET", "HEAD", "POST", "PUT") for request in one["answers"]["unknown_requests"]))

    def test_interrupt_keeps_the_evidence_and_leaves_nothing_running(self):
        file, _ = self.captured([20] * 2, pause=0.05)
        child = start([PROGRAM, "replay", file, "--speed", "0.01", "--out", self.out / "replays", "--proxy-addr", "127.0.0.1:8080"],
                      cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.kill)
        manifest = self.out / "replays/bundled/replay-shop/manifest.json"  # there when the proxy serves
        deadline = time.monotonic() + 60
        while not manifest.exists():
            if child.poll() is not None:
                self.fail("the replay ended by itself: " + "".join(child.communicate()))
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        self.assertEqual((child.returncode, said.count("interrupted; evidence so far is in")), (130, 1), said)
        self.assertEqual(json.loads(manifest.read_text())["interrupted"], "interrupted")

    def test_wrong_options_are_one_sentence(self):
        empty = self.out / "empty.pcap"
        empty.write_bytes(pcap_header())
        wrong = self.out / "wrong.json"
        wrong.write_text('{"allowed": [{"knid": "status", "reason": "x"}]}')
        policy = self.out / "my.vcl"
        policy.write_text(VCL)
        file, _ = self.captured([2])
        done = badorigin("replay", file, *AT, "--policy", policy, "--proxy", "nginx", "--out", self.out)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        self.assertIn("nginx reads a nginx.conf", done.stderr)
        for args, why in (((), "captures is required"), (("nowhere.pcap",), "nowhere.pcap: no such file"), ((empty,), "nothing to replay"),
                          ((empty, "--speed", "fast"), "max or a number"), ((empty, "--fault", "status_strom from 1s for 1s"), "did you mean status-storm?"),
                          ((empty, "--fault", "status_storm from soon for 1s"), "no duration"), ((empty, "--fault", "status_storm"), "from TIME for TIME"),
                          ((empty, "--allow", wrong), "did you mean kind?"), ((empty, "--alow", wrong), "did you mean --allow")):
            done = badorigin("replay", *args)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
            self.assertIn(why, done.stderr)
        helped = badorigin("replay", "--help")
        self.assertEqual(helped.returncode, 0)
        for word in ("--speed", "--fault", "--allow", "--volatile", "Examples:"):
            self.assertIn(word, helped.stdout)


if __name__ == "__main__":
    into_a_namespace()
    main()
