"""Captures whose every name, address and secret belongs to a known connection, process or interface, for the tests of copies.

`make(random)` gives a `Made`: the bytes, and who each mark belongs to. Nothing here uses pcapdig: blocks are laid out by hand, in either byte order.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field
from random import Random

TLS, SSH, WIREGUARD = 0x544C534B, 0x5353484B, 0x57474B4C
ETHERNET, RAW = 1, 101
PEN = 32622


def option(order: str, code: int, value: bytes) -> bytes:
    """One option."""
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(order: str, kind: int, body: bytes) -> bytes:
    """A whole block."""
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


@dataclass(eq=False)
class Process:
    """One process of a section."""

    name: str
    pid: int
    apple: bytes = b""
    """Its block of Apple's kind, if it has one, and that block's number."""
    number: int = 0
    entry: bytes = b""
    """Its entry of Wireshark's kind, if it has one."""


@dataclass(eq=False)
class Connection:
    """One connection; every value of it is its own."""

    ends: list[bytes]
    """Addresses of 4 or 16 bytes: of the client, of the server."""
    ports: list[int]
    processes: list[Process | None]
    interface: int
    protocol: str
    """tls, plain, ssh or wireguard."""
    random: bytes
    host_names: list[str]
    secrets: list[bytes] = field(default_factory=list)
    """Lines of key logs, or whole logs."""


@dataclass(eq=False)
class Section:
    """What one section has."""

    order: str
    interfaces: list[str]
    connections: list[Connection]
    processes: list[Process]
    comment: str
    journal: dict[str, Process | None] = field(default_factory=dict)
    """Message of each entry -> whose it is."""
    custom: list[str] = field(default_factory=list)
    """Marks of blocks that nobody here understands."""


@dataclass(eq=False)
class Made:
    """A capture and its truth."""

    data: bytes
    sections: list[Section]
    packets: list[tuple[Section, Connection, bytes]]
    """In order: the packet's bytes as captured."""


