"""Captures made by hand: TCP conversations packet by packet, put into any link layer and any capture format."""
import dataclasses
import ipaddress
import struct

ETHERNET, RAW, LOOP, SLL, IPV4, IPV6, SLL2, NULL = 1, 101, 108, 113, 228, 229, 276, 0
FIN, SYN, RST, PUSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(source, target, payload, protocol=6, extensions=b""):
    """An IP packet; `extensions`: IPv6 extension headers, whose last names the protocol."""
    a, b = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if a.version == 6:
        first = 0 if extensions else protocol
        return struct.pack("!IHBB", 0x60000000, len(extensions) + len(payload), first, 64) + a.packed + b.packed + extensions + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + a.packed + b.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


@dataclasses.dataclass
class Packet:
    time: float
    data: bytes  # from the IP header on
    side: int  # 0: from the client
    payload: bytes


class Talk:
    """A TCP connection whose two ends receive everything at once; `packets` may be dropped, doubled and moved afterwards."""

    def __init__(self, client="10.0.0.1", server="10.0.0.2", ports=(40000, 80), sequence=(1000, 900000), start=1700000000.0, mss=1460,
                 extensions=b""):
        self.ends = (client, server)
        self.ports = ports
        self.next = list(sequence)
        self.now = start
        self.mss = mss
        self.extensions = extensions
        self.packets = []

    def add(self, side, flags=ACK, payload=b"", pause=0.001, sequence=None, acknowledgement=None, header_words=5):
        self.now += pause
        sequence = self.next[side] if sequence is None else sequence
        acknowledgement = (self.next[1 - side] if acknowledgement is None else acknowledgement) if flags & ACK else 0
        tcp = struct.pack("!HHIIBBHHH", self.ports[side], self.ports[1 - side], sequence % 2**32, acknowledgement % 2**32, header_words << 4,
                          flags, 60000, 0, 0)
        data = ip(self.ends[side], self.ends[1 - side], tcp + payload, extensions=self.extensions)
        self.packets.append(Packet(self.now, data, side, payload))
        return self

    def open(self):
        self.add(0, SYN)
        self.next[0] += 1
        self.add(1, SYN | ACK)
        self.next[1] += 1
        return self.add(0)

    def send(self, side, data):
        """In segments, each acknowledged."""
        for at in range(0, len(data), self.mss):
            piece = data[at:at + self.mss]
            self.add(side, ACK | PUSH, piece)
            self.next[side] += len(piece)
            self.add(1 - side)
        return self

    def again(self, side, data, pause=0.3):
        """The last bytes that this side sent, once more."""
        return self.add(side, ACK | PUSH, data, pause, sequence=self.next[side] - len(data))

    def get(self, path="/", body=b"hello", status="200 OK"):
        self.send(0, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return self.send(1, f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def close(self):
        self.add(0, FIN | ACK)
        self.next[0] += 1
        self.add(1, FIN | ACK)
        self.next[1] += 1
        return self.add(0)


def link_header(link, data, tags=(), order="<"):
    """What stands before the IP packet; VLAN tags are (type, number)."""
    four = data[0] >> 4 == 4
    kind = 0x0800 if four else 0x86DD
    types = [*(t for t, _ in tags), kind]
    tagged = b"".join(struct.pack("!HH", number, types[i + 1]) for i, (_, number) in enumerate(tags))
    if link == ETHERNET:
        return bytes(6) + b"\2\0\0\0\0\1" + struct.pack("!H", types[0]) + tagged
    if link == SLL:
        return struct.pack("!HHH8sH", 0, 1, 6, bytes(8), types[0]) + tagged
    if link == SLL2:
        return struct.pack("!HHIHBB8s", types[0], 0, 1, 1, 0, 6, bytes(8)) + tagged
    if link in (NULL, LOOP):
        return struct.pack(order + "I", 2 if four else 30)
    return b""


def frames(packets, link=ETHERNET, **options):
    return [(p.time, link_header(link, p.data, **options) + p.data) for p in packets]


def pcap(frames, link=ETHERNET, order="<", nanoseconds=False, snap_length=262144):
    """`frames`: (time, bytes) or (time, bytes, length on the wire)."""
    unit = 10**9 if nanoseconds else 10**6
    out = [struct.pack(order + "IHHIIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, snap_length, link)]
    for time, data, *original in frames:
        fraction = min(unit - 1, round(time % 1 * unit))
        out.append(struct.pack(order + "IIII", int(time), fraction, len(data), *original or [len(data)]) + data)
    return b"".join(out)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def section(order="<"):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(link, resolution=6, order="<"):
    options = struct.pack(order + "HHB3xHH", 9, 1, resolution, 0, 0)
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)


def packet_block(number, time, data, resolution=6, order="<"):
    units = round(time * (2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution))
    return block(order, 6, struct.pack(order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, len(data), len(data)) + data)
