#!/usr/bin/python3
"""Two implementations compared: tshark counts as many requests and responses as we do, per port, on every well-formed scenario."""
import collections
import json
import pathlib
import subprocess

from common import EndToEnd, badorigin, main, run_suite

# Scenarios whose bytes are malformed on purpose: the two readers may differ there, and ours is held to its own tests.
MALFORMED = ("framing/",)
BROKEN_ON_PURPOSE = ("headerless",)


def tshark_counts(bundle, ports):
    decode = [word for port in ports for word in ("-d", f"tcp.port=={port},http")]
    fields = ["-T", "fields", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "http.request.method", "-e", "http.response.code"]
    text = subprocess.run(["tshark", "-r", str(pathlib.Path(bundle) / "packets.pcapng"), "-Y", "http", *decode, *fields],
                          capture_output=True, text=True, check=True, timeout=60).stdout
    counts = collections.Counter()
    for line in text.splitlines():
        source, target, methods, codes = (line.split("\t") + [""] * 4)[:4]
        for _ in filter(None, methods.split(",")):
            counts[int(target), "requests"] += 1
        for _ in filter(None, codes.split(",")):
            counts[int(source), "responses"] += 1
    return counts


def our_counts(bundle):
    done = badorigin("judge", bundle, "--counts")
    counts = collections.Counter()
    for line in done.stdout.splitlines():
        port, what, number = line.split("\t")
        if int(number):
            counts[int(port), what] = int(number)
    return counts


class Tshark(EndToEnd):
    def test_tshark_counts_the_same_messages_per_port(self):
        _, results = run_suite(self.out, "--keep-evidence", "always")
        compared = 0
        for result in results.values():
            name = result["scenario"]
            if name.startswith(MALFORMED) or any(word in name for word in BROKEN_ON_PURPOSE):
                continue
            bundle = result["evidence"]
            ports = [int(address.rsplit(":", 1)[1]) for address in json.loads((pathlib.Path(bundle) / "manifest.json").read_text())["roles"]]
            self.assertEqual(our_counts(bundle), tshark_counts(bundle, ports), name)
            compared += 1
        self.assertGreaterEqual(compared, 30)


if __name__ == "__main__":
    main()
