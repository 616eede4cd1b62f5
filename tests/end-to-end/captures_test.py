#!/usr/bin/python3
"""Two readers compared on captures of every make: ours and tshark count the same requests, responses, retransmissions and anomalies.

Where they differ for a reason, the difference stands in captures_allowed.json, number by number; any other difference fails, and so does one
that is listed there and does not occur any more."""
import collections
import concurrent.futures
import gzip
import json
import pathlib
import re
import struct
import subprocess

import frames as f
from common import BUILD, ROOT, SCENARIOS, EndToEnd, main, run_suite

ALLOWED = ROOT / "tests/end-to-end/captures_allowed.json"
SUITE = ("freshness/variants-stay-apart", "freshness/validation-renews-the-stored-copy", "bodies/retry-carries-the-kept-body",
         "bodies/large-chunked-body-arrives-whole", "framing/interim-responses-do-not-end-an-exchange",
         "grace/stale-at-once-and-one-refresh")
COUNTED = ("frames", "requests", "responses", "retransmissions", "holed", "cut", "malformed", "broken")

# tshark gives a message out when its body is whole, and nothing behind bytes that are missing: where some are, it is told not to wait.
WAIT = ("-o", "tcp.reassemble_out_of_order:TRUE")
DO_NOT_WAIT = ("-o", "tcp.reassemble_out_of_order:FALSE", "-o", "http.desegment_body:FALSE")
AGAIN = ("tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission")
LOST = "tcp.analysis.ack_lost_segment"  # tcp.analysis.lost_segment says it too where segments only changed places
BOGUS = ("_ws.malformed", "ip.bogus_ip_length", "ip.bogus_header_length", "tcp.bogus_header_length")
FIELDS = ("frame.cap_len", "frame.len", "tcp.stream", "_ws.short", "http.request.method", "http.response.code", *AGAIN, LOST, *BOGUS)

captures = {}  # name → maker(test) that gives the capture's bytes or its path; or, where tshark cannot read it, what it reads instead as well
lack_bytes = set()


def capture(make):
    captures[make.__name__.replace("_", "-")] = make
    return make


def lacks_bytes(make):
    lack_bytes.add(make.__name__.replace("_", "-"))
    return make


def run(*words):
    subprocess.run([str(w) for w in words], check=True, capture_output=True, timeout=60)


