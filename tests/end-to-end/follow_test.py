#!/usr/bin/python3
"""`badorigin log --follow`: live traffic on lo, printed as it is over; Ctrl-C prints the rest and ends in good order."""
import http.client
import http.server
import json
import os
import selectors
import signal
import subprocess
import threading
import time
import unittest

from common import PROGRAM, EndToEnd, main, start

DEADLINE = 60


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Follow(EndToEnd):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
        self.addCleanup(self.server.server_close)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.shutdown)
        self.port = self.server.server_address[1]

    def follow(self, *args, **how):
        command = [PROGRAM, "log", "--follow", "--filter", f"tcp port {self.port}", "--proxy-addr", f"127.0.0.1:{self.port}", *args]
        process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
        return process

    def ask(self, target):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        client.request("GET", target)
        self.assertEqual(client.getresponse().read(), b"ok")
        client.close()

    def first_output(self, process, target, output):
        """Asks until something is printed: the capture begins at a moment of its own."""
        with selectors.DefaultSelector() as ready:
            ready.register(output, selectors.EVENT_READ)
            end = time.monotonic() + DEADLINE
            while time.monotonic() < end and process.poll() is None:
                self.ask(target)
                if ready.select(0.3):
                    return
        self.fail(f"nothing was printed in {DEADLINE} s: {process.poll()}")

    def end(self, process):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE)
        self.assertEqual((process.returncode, err.decode()), (0, ""))
        return out.decode()

    @unittest.skipUnless(os.geteuid() == 0, "capturing on this machine's lo is root's")
    def test_groups_are_printed_once_while_it_goes_on_and_the_last_at_its_end(self):
        process = self.follow("-q", "ReqURL ~ '^/seen'")
        self.first_output(process, "/seen", process.stdout)
        self.ask("/unseen")
        self.ask("/seen/last")
        text = self.end(process)
        self.assertEqual(text.count("ReqURL         /seen/last\n"), 1)
        self.assertNotIn("/unseen", text)
        ports = [line.split()[3] for line in text.splitlines() if "ReqStart" in line]
        self.assertEqual(len(ports), len(set(ports)), "each request once")
        self.assertEqual(text.count("<< Request  >>"), len(ports))

    @unittest.skipUnless(os.geteuid() == 0, "capturing on this machine's lo is root's")
    def test_rows_go_to_a_file(self):
        rows = self.out / "rows.ndjson"
        os.mkfifo(rows)  # tells when something is written
        with open(os.open(rows, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as output:
            process = self.follow("--format", "ndjson", "-o", rows)
            self.first_output(process, "/row", output)
            self.assertEqual(self.end(process), "")
            made = [json.loads(line) for line in output]
        self.assertTrue(made)  # the capture may begin within an exchange
        self.assertEqual({row["client"]["request"]["target"] for row in made if row["client"]["request"]}, {"/row"})
        self.assertEqual(len({row["id"] for row in made}), len(made))

    @unittest.skipUnless(os.geteuid() == 0, "only root can take the rights away")
    def test_without_the_right_it_says_how_to_get_it(self):
        process = self.follow(user="nobody", group="nogroup", extra_groups=[])
        out, err = process.communicate(timeout=DEADLINE)
        self.assertEqual((process.returncode, out), (2, b""))
        self.assertIn("no permission", err.decode())
        self.assertIn("setcap cap_net_raw+ep", err.decode())

    def test_an_interface_that_is_none_is_said(self):
        process = self.follow("-i", "no-such-0")
        _, err = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 2)
        self.assertIn("no-such-0", err.decode())


if __name__ == "__main__":
    main()
