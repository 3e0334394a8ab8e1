"""What tshark says of a capture: every packet's headers and the protocols above them, and every TCP stream's bytes.

One run a file, kept for all tests: all fields of all packets, and all streams followed. What pcapdig counts in another way than
tshark's statistics (retransmitted bytes once, every fragment of a datagram) is worked out here from tshark's own fields.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

MISSING = re.compile(rb"\[\d+ bytes missing in capture file\]\0")
"""What follow puts where bytes are missing: a C string with its end."""
DAMAGE = re.compile(r"appears to (?:be damaged|have been cut short)|isn't a capture file|contains record data that")
"""What tshark says when it stops before a file's end."""
STREAMS_AT_FIRST = 40
"""So many streams are asked for before it is known how many there are."""
SEPARATOR, AGGREGATOR = "\x1f", "\x1e"
FIELDS = (
    "frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_id", "frame.encap_type", "frame.protocols",
    "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.fragment", "ipv6.fragment", "_ws.malformed", "_ws.unreassembled",
    "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.len", "tcp.flags",
    "udp.stream", "udp.srcport", "udp.dstport", "udp.length", "udp.payload",
    "http.request.method", "http.request.uri", "http.host", "http.response.code",
    "dns.id", "dns.flags.response", "dns.flags.rcode", "dns.resp.ext_rcode", "dns.qry.name", "dns.qry.type", "dns.a", "dns.aaaa",
    "dns.count.answers", "dns.count.auth_rr", "dns.count.add_rr", "dns.resp.type", "dns.cname", "dns.ns", "dns.ptr.domain_name",
    "dns.mx.mail_exchange", "dns.srv.target", "dns.soa.mname", "dns.ds.digest", "dns.nsec.next_domain_name",
    "dns.naptr.replacement",
    "mysql.query", "mysql.compressed_packet_length", "pgsql.query", "resp.bulk_string.value", "resp.array.length", "memcache.command", "memcache.key",
    "ftp.request.command", "ftp.request.arg", "pop.request.command", "pop.request.parameter", "imap.request.password", "ldap.simple",
    "smtp.auth.password", "smtp.auth.username_password",
    "tls.handshake.type", "tls.handshake.extensions_server_name", "tls.handshake.ciphersuite", "x509ce.dNSName",
)  # fmt: skip
CARRIERS = ("tcp", "udp", "sctp", "quic", "dtls", "tls", "http", "http2", "http3", "eap", "openvpn")
"""Layers in which tshark finds HTTP, DNS or TLS."""


UNREAD = {
    "6lowpan", "arcnet", "ieee8021ah", "gtp", "gtpprime", "juniper", "l2tp", "lisp", "lisp-data", "pim", "sflow", "teredo", "wpan",
}  # fmt: skip
"""Link types and tunnels that tshark looks into and pcapdig does not."""