def talk(**options):
    """Every kind of message there is, on one connection."""
    t = f.Talk(**options).open().get("/small").get("/large", bytes(i % 251 for i in range(9000)))
    t.send(0, b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n")
    t.send(1, b"HTTP/1.1 100 Continue\r\n\r\n").send(0, b"x" * 3000).send(1, b"HTTP/1.1 204 No Content\r\n\r\n")
    t.send(0, b"GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n")
    t.send(1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n")
    return t.close()


def gets(**options):
    t = f.Talk(**options).open().get("/small")
    return t.get("/large", bytes(i % 251 for i in range(9000))).get("/missing", b"not here", "404 Not Found").close()


def two(kind=talk):
    """On two connections at the same time."""
    return sorted(kind().packets + kind(ports=(40001, 80), start=1700000000.0005).packets, key=lambda p: p.time)


# Ours, as they are recorded, and what the tools make of them.

for scenario in SUITE:
    captures["suite-" + scenario.replace("/", "-")] = lambda test, scenario=scenario: test.bundle(scenario)


@capture
def editcap_to_pcap(test):
    run("editcap", "-F", "pcap", test.bundle(SUITE[0]), test.new)


@capture
def editcap_to_nanosecond_pcap(test):
    run("editcap", "-F", "nsecpcap", test.bundle(SUITE[1]), test.new)


@capture
@lacks_bytes
def editcap_snap_length_in_the_body(test):
    run("editcap", "-s", "200", test.bundle(SUITE[3]), test.new)


@capture
@lacks_bytes
def editcap_snap_length_in_the_header_section(test):
    run("editcap", "-s", "96", test.file(f.pcap(f.frames(two(gets)))), test.new)


@capture
@lacks_bytes
def editcap_snap_length_in_the_tcp_header(test):
    run("editcap", "-s", "50", "-F", "pcap", test.file(f.pcap(f.frames(two(gets)))), test.new)


@capture
@lacks_bytes
def editcap_a_range_of_frames(test):
    run("editcap", "-r", test.file(f.pcap(f.frames(two(gets)))), test.new, "12-40")


@capture
@lacks_bytes
def editcap_frames_taken_out(test):
    run("editcap", test.file(f.pcap(f.frames(gets().packets))), test.new, "11", "15")


@capture
def editcap_duplicates_taken_out(test):
    doubled = [frame for frame in f.frames(talk().packets) for _ in range(2)]
    run("editcap", "-d", test.file(f.pcap(doubled)), test.new)


@capture
def mergecap_by_time(test):
    run("mergecap", "-w", test.new, test.bundle(SUITE[0]), test.file(f.pcap(f.frames(two()))))


@capture
def mergecap_interleaved(test):
    run("mergecap", "-F", "pcap", "-w", test.new, test.file(f.pcap(f.frames(talk().packets))),
        test.file(f.pcap(f.frames(talk(client="10.0.0.9", start=1700000000.0004).packets))))


@capture
def mergecap_one_behind_the_other(test):
    run("mergecap", "-a", "-w", test.new, test.bundle(SUITE[0]), test.bundle(SUITE[1]))


@capture
def mergecap_of_unlike_link_types(test):
    run("mergecap", "-w", test.new, test.file(f.pcap(f.frames(talk().packets))),
        test.file(f.pcap(f.frames(talk(client="10.0.0.9").packets, link=f.SLL), link=f.SLL)))


@capture
def text2pcap_of_frames(test):
    dump = subprocess.run(["tshark", "-r", test.file(f.pcap(f.frames(two()))), "-x", "--hexdump", "frames", "--hexdump", "noascii"],
                          capture_output=True, check=True, timeout=60).stdout
    run("text2pcap", test.file(dump), test.new)


@capture
def text2pcap_with_headers_made_up(test):
    lines = []
    for direction, data in (("O", b"GET /text HTTP/1.1\r\nHost: a\r\n\r\n"), ("I", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
                            ("O", b"GET /more HTTP/1.1\r\nHost: a\r\n\r\n"), ("I", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")):
        lines.append(direction)
        lines += [f"{at:06x} " + " ".join(f"{b:02x}" for b in data[at:at + 16]) for at in range(0, len(data), 16)]
    run("text2pcap", "-D", "-T", "80,40000", test.file("\n".join(lines).encode() + b"\n"), test.new)


# Formats.


@capture
def big_endian_pcap(test):
    return f.pcap(f.frames(two()), order=">")


@capture
def big_endian_nanosecond_pcap(test):
    return f.pcap(f.frames(two()), order=">", nanoseconds=True)


@capture
def pcapng_of_two_byte_orders_and_resolutions(test):
    first, second = f.frames(talk().packets), f.frames(talk(client="10.0.0.9", start=1700000100.0).packets, link=f.RAW)
    return (f.section("<") + f.interface(f.ETHERNET, 9) + b"".join(f.packet_block(0, *frame, 9) for frame in first) + f.section(">") +
            f.interface(f.RAW, 0x80 | 20, ">") + b"".join(f.packet_block(0, *frame, 0x80 | 20, ">") for frame in second))


@capture
def pcapng_of_several_interfaces(test):
    links = ((f.ETHERNET, 6), (f.SLL2, 9), (f.NULL, 3), (f.RAW, 6))
    blocks = [f.section()] + [f.interface(*link) for link in links]
    for n, packet in enumerate(sorted((p for t in range(4) for p in talk(client=f"10.0.0.{t + 3}").packets), key=lambda p: p.time)):
        link, resolution = links[n % 4]
        blocks.append(f.packet_block(n % 4, packet.time, f.link_header(link, packet.data) + packet.data, resolution))
    return b"".join(blocks)


@capture
def one_file_behind_the_other(test):
    first, second = f.pcap(f.frames(talk().packets)), f.pcap(f.frames(talk(client="10.0.0.9").packets, link=f.SLL), link=f.SLL, order=">")
    run("mergecap", "-a", "-w", test.new, test.file(first), test.file(second))
    return test.file(first + second), test.new


@capture
@lacks_bytes
def record_that_is_damaged(test):
    frames = f.frames(two(gets))
    whole, before = f.pcap(frames), len(f.pcap(frames[:30]))
    return test.file(whole[:before] + b"\xa5" * 16 + whole[before + 16:]), test.file(f.pcap(frames[:30] + frames[31:]))


@capture
def packed_with_gzip(test):
    return gzip.compress(f.pcap(f.frames(two())))


@capture
def packed_with_zstd(test):
    run("zstd", "-q", test.file(f.pcap(f.frames(two()))), "-o", test.new)


@capture
@lacks_bytes
def cut_off_at_the_end(test):
    return f.pcap(f.frames(two(gets)))[:-20]


# Link layers.


def of_link(name, link, packets=two, **options):
    captures["link-" + name] = lambda test: f.pcap(f.frames(packets(), link=link, **options), link=link)


def six():
    return talk(client="2001:db8::1", server="2001:db8::2").packets


of_link("ethernet-ipv6", f.ETHERNET, six)
of_link("ethernet-ipv6-extension-headers", f.ETHERNET, lambda: talk(
    client="2001:db8::1", server="2001:db8::2", extensions=b"\x2b\0\1\4\0\0\0\0" + b"\x3c\0\0\0\0\0\0\0" + b"\x06\0\1\4\0\0\0\0").packets)
of_link("vlan", f.ETHERNET, tags=((0x8100, 7),))
of_link("vlan-in-vlan", f.ETHERNET, tags=((0x88A8, 7), (0x8100, 9)))
of_link("vlan-ipv6", f.ETHERNET, six, tags=((0x8100, 7),))
of_link("cooked-1", f.SLL)
of_link("cooked-1-vlan", f.SLL, tags=((0x8100, 7),))
of_link("cooked-2", f.SLL2)
of_link("cooked-2-ipv6", f.SLL2, six)
of_link("raw", f.RAW)
of_link("raw-12", 12)
of_link("raw-ipv4", f.IPV4)
of_link("raw-ipv6", f.IPV6, six)
of_link("null-little", f.NULL)
of_link("null-big", f.NULL, order=">")
of_link("null-ipv6", f.NULL, six)
of_link("loop", f.LOOP, order=">")

# What networks do.


@capture
def segment_again_after_a_loss_behind_the_capture(test):
    t = f.Talk().open().get().get("/late", b"late" * 100)
    return f.pcap(f.frames(t.again(1, b"late" * 100).add(0).close().packets))


@capture
def segment_again_after_a_loss_before_the_capture(test):
    t = f.Talk(mss=500).open()
    t.send(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 1459\r\n\r\n" + b"y" * 1459
    first = t.next[1]
    for at in (0, 1000):  # the second of three is lost, its repetition is not
        t.add(1, f.ACK | f.PUSH, data[at:at + 500], sequence=first + at)
        t.add(0, acknowledgement=first + 500)
    t.add(1, f.ACK | f.PUSH, data[500:1000], 0.3, sequence=first + 500)
    t.next[1] = first + len(data)
    return f.pcap(f.frames(t.add(0).get("/next").close().packets))


@capture
@lacks_bytes
def segments_lost_by_the_capture(test):
    packets = gets().packets
    large = [p for p in packets if len(p.payload) > 1000]
    return f.pcap(f.frames([p for p in packets if p is not large[2] and p is not large[4]]))


@capture
@lacks_bytes
def request_lost_by_the_capture(test):
    t = f.Talk().open().get("/a").get("/b").get("/c").close()
    return f.pcap(f.frames([p for p in t.packets if b"GET /b" not in p.payload]))


@capture
def segments_that_changed_places(test):
    t = f.Talk().open().send(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + b"z" * 4000
    first = t.next[1]
    for at in (1000, 0, 3000, 2000, 4000):
        t.add(1, f.ACK | f.PUSH, data[at:at + 1000], 0.0001, sequence=first + at)
    t.next[1] += len(data)
    return f.pcap(f.frames(t.add(0).get("/next").close().packets))


@capture
def every_packet_twice(test):
    return f.pcap(sorted(frame for p in talk().packets for frame in f.frames([p, f.Packet(p.time + 0.00002, p.data, p.side, p.payload)])))


@capture
def sequence_numbers_wrap(test):
    return f.pcap(f.frames(talk(sequence=(2**32 - 60, 2**32 - 5000)).packets))


@capture
def sequence_numbers_wrap_with_repetitions(test):
    t = f.Talk(sequence=(2**32 - 20, 2**32 - 300)).open().get("/wrapped", b"w" * 400)
    return f.pcap(f.frames(t.again(1, b"w" * 400).add(0).get().close().packets))


@capture
def part_of_a_segment_again(test):
    t = f.Talk().open().send(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    t.send(1, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"p" * 600)
    t.add(1, f.ACK | f.PUSH, b"p" * 500, 0.3, sequence=t.next[1] - 100)  # the last 100 again, and 400 more
    t.next[1] += 400
    return f.pcap(f.frames(t.add(0).get("/next").close().packets))


@capture
def keep_alive_probes(test):
    t = f.Talk().open().get()
    for _ in range(3):
        t.add(0, f.ACK, b"\0", 10, sequence=t.next[0] - 1).add(1)
    return f.pcap(f.frames(t.get("/after").close().packets))


@capture
def syn_and_fin_again(test):
    t = f.Talk()
    t.add(0, f.SYN)
    t.add(0, f.SYN, pause=1)
    t.next[0] += 1
    t.add(1, f.SYN | f.ACK).add(1, f.SYN | f.ACK, pause=1)
    t.next[1] += 1
    t.add(0).get()
    t.add(0, f.FIN | f.ACK).add(0, f.FIN | f.ACK, pause=1)
    t.next[0] += 1
    t.add(1)
    return f.pcap(f.frames(t.packets))


@capture
def connection_refused(test):
    t = f.Talk().add(0, f.SYN)
    t.next[0] += 1
    return f.pcap(f.frames(t.add(1, f.RST | f.ACK, sequence=0).packets + talk(ports=(40001, 80)).packets))


@capture
def ports_used_again(test):
    return f.pcap(f.frames(talk().packets + talk(sequence=(5 * 10**8, 7 * 10**8), start=1700000060.0).packets))


@capture
def requests_in_a_row_before_their_answers(test):
    t = f.Talk().open().send(0, b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(5)))
    return f.pcap(f.frames(t.send(1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * 5).close().packets))


@capture
@lacks_bytes
def begins_and_ends_in_the_middle(test):
    packets = gets().packets
    start = next(i for i, p in enumerate(packets) if b"GET /large" in p.payload)
    return f.pcap(f.frames(packets[start:-5]))


@capture
def headers_with_wrong_lengths(test):
    t = f.Talk().open().get()
    t.add(0, f.ACK, b"", header_words=15).add(0, f.ACK, b"", header_words=4)
    whole = f.frames(t.get("/after").close().packets)
    time, frame = whole[2]
    return f.pcap(whole + [(time + 1, frame[:14] + b"\x43" + frame[15:])])


@capture
def fragments(test):
    frames = f.frames(talk().packets)
    time, frame = frames[3]
    return f.pcap(frames + [(time + 1, frame[:20] + struct.pack("!H", 0x2000 | offset) + frame[22:]) for offset in (0, 100)])


def tshark(file, ports, options):
    decode = [word for port in ports for word in ("-d", f"tcp.port=={port},http")]
    fields = [word for name in FIELDS for word in ("-e", name)]
    done = subprocess.run(["tshark", "-n", "-r", str(file), *options, *decode, "-T", "fields", *fields], capture_output=True, text=True, timeout=60)
    if done.returncode and "cut short" not in done.stderr:
        raise RuntimeError(f"tshark {file}: {done.stderr}")
    counts = collections.Counter(broken=int("cut short" in done.stderr))
    holed = set()
    for line in done.stdout.splitlines():
        row = dict(zip(FIELDS, line.split("\t")))
        counts["frames"] += 1
        counts["requests"] += len([m for m in row["http.request.method"].split(",") if m])
        counts["responses"] += len([c for c in row["http.response.code"].split(",") if c])
        counts["retransmissions"] += any(row[name] for name in AGAIN)
        counts["cut"] += int(row["frame.cap_len"]) < int(row["frame.len"])
        counts["malformed"] += any(row[name] for name in BOGUS) or re.search("(Ethernet|IPv4|IPv6|TCP) truncated", row["_ws.short"]) is not None
        if row[LOST]:
            holed.add(row["tcp.stream"])
    counts["holed"] = len(holed)
    return {name: counts[name] for name in COUNTED}


def our_counts(files):
    done = subprocess.run([str(BUILD / "capture_counts"), *map(str, files)], capture_output=True, text=True, check=True, timeout=60)
    return [{name: row[name] for name in COUNTED} for row in map(json.loads, done.stdout.splitlines())]


class Captures(EndToEnd):
    def bundle(self, scenario):
        return pathlib.Path(self.results[scenario, "bundled"]["evidence"]) / "packets.pcapng"

    def file(self, content):
        self.made += 1
        path = self.out / f"part-{self.made}"
        path.write_bytes(content)
        return path

    def make(self, name):
        """What we read and what tshark reads of it: the same file, as a rule. Makers that use a tool write to `new`."""
        self.new = self.out / name
        made = captures[name](self)
        if isinstance(made, tuple):
            return made
        if isinstance(made, bytes):
            self.new.write_bytes(made)
        file = made if isinstance(made, pathlib.Path) else self.new
        return file, file

    def setUp(self):
        super().setUp()
        self.made = 0

    def test_we_count_what_tshark_counts(self):
        done, self.results = run_suite(self.out, "--keep-evidence", "always", paths=[SCENARIOS / f"{s}.yaml" for s in SUITE])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        ports = {80}
        for result in self.results.values():
            roles = json.loads((pathlib.Path(result["evidence"]) / "manifest.json").read_text())["roles"]
            ports |= {int(re.search(r":(\d+)$", address)[1]) for address in roles}
        files = {name: self.make(name) for name in captures}
        self.assertGreaterEqual(len(files), 30)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            theirs = dict(zip(files, pool.map(
                lambda name: tshark(files[name][1], ports, DO_NOT_WAIT if name in lack_bytes else WAIT), files)))
        ours = dict(zip(files, our_counts(ours for ours, _ in files.values())))
        allowed = json.loads(ALLOWED.read_text())
        self.assertEqual(set(allowed) - set(files), set(), "differences are allowed in captures that are not made")
        for name in files:
            with self.subTest(capture=name):
                self.assertGreater(ours[name]["frames"], 0)
                self.assertGreater(ours[name]["requests"] + ours[name]["malformed"], 0)
                differences = {what: {"ours": ours[name][what], "tshark": theirs[name][what]} for what in COUNTED
                               if ours[name][what] != theirs[name][what]}
                listed = allowed.get(name, {})
                self.assertTrue(all(entry["why"] for entry in listed.values()))
                self.assertEqual(differences, {what: {k: entry[k] for k in ("ours", "tshark")} for what, entry in listed.items()})


if __name__ == "__main__":
    main()