class _Writer:
    """Lays out one section."""

    def __init__(self, random: Random, number: int) -> None:
        self.random = random
        self.number = number
        self.order = random.choice("<>")
        self.marks = 0
        self.time_ns = 1_700_000_000_000_000_000 + number * 10**12
        self.apple_count = 0

    def mark(self, kind: str) -> str:
        """A text that is nowhere else."""
        self.marks += 1
        return f"{kind}{self.number}q{self.marks:03}z"

    def section(self) -> tuple[Section, list[bytes], list[tuple[Section, Connection, bytes]]]:
        """The section, its blocks and its packets."""
        random = self.random
        processes = self._processes()
        made = Section(
            self.order, [self.mark("eth") for _ in range(random.randint(1, 4))], [], processes, self.mark("note")
        )
        made.connections = [self._connection(made) for _ in range(random.randint(1, 6))]
        head, describing = self._describing(made)
        packets = [
            (made, one, self._frame(one, step)) for one in made.connections for step in range(random.randint(1, 4))
        ]
        random.shuffle(packets)
        packets.sort(key=lambda packet: packet[2][-1])
        named = [one for process in processes for one in (process.apple, process.entry) if one]
        blocks = [self._packet(one, frame) for _, one, frame in packets]
        for described in describing:
            blocks.insert(random.randint(0, len(blocks)), described)
        return made, [*head, *named, *blocks], packets

    def _processes(self) -> list[Process]:
        """Some, each with the blocks that name it. One process id may be had by two that Apple's blocks name, one after the other."""
        random = self.random
        made: list[Process] = []
        free = random.sample(range(300, 4000), 6)
        for pid in free[: random.randint(1, 6)]:
            process = Process(self.mark("proc"), pid)
            self._name(process, *random.choice([(True, False), (False, True), (True, True)]))
            made.append(process)
            if not process.entry and random.random() < 0.3:
                again = Process(self.mark("proc"), pid)
                self._name(again, has_apple=True, has_entry=False)
                made.append(again)
        return made

    def _connection(self, section: Section) -> Connection:
        random = self.random
        size = random.choice([4, 16])
        one = Connection(
            ends=[bytes([198 + end]) + random.randbytes(size - 1) for end in range(2)],
            ports=[random.randint(33000, 60000), random.choice([443, 8443, 993])],
            processes=[random.choice([*section.processes, None]) for _ in range(2)],
            interface=random.randrange(len(section.interfaces)),
            protocol=random.choice(["tls", "tls", "plain", "ssh", "wireguard"]),
            random=random.randbytes(32),
            host_names=[self.mark("host") for _ in range(2)],
        )
        secret = random.randbytes(24).hex()
        if one.protocol == "tls":
            labels = ["CLIENT_RANDOM", "CLIENT_TRAFFIC_SECRET_0", "EXPORTER_SECRET"]
            one.secrets = [f"{label} {one.random.hex()} {secret}\n".encode() for label in labels]
        elif one.protocol == "ssh":
            one.secrets = [f"{one.random[:16].hex()} SHARED_SECRET {secret}\n".encode()]
        return one

    def _name(self, process: Process, has_apple: bool, has_entry: bool) -> None:
        """Its blocks: Apple's, Wireshark's or both."""
        order = self.order
        name = process.name.encode()
        if has_apple:
            body = struct.pack(f"{order}I", process.pid) + option(order, 2, name) + bytes(4)
            process.apple = block(order, 0x80000001, body)
            process.number = self.apple_count
            self.apple_count += 1
        if has_entry:
            start = option("<", 9, struct.pack("<Q", self.time_ns)) if self.random.random() < 0.5 else b""
            entry = struct.pack("<I", process.pid) + option("<", 2, name) + start + bytes(4)
            body = struct.pack(f"{order}I", PEN) + struct.pack("<II", 3, len(entry)) + entry
            process.entry = block(order, 0xBAD, body)

    def _describing(self, section: Section) -> tuple[list[bytes], list[bytes]]:
        """Header and interfaces; and all blocks that may stand anywhere behind them."""
        order, random = self.order, self.random
        header = struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)
        header += option(order, 2, b"x86_64") + option(order, 1, section.comment.encode()) + bytes(4)
        head = [block(order, 0x0A0D0D0A, header)]
        blocks = []
        for number, name in enumerate(section.interfaces):
            options = option(order, 2, name.encode()) + option(order, 9, b"\x09")
            options += option(order, 4, b"\xc0\0\x02" + bytes([number]) + b"\xff\xff\xff\0")
            ends = [end for one in section.connections for end in one.ends]
            for end in ends:
                if len(end) == 4:
                    options += option(order, 4, end + b"\xff\xff\xff\xff")
            hosts = " or ".join(f"host {ipaddress.ip_address(end)}" for end in ends)
            options += option(order, 11, f"\0{hosts}".encode()) + bytes(4)
            head.append(block(order, 1, struct.pack(f"{order}HHI", RAW, 0, 0) + options))
            statistics = (
                struct.pack(f"{order}III", number, 0, 0) + option(order, 1, f"count {name}".encode()) + bytes(4)
            )
            blocks.append(block(order, 5, statistics))
        records = [
            option(order, 1 if len(address) == 4 else 2, address + name.encode() + b"\0")
            for one in section.connections
            for address, name in zip(one.ends, one.host_names, strict=True)
        ]
        random.shuffle(records)
        half = random.randint(0, len(records))
        asked = [end for one in section.connections for end in one.ends if len(end) == 4]
        server = option(order, 2, self.mark("resolver").encode()) + b"".join(option(order, 3, end) for end in asked)
        parts = [part for part in (records[:half], records[half:]) if part]
        blocks += [block(order, 4, b"".join(part) + bytes(4) + server + bytes(4)) for part in parts]
        for kind, protocol in ((TLS, "tls"), (SSH, "ssh")):
            lines = [line for one in section.connections if one.protocol == protocol for line in one.secrets]
            random.shuffle(lines)
            log = b"# a comment\n" + b"".join(lines)
            if lines:
                blocks.append(block(order, 10, struct.pack(f"{order}II", kind, len(log)) + log))
        for process in [*section.processes, None]:
            message = self.mark("said")
            section.journal[message] = process
            text = f"__REALTIME_TIMESTAMP=5\nMESSAGE={message}\n"
            if process:
                text += f"_PID={process.pid}\n_COMM={process.name}\n"
            blocks.append(block(order, 9, text.encode()))
        for kind in (0xBAD, 0x40000BAD, 0x80000007, 0x0204):
            section.custom.append(self.mark("custom"))
            blocks.append(block(order, kind, struct.pack(f"{order}I", 70000) + section.custom[-1].encode()))
        random.shuffle(blocks)
        return head, blocks

    def _frame(self, one: Connection, step: int) -> bytes:
        """One packet, raw IP, from either end; the first of TLS and SSH says hello. The last byte is the order within its connection."""
        way = 0 if step == 0 else self.random.randrange(2)
        payload = self.random.randbytes(self.random.randint(0, 40))
        if step == 0 and one.protocol == "tls":
            body = b"\x03\x03" + one.random + b"\x00\x00\x02\x13\x01\x01\x00"
            hello = b"\x01" + len(body).to_bytes(3) + body
            payload = b"\x16\x03\x01" + len(hello).to_bytes(2) + hello
        elif step == 0 and one.protocol == "ssh":
            names = b"diffie-hellman-group14-sha256"
            inner = b"\x14" + one.random[:16] + len(names).to_bytes(4) + names + bytes(9)
            payload = (len(inner) + 5).to_bytes(4) + b"\x04" + inner + bytes(4)
        elif one.protocol == "wireguard":
            payload = b"\x01\0\0\0" + one.random + bytes(148 - 36)
        ports = struct.pack(">HH", one.ports[way], one.ports[1 - way])
        if one.protocol == "wireguard":
            transport, protocol = ports + struct.pack(">HH", 8 + len(payload), 0), 17
        else:
            transport, protocol = ports + struct.pack(">IIHHHH", step * 1000 + 1, 1, 0x5018, 999, 0, 0), 6
        content = transport + payload
        source, destination = one.ends[way], one.ends[1 - way]
        if len(source) == 4:
            head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(content), 0, 0, 64, protocol, 0) + source + destination
        else:
            head = struct.pack(">IHBB", 6 << 28, len(content), protocol, 64) + source + destination
        return head + content + bytes([step])

    def _packet(self, one: Connection, frame: bytes) -> bytes:
        order = self.order
        self.time_ns += 1000
        ends = [(end, process) for end, process in enumerate(one.processes) if process]
        options = option(order, 2, struct.pack(f"{order}I", 1))
        written_by = 0 if self._source_of(frame) == one.ends[0] else 1
        for end, process in sorted(ends, key=lambda known: known[0] != written_by):
            way = "write" if end == written_by else "read"
            comment = f'proc.name={process.name} proc.pid={process.pid} evt.io_dir={way} evidence=socket proc.cmdline="{process.name} -x"'
            options += option(order, 1, comment.encode())
        if ends:
            process = dict(ends).get(written_by, ends[0][1])
            options += option(order, 8, struct.pack(f"{order}II", process.pid, 0))
            if process.apple:
                options += option(order, 0x8001, struct.pack(f"{order}I", process.number))
        head = struct.pack(f"{order}III", one.interface, self.time_ns >> 32, self.time_ns & 0xFFFFFFFF)
        body = head + struct.pack(f"{order}II", len(frame), len(frame)) + frame + bytes(-len(frame) % 4)
        return block(order, 6, body + options + bytes(4))

    @staticmethod
    def _source_of(frame: bytes) -> bytes:
        return frame[12:16] if frame[0] >> 4 == 4 else frame[8:24]


def make(random: Random, *, first: int = 0) -> Made:
    """A capture of one to three sections, whose marks have numbers from `first` on."""
    data: list[bytes] = []
    sections, packets = [], []
    for number in range(random.choice([1, 1, 2, 3])):
        section, blocks, sent = _Writer(random, first + number).section()
        data += blocks
        sections.append(section)
        packets += sent
    return Made(b"".join(data), sections, packets)