class Frame:
    """One packet, as tshark dissects it. `frame["tcp.port"]` gives a field's values, in order."""

    __slots__ = ("_values",)

    def __init__(self, line: str) -> None:
        self._values = dict(zip(FIELDS, line.split(SEPARATOR), strict=True))

    def __getitem__(self, name: str) -> list[str]:
        text = self._values[name]
        return text.split(AGGREGATOR) if text else []

    def number(self, name: str) -> int | None:
        """The last value of a field. None: the packet has no such field."""
        values = self[name]
        return int(values[-1], 0) if values else None

    def of_layer(self, name: str, layer: str) -> str | None:
        """A field that each layer of a kind has once, of the innermost one that pcapdig looks at. None: that one does not have it."""
        values, count = self[name], self.layers.count(layer)
        return values[count - 1] if 0 < count <= len(values) else None

    @property
    def layers(self) -> list[str]:
        """Names of the layers, outermost first, as far as pcapdig looks at them."""
        names = "".join(self["frame.protocols"]).split(":")
        return names[: next((i for i, name in enumerate(names) if name in UNREAD), len(names))]

    @property
    def network(self) -> str | None:
        """Name of the innermost network layer that pcapdig looks at."""
        return next((name for name in reversed(self.layers) if name in ("ip", "ipv6")), None)

    @property
    def transport(self) -> str | None:
        """Name of the innermost transport layer that pcapdig looks at."""
        return next((name for name in reversed(self.layers) if name in ("tcp", "udp")), None)

    @property
    def protocols(self) -> list[str]:
        """Names of all layers, outermost first."""
        return "".join(self["frame.protocols"]).split(":")

    @property
    def time_ns(self) -> int:
        """Since 1970; 0 without a time, as pcapdig has it."""
        seconds, _, fraction = "".join(self["frame.time_epoch"]).partition(".")
        if not seconds:
            return 0
        return int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0"))

    @property
    def datagram(self) -> str | None:
        """Payload of a UDP datagram in hexadecimal; None: this packet shows none, or an empty one.

        tshark shows what follows the end that UDP's own length names too.
        """
        length = int(self.of_layer("udp.length", "udp") or 0)
        return (self.of_layer("udp.payload", "udp") or "")[: 2 * (length - 8) if length > 8 else None] or None

    @property
    def is_error_report(self) -> bool:
        """Whether it is ICMP: the headers it quotes are not those of a packet."""
        return "icmp" in self.layers or "icmpv6" in self.layers

    @property
    def is_cut_in_transport(self) -> bool:
        """Whether it has its ports, but a header above them that is cut or malformed: tshark numbers no stream then."""
        last = "".join(self.layers[-1:])
        return last in ("tcp", "udp") and bool(self[f"{last}.dstport"]) and not self[f"{last}.stream"]

    def carrier(self, *names: str) -> str | None:
        """The layer of CARRIERS that carries the first of some protocols; None: it has none, or an ICMP error or sFlow quotes it."""
        index = next((i for i, each in enumerate(self.protocols) if each in names), None)
        if index is None or self.is_error_report or "sflow" in self.protocols:
            return None
        return next((each for each in reversed(self.protocols[:index]) if each in CARRIERS), None)

    @property
    def conversation(self) -> tuple[str, int] | None:
        """("tcp", number of the stream) or ("udp", ...); None for what is neither."""
        if self.is_error_report or self.transport is None:
            return None
        stream = self.of_layer(f"{self.transport}.stream", self.transport)
        return None if stream is None else (self.transport, int(stream))


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One TCP stream as `tshark -z follow,tcp,raw` shows it."""

    ends: tuple[str, str]
    """ADDRESS:PORT of tshark's node 0 and node 1."""
    turns: list[tuple[int, bytes]] = field(default_factory=list)
    """Node that sent, and its bytes until the other one sent."""

    def sent(self, node: int) -> bytes:
        """All that one end sent."""
        return b"".join(data for sender, data in self.turns if sender == node)


