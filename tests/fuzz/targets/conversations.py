"""Application protocols: any turns of both sides with any holes, read by each dialogue, and by who listens for credentials.

An input is turns after each other, each begun by MARK and a byte: its side, whether it is the side's last, and where a hole is.
"""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import brotli
import numpy as np
import zstandard

from pcapdig.chisels.credentials.recognition import begin, credentials_of
from pcapdig.chisels.dialogues import Opening
from pcapdig.protocols import http, ldap, mail, mysql, postgres_messages, redis, telnet, tls
from pcapdig.protocols.bodies import Body, CodingError
from pcapdig.protocols.certificates import certificate_names
from pcapdig.protocols.conversation import Dialogue, Moment, Turn
from pcapdig.protocols.dns import DnsDialogue
from pcapdig.protocols.http import HttpBodies, HttpDialogue
from pcapdig.protocols.inbox import Inbox
from pcapdig.protocols.ldap import LdapDialogue
from pcapdig.protocols.mail import MailDialogue
from pcapdig.protocols.memcached import MemcachedDialogue
from pcapdig.protocols.memcached_binary import MemcachedBinaryDialogue
from pcapdig.protocols.memcached_datagrams import MemcachedDatagrams
from pcapdig.protocols.mysql import MysqlDialogue
from pcapdig.protocols.postgres import PostgresDialogue
from pcapdig.protocols.redis import RedisDialogue
from pcapdig.protocols.telnet import TelnetDialogue
from pcapdig.protocols.tls import TlsDialogue
from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.trace import Trace
from targets.target import Target
from targets.words import WORDS

CAPTURES = Path(__file__).resolve().parents[2] / "unit" / "protocols" / "captures"
SEED_BYTES = 6000

MARK = b"\xf0\xf1"
SERVER, LAST, HOLE = 1, 2, 4
"""Bits of the byte after MARK. Bits 4 to 7 say at how many sixteenths of the turn its hole is."""

BODY_LIMIT = 1000
RECORDS_A_BYTE = 1
"""No byte of input makes more than this many records; a bound that tells a loop that makes records of nothing."""


