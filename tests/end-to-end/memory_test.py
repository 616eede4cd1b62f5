#!/usr/bin/python3
"""verify and log need as much memory as what is open, and not as much as the capture is long."""
import os
import socket
import struct
import subprocess

from common import PROGRAM, EndToEnd, main, start

CLIENT, PROXY, ORIGIN = ("192.0.2.1", 20000), ("192.0.2.80", 80), ("192.0.2.90", 8000)
EXCHANGES, TALKS, APART = 40_000, 20, 100e-6
REQUEST = b"GET /page/%06d HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\nUser-Agent: tests\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nServer: app\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000


class Connection:
    def __init__(self, client, server):
        self.ends, self.next = (client, server), [1, 1]

    def packet(self, at, side, payload):
        (source, from_port), (target, to_port) = self.ends[side], self.ends[1 - side]
        tcp = struct.pack("!HHIIBBHHH", from_port, to_port, self.next[side], self.next[1 - side], 0x50, 0x18, 60000, 0, 0)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0x4000, 64, 6, 0, socket.inet_aton(source), socket.inet_aton(target))
        self.next[side] = (self.next[side] + len(payload)) % 2**32
        data = bytes(12) + b"\x08\0" + ip + tcp + payload
        return struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(data), len(data)) + data


def write_capture(file, times):
    """A proxy that forwards each request, on kept connections; that as often as asked, a minute apart."""
    legs = [(Connection((CLIENT[0], CLIENT[1] + n), PROXY), Connection((PROXY[0], CLIENT[1] + n), ORIGIN)) for n in range(TALKS)]
    with open(file, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for again in range(times):
            for n in range(EXCHANGES):
                at = 1_700_000_000 + 60 * again + n * APART
                to_proxy, to_origin = legs[n % TALKS]
                out.write(to_proxy.packet(at, 0, REQUEST % n) + to_origin.packet(at + 20e-6, 0, REQUEST % n) +
                          to_origin.packet(at + 40e-6, 1, RESPONSE) + to_proxy.packet(at + 60e-6, 1, RESPONSE))


class Memory(EndToEnd):
    def peak(self, *command):
        """(what it prints, peak memory)"""
        # What a sanitizer keeps of freed memory is not the program's.
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
        child = start([PROGRAM, *command], stdout=subprocess.PIPE, text=True, env=environment)
        with child.stdout:
            text = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0, text)
        return text, used.ru_maxrss

    def test_a_capture_four_times_as_long_needs_no_more_memory(self):
        judged, shown = {}, {}
        for times in (1, 4):
            file = self.out / f"{times}.pcap"
            write_capture(file, times)
            text, judged[times] = self.peak("verify", file)
            self.assertIn(f"{EXCHANGES * times} of {EXCHANGES * times} responses lack", text, "all of it was judged")
            text, shown[times] = self.peak("log", "-q", 'ReqURL eq "/page/000007"', "--format", "ncsa", file)
            self.assertEqual(text.count("/page/000007 "), times, "all of it was looked at")
        self.assertLess(judged[4], 1.3 * judged[1])
        self.assertLess(shown[4], 1.3 * shown[1])


if __name__ == "__main__":
    main()
