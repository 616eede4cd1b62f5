#!/usr/bin/python3
"""Two implementations compared: tshark counts as many requests and responses as we do, per port, on every scenario whose script is well-formed.

tshark gives a message out when its body is whole, and never one whose body is cut short. We count a message once its header section is there.
So where a body may be cut short, tshark is told not to wait for bodies; only there, since it then loses what follows a body of several segments.
A request line whose method is not on tshark's list is none to it: those of the script are left out of what we count."""
import collections
import json
import pathlib
import subprocess

import yaml
from common import EndToEnd, badorigin, main, run_suite

OPERATORS_METHODS = {"PURGE", "SOFTPURGE", "BAN"}
AS_THEY_COME = ("-o", "http.desegment_body:FALSE")
IN_ORDER = ("-o", "tcp.reassemble_out_of_order:TRUE")  # a full window may make the kernel send a segment again


def faults():
    """id → (place, what it breaks) of the catalogue."""
    rows = (line.split("\t") for line in badorigin("list", "faults").stdout.splitlines())
    return {row[0]: (row[1], row[3]) for row in rows}


def malforms(place, breaks):
    """Whether a fault puts bytes on the wire that break framing or syntax, so that two readers may differ. Timing and closing do not."""
    return place == "framing" or (place == "in the header" and breaks != "") or breaks == "RFC 9112 section 9.2"


def cuts_short(name, place):
    """Whether a body may end before its length: the response's, or the request's where the origin hangs up while it is on its way."""
    return (place == "in the body" and name != "drip-body") or name.startswith(("early-response", "reset-on-", "never-read"))


def words_at(key, value):
    """Every value that stands at a key, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from words_at(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words_at(key, inner)


def steps_of(steps):
    """Those of `together:`, too."""
    for step in steps:
        yield step
        yield from steps_of(step.get("together", []))


class Script:
    """What the resolved scenario of a bundle sends, on purpose, that is not as HTTP says."""

    def __init__(self, bundle, catalogue):
        text = yaml.load((pathlib.Path(bundle) / "scenario.yaml").read_text(), Loader=yaml.BaseLoader)
        self.faults = {name if isinstance(name, str) else next(iter(name)) for name in words_at("fault", text)}
        unknown = self.faults - set(catalogue)
        assert not unknown, unknown
        behind_a_header = text.get("proxy_protocol") == "yes"  # which tshark takes for HTTP
        self.well_formed = not behind_a_header and not any(True for _ in words_at("raw", text)) and not any(malforms(*catalogue[name]) for name in self.faults)
        asked = [words.split()[0] for words in words_at("client", text) if isinstance(words, str) and " " in words]
        self.unknown_to_tshark = sum(method in OPERATORS_METHODS for method in asked)
        stops = any("stop_after" in send for send in words_at("send", text))
        gives_up = any("deadline" in step and ("status" not in step.get("expect", {}) or step["expect"].get("complete") == "no") for step in steps_of(text["steps"]))
        self.whole = self.well_formed and not stops and not gives_up and not any(cuts_short(name, catalogue[name][0]) for name in self.faults)


def tshark_counts(bundle, ports, *options):
    decode = [word for port in ports for word in ("-d", f"tcp.port=={port},http")]
    fields = ["-T", "fields", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "http.request.method", "-e", "http.response.code"]
    text = subprocess.run(["tshark", "-r", str(pathlib.Path(bundle) / "packets.pcapng"), "-Y", "http", *IN_ORDER, *options, *decode, *fields],
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
        catalogue = faults()
        compared = whole = 0  # whole: of those compared
        for result in results.values():
            bundle = result["evidence"]
            script = Script(bundle, catalogue)
            if not script.well_formed:
                continue
            roles = json.loads((pathlib.Path(bundle) / "manifest.json").read_text())["roles"]
            ports = {int(address.rsplit(":", 1)[1]): role for address, role in roles.items()}
            ours = our_counts(bundle)
            for port in (port for port, role in ports.items() if role == "proxy" and script.unknown_to_tshark):
                ours[port, "requests"] -= script.unknown_to_tshark
            with self.subTest(scenario=result["scenario"], bodies="whole" if script.whole else "as they come"):
                self.assertGreater(ours.total(), 0)
                self.assertEqual(ours, tshark_counts(bundle, ports, *(() if script.whole else AS_THEY_COME)))
            compared += 1
            whole += script.whole
        self.assertGreaterEqual(compared, 30)
        self.assertGreaterEqual(whole, 30)


if __name__ == "__main__":
    main()