class Tshark:
    """tshark's view of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.complaint: str | None = None
        """What it says of the file's damage; None: sound."""

    def run(self, *arguments: str) -> str:
        """tshark's output, whatever it thinks of the file's end."""
        done = subprocess.run(
            ["tshark", "-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", self.path, *arguments],
            capture_output=True,
            timeout=120,
            check=False,
            # Without the user's preferences.
            env={
                **os.environ,
                "LC_ALL": "C.UTF-8",
                "TZ": "UTC0",
                "XDG_CONFIG_HOME": "/nonexistent",
                "HOME": "/nonexistent",
            },
        )
        self.complaint = next(iter(DAMAGE.findall(done.stderr.decode("utf-8", "replace"))), None)
        return done.stdout.decode("utf-8", "replace")

    @cached_property
    def _first_run(self) -> tuple[list[Frame], list[Stream]]:
        """All packets, and the first streams, in one run: starting tshark takes longer than reading a small file."""
        fields = [word for name in FIELDS for word in ("-e", name)]
        shape = ["-E", f"separator={SEPARATOR}", "-E", f"aggregator={AGGREGATOR}", "-E", "occurrence=a"]
        text = self.run("-T", "fields", *shape, *fields, *_follow(range(STREAMS_AT_FIRST)))
        table, _, rest = text.partition(f"\n{'=' * 67}\n")
        return [Frame(line) for line in table.split("\n") if line], _streams(rest)

    @cached_property
    def frames(self) -> list[Frame]:
        """All packets. tshark counts custom and journal blocks among them, which have no link type."""
        return [frame for frame in self._first_run[0] if frame["frame.encap_type"]]

    @cached_property
    def conversations(self) -> dict[tuple[str, int], list[int]]:
        """Indices of the packets of each conversation, fragments with the packet that tshark puts together from them.

        Packets cut within their TCP or UDP header, which tshark numbers no stream for, are with those between the same ends; where there
        are none, they have a number below 0. So are datagrams between other ends than the number's first: what RPC and SNMP announce,
        tshark joins and splits by other rules.
        """
        wholes = {}
        places = {frame["frame.number"][0]: index for index, frame in enumerate(self.frames)}
        for index, frame in enumerate(self.frames):
            for name in ("ip.fragment", "ipv6.fragment"):
                wholes.update({places[number]: index for number in frame[name]})
        members = defaultdict(list)
        newest: dict[tuple[str, frozenset[str]], tuple[str, int]] = {}
        for index in range(len(self.frames)):
            whole = self.frames[wholes.get(index, index)]
            conversation = whole.conversation
            if whole.is_cut_in_transport or (conversation and conversation[0] == "udp"):
                kind = str(whole.transport)
                known = conversation if conversation not in members else None
                conversation = newest.get((kind, ends(whole)), known or (kind, -1 - len(newest)))
            if conversation is not None:
                members[conversation].append(index)
                newest[conversation[0], ends(whole)] = conversation
        return dict(members)

    @cached_property
    def stray_fragments(self) -> list[int]:
        """Indices of later fragments that tshark has in no datagram: those sent twice, or whose datagram is not there whole."""
        known = {index for packets in self.conversations.values() for index in packets}
        ends = (["ip", "data"], ["ipv6.fraghdr", "data"])
        return [i for i, frame in enumerate(self.frames) if i not in known and frame.layers[-2:] in ends]

    @cached_property
    def is_cut(self) -> set[tuple[str, int]]:
        """Conversations of which the snap length cut something off."""
        cut = set()
        for name, packets in self.conversations.items():
            frames = [self.frames[index] for index in packets]
            if any(frame.number("frame.cap_len") != frame.number("frame.len") for frame in frames):
                cut.add(name)
        return cut

    @cached_property
    def is_unfinished(self) -> set[tuple[str, int]]:
        """TCP conversations whose last payload tshark still waited to see the rest of: it shows nothing of such a message."""
        last = {}
        for name, packets in self.conversations.items():
            carrying = (self.frames[index] for index in packets if self.frames[index].number("tcp.len"))
            last.update({(name, sender(frame)): frame for frame in carrying})
        return {name for (name, _), frame in last.items() if frame.protocols[-1] == "tcp"}

    def with_field(self, name: str) -> list[Frame]:
        """Packets with a field, of conversations that are there whole."""
        return [frame for frame in self.frames if frame[name] and frame.conversation not in self.is_cut]

    def counted(self, conversation: tuple[str, int]) -> int:
        """Packets of a conversation without other interfaces' copies: each direction on the interface that saw it first."""
        seen_on: dict[str, str] = {}
        count = 0
        for index in self.conversations[conversation]:
            interface = "".join(self.frames[index]["frame.interface_id"])
            count += seen_on.setdefault(source(self.frames[index]), interface) == interface
        return count

    def is_copy(self, index: int) -> bool:
        """Whether it shows a datagram that was sent once and seen before, within 1 ms on another interface."""
        if self._has_one_interface:
            return False
        frame, me = self.frames[index], self._as_sent(index)
        for before in reversed(range(index)):
            other = self.frames[before]
            if frame.time_ns - other.time_ns > 1_000_000:
                return False
            if frame["frame.interface_id"] != other["frame.interface_id"] and self._as_sent(before) == me:
                return True
        return False

    @cached_property
    def _has_one_interface(self) -> bool:
        return len({"".join(frame["frame.interface_id"]) for frame in self.frames}) == 1

    def _as_sent(self, index: int) -> tuple[str | None, ...]:
        frame = self.frames[index]
        names = (f"{frame.network}.src", f"{frame.network}.dst", "udp.srcport", "udp.dstport", "udp.payload")
        return tuple(frame.of_layer(name, name.split(".")[0]) for name in names)

    def fresh_bytes(self, stream: int) -> Counter[str]:
        """Payload bytes of a TCP stream by sending ADDRESS:PORT, each place in the sequence counted once."""
        spans = defaultdict(list)
        for index in self.conversations["tcp", stream]:
            frame = self.frames[index]
            length = int(frame.of_layer("tcp.len", "tcp") or 0)
            if frame.conversation == ("tcp", stream) and length:
                start = int(frame.of_layer("tcp.seq_raw", "tcp") or 0)
                start += int(frame.of_layer("tcp.flags", "tcp") or "0", 16) >> 1 & 1  # SYN takes a number
                spans[sender(frame)].append((start, length))
        return Counter({who: _covered(each) for who, each in spans.items()})

    @cached_property
    def streams(self) -> dict[int, Stream]:
        """All TCP streams, by tshark's number. There are numbers that no packet has: a dissector took them for itself."""
        numbers = {number for kind, number in self.conversations if kind == "tcp" and number >= 0}
        count = max(numbers, default=-1) + 1
        found = self._first_run[1][:count]
        if count > STREAMS_AT_FIRST:
            found += _streams(self.run("-q", *_follow(range(STREAMS_AT_FIRST, count))))
        return {number: stream for number, stream in enumerate(found) if number in numbers}


