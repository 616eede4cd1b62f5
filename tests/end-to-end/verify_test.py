#!/usr/bin/python3
"""verify: R0 end to end, from what tcpdump wrote on the clients' side and on the origins' side, in two files.

All of it runs in a network namespace of its own, so that ports are ours and nobody else's packets are seen."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

import jsonschema
from common import CACHE, PROGRAM, ROOT, EndToEnd, badorigin, main, start

PROXY, ORIGIN = ("127.0.0.1", 8080), ("127.0.0.1", 9001)
IDLE = 0.3
LOST = "request-not-lost-with-reused-connection"

PASS = """vcl 4.1;
backend app { .host = "127.0.0.1"; .port = "9001"; }
sub vcl_recv { return (pass); }
"""
PIPE = PASS.replace("return (pass)", "return (pipe)")
KEEP_AND_RETRY = """vcl 4.1;
import std;
backend app { .host = "127.0.0.1"; .port = "9001"; .first_byte_timeout = 2s; .between_bytes_timeout = 2s; }
sub vcl_recv {
    std.cache_req_body(100KB);
    return (pass);
}
sub vcl_backend_error {
    if (bereq.retries < 1) { return (retry); }
}
"""


def into_a_namespace():
    """Starts this test again in a network namespace of its own, where its user may capture."""
    if os.environ.get("BADORIGIN_NAMESPACE"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    os.environ["BADORIGIN_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--net", *user, sys.executable, *sys.argv])


class Origin:
    """Reads each request as far as it comes; `answer(n, request)` gives the n-th of a connection its response, or None: the connection is closed."""

    def __init__(self, answer):
        self.answer, self.listener, self.threads, self.accepted = answer, socket.create_server(ORIGIN), [], lambda count: None
        self.accepting = threading.Thread(target=self.accept, daemon=True)
        self.accepting.start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.threads.append(threading.Thread(target=self.serve, args=(connection,), daemon=True))
                self.threads[-1].start()
                self.accepted(len(self.threads))

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            for n in range(1000):
                request = self.request(connection)
                answer = request and self.answer(n, request)
                if not answer:
                    return
                connection.sendall(answer)

    @staticmethod
    def request(connection):
        text = b""
        while b"\r\n\r\n" not in text:
            more = connection.recv(65536)
            if not more:
                return b""
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        length = int((re.search(rb"(?i)content-length: *(\d+)", head) or [0, 0])[1])
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                return b""  # the rest never comes
            body += more
        return head + b"\r\n\r\n" + body

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def ok(body=b"made", fields=""):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body


def closes_reused(n, _):
    return None if n else ok()


def status_of(connection):
    """Of the answer that comes, which is read whole."""
    answer = connection.makefile("rb")
    status = int(answer.readline().split()[1])
    length = 0
    while (line := answer.readline().strip()):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    answer.read(length)
    return status


def ask(connection, request):
    connection.sendall(request)
    return status_of(connection)


def post(target, body=b"x" * 100):
    return f"POST {target} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def pcap_header():
    raw_ip = 101
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, raw_ip)


def without_numbers(text):
    return re.sub(r"[+-]?\d[\d.]*", "N", text)


class Tcpdump:
    """What passes a port of the loopback, and other ports, into a file."""

    def __init__(self, file, port, *others):
        self.file, self.port = pathlib.Path(file), port
        ports = " or ".join(f"port {one}" for one in (port, *others))
        self.process = start(["tcpdump", "-i", "lo", "-U", "-B", "65536", "-Z", "root", "-w", file, ports],
                             stderr=subprocess.PIPE, text=True)
        while "listening on" not in (line := self.process.stderr.readline()):
            assert line, "tcpdump does not start"

    def stop(self):
        """Ends when a datagram that was sent last is in the file: then all before it is."""
        last = os.urandom(16)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(last, ("127.0.0.1", self.port))
        deadline = time.monotonic() + 30
        while last not in self.file.read_bytes():
            assert time.monotonic() < deadline, "tcpdump lags"
            time.sleep(0.01)
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)


class Verify(EndToEnd):
    def setUp(self):
        super().setUp()
        self.client_file, self.origin_file = self.out / "client.pcap", self.out / "origin.pcap"

    def varnish(self, policy):
        file = self.out / "policy.vcl"
        file.write_text(policy)
        self.start_server(PROXY, "varnishd", "-F", "-j", "none", "-n", self.out / "v", "-a", "127.0.0.1:8080", "-T", "none", "-f", file)

    def bundled(self, policy, *more):
        file = self.out / "policy.vcl"
        file.write_text(policy)
        self.start_server(PROXY, CACHE, "--listen", "127.0.0.1:8080", "--vcl", file, *more)

    def origin(self, answer):
        origin = Origin(answer)
        self.addCleanup(origin.close)
        return origin

    @contextlib.contextmanager
    def both_sides(self):
        sides = [Tcpdump(self.client_file, PROXY[1]), Tcpdump(self.origin_file, ORIGIN[1])]
        yield
        for side in sides:
            side.stop()

    def capture(self, answer, requests, keep=True):
        """Both sides of what these requests cause, one after the other, each with the connections idle before it; the statuses."""
        self.origin(answer)
        statuses = []
        with self.both_sides():
            connection = socket.create_connection(PROXY)
            for n, request in enumerate(requests):
                if n:
                    time.sleep(IDLE)  # the stimulus: connections that nobody uses for a while
                if n and not keep:
                    connection.close()
                    connection = socket.create_connection(PROXY)
                statuses.append(ask(connection, request))
            connection.close()
        return statuses

    def verify(self, *args, code):
        report = self.out / "report.json"
        done = badorigin("verify", self.client_file, self.origin_file, "--json", report, *args, deadline=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        written = json.loads(report.read_text())
        jsonschema.validate(written, json.loads((ROOT / "reports/results.schema.json").read_text()))
        return done.stdout, written["results"][0]

    def violated(self, result):
        return {f["claim"] for f in result["verdicts"]["findings"] if f["outcome"] == "violated" and f["kind"] != "advice"}

    # R0 on the real varnishd: by pass a POST dies with the reused connection, by pipe it has one of its own.

    def test_each_post_lost_with_a_reused_connection_is_named_with_its_idle_time(self):
        self.varnish(PASS)
        statuses = self.capture(closes_reused, [post(f"/orders/{n}") for n in range(6)])
        self.assertEqual(statuses, [200, 503] * 3)
        text, result = self.verify("--junit", self.out / "junit.xml", code=1)
        failure = xml.etree.ElementTree.parse(self.out / "junit.xml").find(".//testcase[@name='client.pcap + origin.pcap']/failure")
        self.assertIn(LOST, failure.get("message"))
        self.assertEqual(self.violated(result), {LOST})
        lost = [f for f in result["citations"]["findings"] if f["claim"] == LOST]
        self.assertEqual(len(lost), 3)
        for n, finding in zip((1, 3, 5), lost):
            said = re.fullmatch(rf"POST /orders/{n} \(client\.pcap frame \d+\) is answered 503: its only attempt \(origin\.pcap frame \d+\) went over "
                                r"connection \d+, reused for the 1st time after ([\d.]+) s idle, which the origin ended unanswered in "
                                r"origin\.pcap frame \d+.*", finding["message"])
            self.assertTrue(said, finding["message"])
            self.assertAlmostEqual(float(said[1]), IDLE, delta=2)
            self.assertGreaterEqual(float(said[1]), IDLE - 0.05)
            self.assertIn(finding["message"], text)
            for citation, file in zip(finding["citations"], ("client.pcap", "origin.pcap")):
                self.assertIn(f"{file} frame", citation["in_files"])
        self.assertEqual([(j["target"], j["status"], [a["exchange_on_connection"] for a in j["attempts"]]) for j in result["capture"]["troubled"]],
                         [(f"/orders/{n}", 503, [2]) for n in (1, 3, 5)])

    def test_by_pipe_the_same_traffic_is_upheld(self):
        self.varnish(PIPE)
        statuses = self.capture(closes_reused, [post(f"/orders/{n}") for n in range(6)], keep=False)
        self.assertEqual(statuses, [200] * 6)
        _, result = self.verify(code=0)
        self.assertEqual(result["outcome"], "upheld")
        self.assertEqual((result["capture"]["requests_with_content"], result["capture"]["troubled"]), (6, []))

    def test_the_worked_example_of_the_docs_is_what_is_printed(self):
        self.varnish(PASS)
        self.capture(closes_reused, [post("/orders"), post("/orders")])
        text, _ = self.verify("--advice", "no", code=1)
        page = (ROOT / "docs/captures.md").read_text()
        example = page.split("```text\n")[1].split("```")[0]
        self.assertIn(LOST, example)
        printed = without_numbers(text).splitlines()
        missing = [line for line in example.splitlines() if line != "…" and without_numbers(line) not in printed]
        self.assertEqual(missing, [], text)

    # R0.2 and R0.3 on the bundled cache, with its error planted.

    def test_body_lost_on_a_fresh_connection_and_the_retry_that_carries_it_are_named(self):
        self.bundled(KEEP_AND_RETRY, "--plant", "body-lost-on-fresh-connection")
        asked, second_connection = threading.Event(), threading.Event()

        def answer(n, request):
            if request.startswith(b"GET"):  # holds the only connection until the POST has opened another
                asked.set()
                self.assertTrue(second_connection.wait(30))
            return ok()

        origin = self.origin(answer)
        origin.accepted = lambda count: count == 2 and second_connection.set()
        with self.both_sides(), socket.create_connection(PROXY) as one, socket.create_connection(PROXY) as other:
            one.sendall(b"GET /held HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            self.assertTrue(asked.wait(30))
            self.assertEqual(ask(other, post("/orders")), 200)
            self.assertEqual(status_of(one), 200)
        text, result = self.verify(code=1)
        self.assertIn("body-forwarded-whole", self.violated(result))
        journey, = result["capture"]["troubled"]
        first, second = journey["attempts"]
        self.assertEqual((first["exchange_on_connection"], first["content_bytes"], first["whole"]), (1, 0, False))
        self.assertGreater(second["exchange_on_connection"], 1)
        self.assertEqual((second["content_bytes"], second["whole"], second["status"]), (100, True, 200))
        self.assertIn("announces Content-Length 100, no body byte follows", text)
        self.assertIn("client.pcap frame", journey["frames"])
        self.assertIn("origin.pcap frame", first["frames"])
        self.assertIn("origin.pcap frame", second["frames"])

    # What may be wrong with captures.

    def refused(self, *files, says):
        done = badorigin("verify", *files, deadline=120)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stdout + done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for words in says:
            self.assertIn(words, done.stderr)

    def test_capture_without_a_proxy_is_refused_with_what_to_do(self):
        self.origin(lambda n, _: ok())
        side = Tcpdump(self.origin_file, ORIGIN[1])
        with socket.create_connection(ORIGIN) as connection:
            self.assertEqual(ask(connection, post("/orders")), 200)
        side.stop()
        self.refused(self.origin_file, says=("no proxy was found", "--proxy-addr"))

    def test_captures_with_nothing_in_them_are_refused_by_name(self):
        nothing, empty, text = self.out / "nothing.pcap", self.out / "empty.pcap", self.out / "text.pcap"
        nothing.write_bytes(pcap_header())
        empty.write_bytes(b"")
        text.write_text("no capture at all, but a text that is long enough to be one\n")
        self.refused(nothing, says=("nothing.pcap", "no HTTP"))
        self.refused(empty, says=("empty.pcap",))
        self.refused(text, says=("text.pcap",))
        self.refused(self.out / "missing.pcap", says=("missing.pcap", "No such file"))
        self.refused(nothing, "--proxy-addr", "nowhere", says=("nowhere",))

    def test_damaged_capture_is_read_as_far_as_it_goes_and_upholds_nothing(self):
        self.bundled(PASS)
        self.assertEqual(self.capture(lambda n, _: ok(), [post("/orders"), post("/orders")]), [200, 200])
        self.verify(code=0)
        whole = self.origin_file.read_bytes()
        self.origin_file.write_bytes(whole[:-40])
        text, result = self.verify(code=3)
        self.assertEqual(result["outcome"], "inconclusive")
        self.assertIn("origin.pcap is damaged", result["reason"])
        self.assertIn("origin.pcap", text)

    def test_interrupt_ends_reading(self):
        pipe = self.out / "endless.pcap"
        os.mkfifo(pipe)
        reader = start([PROGRAM, "verify", pipe], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (reader.poll() is None and reader.kill(), reader.communicate()))
        packets = b"".join(struct.pack("<IIII", second, 0, 20, 20) + bytes(20) for second in range(10000))
        with contextlib.suppress(BrokenPipeError), pipe.open("wb") as into:
            into.write(pcap_header() + packets)
            reader.send_signal(signal.SIGINT)
            while reader.poll() is None:
                into.write(packets)
        said, complained = reader.communicate(timeout=30)
        self.assertEqual((reader.returncode, said), (130, ""), complained)
        self.assertEqual(complained, "badorigin: interrupted; nothing was judged or written\n")

    # What is told beside.

    def test_advice_is_told_decides_nothing_and_can_be_left_out(self):
        self.bundled(PASS)
        self.capture(lambda n, _: ok(b"<p>" + b"text " * 400, "Content-Type: text/html\r\nServer: Apache/2.4.41\r\nVary: User-Agent\r\n"),
                     [b"GET /page HTTP/1.1\r\nHost: shop.test\r\nAccept-Encoding: gzip\r\n\r\n"])
        text, result = self.verify(code=0)
        advice = {f["claim"] for f in result["verdicts"]["findings"] if f["kind"] == "advice" and f["outcome"] == "violated"}
        self.assertEqual(advice, {"freshness-and-validators-given", "varies-by-few", "text-compressed", "versions-not-told"})
        for claim in advice:
            self.assertIn(f"advice {claim}: 1 of 1", text)
        text, _ = self.verify("--advice", "no", code=0)
        self.assertNotIn("advice", text)

    def test_scenario_switches_rules_off(self):
        self.varnish(PASS)
        self.capture(closes_reused, [post("/orders"), post("/orders")])
        self.verify(code=1)
        promises = self.out / "promises.yaml"
        promises.write_text(f"claim: Our policy\nrules_off: {{{LOST}: our clients send again}}\norigins: {{app: {{GET /: [{{status: 200}}]}}}}\n"
                            "steps: [{client: GET /}]\n")
        self.verify("--scenario", promises, code=0)


if __name__ == "__main__":
    into_a_namespace()
    main()