def recorded(name: str) -> list[bytes]:
    """The conversations of a capture of real servers, each cut to SEED_BYTES."""
    trace, found = Trace(), dict[int, bytes]()
    reassembler = Reassembler(trace, message_limit=SEED_BYTES // 4)
    for packets in trace.read(str(CAPTURES / f"{name}.pcap.gz")):
        for rows in (reassembler.feed(packets, np.ones(len(trace.flows), np.bool_)), reassembler.flush()):
            for i in np.unique(rows.packet, return_index=True)[1].tolist():
                flow = int(rows.flow[i])
                found[flow] = found.get(flow, b"") + talk((rows.buffer(i), int(not rows.forward[i])))
    return [each[:SEED_BYTES] for each in found.values()]


def talk(*said: bytes | tuple[bytes, int]) -> bytes:
    """A conversation in which client and server take turns; or (data, byte after MARK)."""
    turns = [(each, i % 2) if isinstance(each, bytes) else each for i, each in enumerate(said)]
    return b"".join(MARK + bytes([mark]) + data for data, mark in turns)


def turns_of(data: bytes) -> Iterator[Turn]:
    """The turns an input means."""
    for number, piece in enumerate(data.split(MARK)):
        if not piece:
            continue
        mark, said = piece[0], piece[1:]
        gaps = ((len(said) * (mark >> 4) // 15, 1 + (mark >> 4) * 7),) if mark & HOLE else ()
        yield Turn(said, not mark & SERVER, Moment(number), gaps, bool(mark & LAST))


def told(dialogue: Dialogue[Any, Any], turns: Iterable[Turn]) -> tuple[list[Any], bool]:
    """All records, and whether reading ever lost its place."""
    lost: list[bool] = []
    clear = Inbox.clear
    # A reader that starts anew does so with a turn, so only without that is the cut into turns of no consequence.
    Inbox.clear = lambda inbox: (lost.append(not inbox.is_empty), clear(inbox))[1]  # type: ignore[method-assign, assignment]
    try:
        records = [record for turn in turns for record in dialogue.feed(turn)]
        lost.clear() if not any(lost) else None
        records += dialogue.end()
    finally:
        Inbox.clear = clear  # type: ignore[method-assign]
    assert not dialogue.open and dialogue.end() == []
    return records, any(lost)


def dialogue_target(
    make: Callable[[], Dialogue[Any, Any]], starts: Callable[[Turn], object] | None
) -> Callable[[bytes], None]:
    """Any turns are read: nothing is raised, each record has a moment, and nothing stays open."""

    def run(data: bytes) -> None:
        turns = list(turns_of(data))
        for turn in turns:
            if starts is not None:
                starts(turn)
        records, _ = told(make(), turns)
        assert len(records) <= RECORDS_A_BYTE * len(data)
        for record in records:
            assert record.moment.time_ns >= 0
            assert record.latency_ns is None or record.latency_ns >= 0
            repr(record)
            if isinstance(record, http.HttpCall):
                bodies(record)

    return run


class SlowHttpDialogue(HttpDialogue):
    """Reads each turn byte for byte, also one that is a whole message."""

    def feed(self, turn: Turn) -> list[http.HttpCall]:
        return Dialogue.feed(self, turn)


def run_http(data: bytes) -> None:
    """As any dialogue; a whole message in a turn, which is read by a shorter way, is what it would be by the long one."""
    dialogue_target(*DIALOGUES["http"])(data)
    turns = list(turns_of(data))
    turns = turns[
        : next((i for i, turn in enumerate(turns) if turn.is_last), len(turns))
    ]  # who speaks after the last word is odd
    fast, slow = (told(make(body_limit=100), turns)[0] for make in (HttpDialogue, SlowHttpDialogue))
    for call in (*fast, *slow):
        for part in (call.request, call.response):
            if part is not None and not part.body.size_bytes:
                part.body = Body(is_complete=part.body.is_complete)  # how nothing is coded, one way may leave out
    assert repr(fast) == repr(slow)
    size = 0
    for piece in told(HttpBodies(), turns_of(data))[0]:
        assert piece.missing >= 0
        size += len(piece.data)
    assert size <= len(data)


def bodies(call: http.HttpCall) -> None:
    """What a call carried can be had, or is refused."""
    for part in (call.request, call.response):
        if part is not None and part.body is not None:
            with suppress(CodingError):
                assert len(part.body.content(BODY_LIMIT)) <= BODY_LIMIT


def run_body(data: bytes) -> None:
    """Bytes within the limit, or CodingError."""
    names = ("gzip", "deflate", "br", "zstd", "identity", "x-gzip", "odd")
    count, data = (data[0] & 3, data[1:]) if data else (0, data)
    codings = tuple(names[byte % len(names)] for byte in data[:count])
    with suppress(CodingError):
        assert len(Body(kept=data[count:], codings=codings).content(BODY_LIMIT)) <= BODY_LIMIT


def body_seeds() -> list[bytes]:
    """A text in each coding, whole and as a bomb."""
    found = []
    for text in (b"<html>hello</html>", bytes(1 << 20)):
        compressor = zlib.compressobj(wbits=-15)
        raw = compressor.compress(text) + compressor.flush()
        packed = [
            (0, gzip.compress(text)),
            (1, zlib.compress(text)),
            (1, raw),
            (2, brotli.compress(text)),
            (3, zstandard.compress(text)),
        ]
        found += [bytes([1, kind]) + each for kind, each in packed]
        found += [bytes([2, 0, 0]) + gzip.compress(gzip.compress(text)), b"\0" + text[:100]]
    return found


def run_certificate(data: bytes) -> None:
    """Names or none, each printable as text."""
    for name in certificate_names(data):
        assert isinstance(name, str)


def recorded_certificate() -> bytes:
    """The longest run of DER in a recorded handshake: `SEQUENCE { SEQUENCE`, as each certificate begins."""
    found = [seed[at:] for seed in recorded("tls") for at in [seed.find(b"\x30\x82")] if at >= 0]
    return max(found, key=len)


def run_credentials(data: bytes) -> None:
    """Texts of bounded length."""
    for credential in credentials(data):
        assert len(credential.secret) <= 256 and len(credential.user or "") <= 256
        assert credential.protocol and credential.method


def credentials(data: bytes) -> Iterator[Any]:
    """What one conversation tells."""
    dialogue: Dialogue[Any, Any] | None = None
    for turn in turns_of(data):
        dialogue = dialogue or begin(Opening(turn.data, turn.from_client, False))
        for record in dialogue.feed(turn) if dialogue else ():
            yield from credentials_of(record)
    for record in dialogue.end() if dialogue else ():
        yield from credentials_of(record)


DIALOGUES: dict[str, tuple[Callable[[], Dialogue[Any, Any]], Callable[[Turn], object] | None]] = {
    "http": (lambda: HttpDialogue(body_limit=100), lambda turn: http.starts(turn.data)),
    "dns-udp": (lambda: DnsDialogue(is_stream=False), None),
    "dns-tcp": (lambda: DnsDialogue(is_stream=True), None),
    "redis": (RedisDialogue, lambda turn: redis.starts(turn.data)),
    "memcached": (MemcachedDialogue, None),
    "memcached_binary": (MemcachedBinaryDialogue, None),
    "memcached_udp": (MemcachedDatagrams, None),
    "mysql": (MysqlDialogue, lambda turn: mysql.begin(turn.data, from_client=turn.from_client)),
    "mysql_compressed": (lambda: MysqlDialogue(is_compressed=True), None),
    "postgres": (PostgresDialogue, lambda turn: postgres_messages.said_by_client(turn.data)),
    "mail": (MailDialogue, lambda turn: mail.starts(turn.data, from_client=turn.from_client)),
    "ldap": (LdapDialogue, lambda turn: ldap.starts(turn.data)),
    "telnet": (TelnetDialogue, lambda turn: telnet.starts(turn.data)),
    "tls": (TlsDialogue, lambda turn: tls.beginning(turn.data) >= 0),
}


_UNRECORDED = ("mail", "ldap", "telnet")
_MORE = {
    "redis": ("redis_modes", "redis_monitor_reset", "redis_unsubscribed"),
    "memcached": ("memcached_states",),
    "postgres": ("postgres_states",),
    "http": ("expectation_failed",),
    "dns": ("dns_zone", "dns_nsec3"),
}
"""Captures of states, beside those of what is ordinary."""


def dns_over_tcp() -> list[bytes]:
    """The recorded datagrams, each with its length before it."""
    return [
        b"".join(talk((len(turn.data).to_bytes(2) + turn.data, int(not turn.from_client))) for turn in turns_of(seed))
        for seed in recorded("dns")
    ]


def seeds_of(name: str) -> list[bytes]:
    """Recorded conversations, and the words alone, said by either side."""
    kind = name.partition("-")[0]
    said = dns_over_tcp() if name == "dns-tcp" else recorded(kind) if name not in _UNRECORDED else []
    said += [seed for more in _MORE.get(kind, ()) for seed in recorded(more)]
    return said + [talk(word, word) for word in WORDS[name]]


def credential_seeds() -> list[bytes]:
    """All conversations there are, and the words."""
    words = WORDS["credentials"]
    said = [seed[:2000] for name in ("http", "redis", "mysql", "postgres") for seed in recorded(name)[:10]]
    return said + [talk(word, b"", word) for word in words] + [talk(a, b) for a, b in itertools.pairwise(words)]


TARGETS = (
    *(
        Target(
            name=name,
            run=run_http if name == "http" else dialogue_target(*DIALOGUES[name]),
            seeds=lambda name=name: seeds_of(name),  # type: ignore[misc]
            words=(*WORDS[name], *(MARK + bytes([mark]) for mark in (0, 1, 2, 3, 0x74, 0x75))),
            longest=8192,
        )
        for name in DIALOGUES
    ),
    Target(
        name="credentials",
        run=run_credentials,
        seeds=credential_seeds,
        words=(*WORDS["credentials"], MARK + b"\0", MARK + b"\1"),
    ),
    Target(name="bodies", run=run_body, seeds=body_seeds, words=(b"\x1f\x8b\x08", b"\x78\x9c", b"\x28\xb5\x2f\xfd")),
    Target(
        name="certificates",
        run=run_certificate,
        seeds=lambda: [recorded_certificate()],
        words=(b"\x30\x82", b"\x06\x03\x55\x1d\x11", b"\x55\x04\x03", b"\x82\x01"),
    ),
)