def _follow(numbers: range) -> list[str]:
    """Options that ask for these streams. tshark answers the last one first."""
    return [word for number in reversed(numbers) for word in ("-z", f"follow,tcp,raw,{number}")]


def _streams(text: str) -> list[Stream]:
    """What tshark shows of streams it was asked to follow."""
    found = []
    for part in text.split("Follow: tcp,raw\n")[1:]:
        lines = part.split("\n")
        turns: list[tuple[int, bytes]] = []
        for line in lines[3:]:
            if re.fullmatch(r"\t?[0-9a-f]+", line):
                node, data = int(line.startswith("\t")), MISSING.sub(b"", bytes.fromhex(line))
                turns.append((node, turns.pop()[1] + data if turns and turns[-1][0] == node else data))
        found.append(Stream(ends=(lines[1].split(": ")[1], lines[2].split(": ")[1]), turns=turns))
    return found


def source(frame: Frame) -> str:
    """Address of the innermost packet's sender."""
    return frame.of_layer(f"{frame.network}.src", str(frame.network)) or "?"


def sender(frame: Frame) -> str:
    """ADDRESS:PORT of the innermost packet's sender, as tshark's follow writes it."""
    address, port = source(frame), frame.of_layer(f"{frame.transport}.srcport", str(frame.transport))
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def ends(frame: Frame) -> frozenset[str]:
    """ADDRESS PORT of both ends of the innermost packet."""
    return frozenset(
        f"{frame.of_layer(f'{frame.network}.{end}', str(frame.network))} "
        f"{frame.of_layer(f'{frame.transport}.{end}port', str(frame.transport))}"
        for end in ("src", "dst")
    )


def _covered(spans: list[tuple[int, int]]) -> int:
    """Places that (start, length) pairs cover together; starts are sequence numbers, which wrap around (RFC 9293 section 3.4)."""
    origin = spans[0][0]
    unwrapped = sorted(((start - origin + (1 << 31)) % (1 << 32), length) for start, length in spans)
    total, reached = 0, -1
    for start, length in unwrapped:
        total += max(0, start + length - max(start, reached))
        reached = max(reached, start + length)
    return total


@cache
def tshark(path: Path) -> Tshark:
    """tshark's view of a file, one for all tests."""
    return Tshark(path)
