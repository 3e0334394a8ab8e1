"""Any bytes, in any turns, with any gaps: no decoder raises anything, hangs, or depends on how bytes are cut into turns."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapdig.protocols.bodies import Body, CodingError
from pcapdig.protocols.certificates import certificate_names
from pcapdig.protocols.conversation import Dialogue, Moment, Turn
from pcapdig.protocols.dns import DnsDialogue
from pcapdig.protocols.http import HttpDialogue, starts
from pcapdig.protocols.ldap import LdapDialogue
from pcapdig.protocols.ldap import starts as ldap_starts
from pcapdig.protocols.mail import MailDialogue
from pcapdig.protocols.memcached import MemcachedDialogue
from pcapdig.protocols.memcached_binary import MemcachedBinaryDialogue
from pcapdig.protocols.memcached_datagrams import MemcachedDatagrams
from pcapdig.protocols.mysql import MysqlDialogue
from pcapdig.protocols.postgres import PostgresDialogue
from pcapdig.protocols.postgres_messages import said_by_client
from pcapdig.protocols.postgres_values import binary_value
from pcapdig.protocols.redis import RedisDialogue
from pcapdig.protocols.telnet import TelnetDialogue
from pcapdig.protocols.tls import TlsDialogue

DIALOGUES: dict[str, Callable[[], Dialogue[Any, Any]]] = {
    "http": lambda: HttpDialogue(body_limit=100),
    "dns-udp": lambda: DnsDialogue(is_stream=False),
    "dns-tcp": lambda: DnsDialogue(is_stream=True),
    "redis": RedisDialogue,
    "memcached": MemcachedDialogue,
    "memcached_binary": MemcachedBinaryDialogue,
    "memcached_datagrams": MemcachedDatagrams,
    "mysql": MysqlDialogue,
    "mysql_compressed": lambda: MysqlDialogue(is_compressed=True),
    "postgres": PostgresDialogue,
    "tls": TlsDialogue,
    "mail": MailDialogue,
    "ldap": LdapDialogue,
    "telnet": TelnetDialogue,
}
PIECES: dict[str, list[bytes]] = {
    "http": [
        b"GET /a HTTP/1.1\r\n", b"Host: h\r\n", b"\r\n", b"HTTP/1.1 200 OK\r\n", b"Content-Length: 3\r\n", b"abc", b"5\r\nabcde\r\n", b"0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n", b"HTTP/1.0 100 C\r\n\r\n", b"CONNECT h:1 HTTP/1.1\r\n\r\n", b"Content-Length: 999999999999\r\n",
    ],
    "dns-udp": [b"\0\7\1\0\0\1\0\0\0\0\0\0", b"\0\7\x81\x80\0\1\0\2\0\0\0\0", b"\1a\0\0\1\0\1", b"\xc0\x0c\0\1\0\1\0\0\0\7\0\4abcd", b"\xc0\x0d"],
    "dns-tcp": [b"\0\x13", b"\0\7\1\0\0\1\0\0\0\0\0\0", b"\0\7\x81\x80\0\1\0\2\0\0\0\0", b"\1a\0\0\1\0\1", b"\xc0\x0c\0\1\0\1\0\0\0\7\0\4abcd"],
    "redis": [b"*2\r\n", b"$3\r\n", b"GET\r\n", b"$-1\r\n", b"+OK\r\n", b"*9999999\r\n", b"%1\r\n",
         b"|1\r\n", b":1\r\n", b">2\r\n", b"PING\r\n", b"$99999999\r\n", b"SET \"a\\x4 'b\r\n"],
    "memcached": [b"set k 0 0 3\r\n", b"abc\r\n", b"get k\r\n", b"VALUE k 0 3\r\n", b"END\r\n", b"mg k v q\r\n",
         b"VA 3 \r\n", b"MN\r\n", b"STORED\r\n", b"noreply", b"0\r\n"],
    "memcached_binary": [
        b"\x80\0\0\1" + bytes(7) + b"\1" + bytes(12) + b"k", b"\x81\0\0\0\4" + bytes(6) + b"\6" + bytes(18),
        b"\x80\x0d\0\1" + bytes(7) + b"\1" + bytes(12) + b"k",
        b"\x80\x0a" + bytes(22), b"\x81\x0a" + bytes(22), b"\x81\x10\0\1" + bytes(7) + b"\2" + bytes(12) + b"kv", b"\x80\x10" + bytes(22),
    ],
    "memcached_datagrams": [
        b"\0\7\0\0\0\1\0\0", b"\0\7\0\1\0\2\0\0", b"\0\7\0\0\0\2\0\0", b"get k\r\n", b"VALUE k 0 3\r\n", b"abc\r\n", b"END\r\n",
        b"set k 0 0 1 noreply\r\n", b"\x80\0\0\1" + bytes(7) + b"\1" + bytes(12) + b"k",
    ],
    "mysql": [
        b"\7\0\0\1\0\0\0\2\0\0\0", b"\x09\0\0\0\x03SELECT 1", b"\x09\0\0\0\x16SELECT ?", b"\x0c\0\0\1\0\1\0\0\0\1\0\1\0\0\0\0", b"\4\0\0\2\3def",
        b"\5\0\0\3\xfe\0\0\2\0", b"\1\0\0\1\1", b"\x10\0\0\0\x17\1\0\0\0\0\1\0\0\0\0\1\xfd\0\1x", b"\x09\0\0\1\xff\x28\4#42000", b"\x0a8.0\0",
        b"\xff\xff\xff\0", b"\1\0\0\0\x01",
    ],
    "mysql_compressed": [
        b"\x0d\0\0\0\0\0\0", b"\x09\0\0\0\x03SELECT 1", b"\x0b\0\0\0\0\0\0\7\0\0\1\0\0\0\2\0\0\0",
        b"\x15\0\0\0\x0d\0\0" + zlib.compress(b"\x09\0\0\0\x03SELECT 1"),
        b"\x13\0\0\0\x0b\0\0" + zlib.compress(b"\7\0\0\1\0\0\0\2\0\0\0"), b"\x78\x9c", b"\x28\xb5\x2f\xfd", b"\xff\0\0\0\xff\xff\xff",
    ],
    "postgres": [
        b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x13\0\3\0\0user\0alice\0", b"N", b"R\0\0\0\x08\0\0\0\3", b"p\0\0\0\x06a\0", b"Z\0\0\0\5I",
        b"Q\0\0\0\x0dselect 1\0", b"P\0\0\0\x11\0select $1\0\0\0", b"B\0\0\0\x11\0\0\0\0\0\1\0\0\0\1a\0\0", b"D\0\0\0\6S\0", b"E\0\0\0\x09\0\0\0\0\0",
        b"S\0\0\0\4", b"1\0\0\0\x042\0\0\0\4", b"t\0\0\0\x0a\0\1\0\0\0\x17", b"T\0\0\0\6\0\0", b"C\0\0\0\x0dSELECT 1\0", b"E\0\0\0\x0cC42601\0\0",
        b"s\0\0\0\4", b"C\0\0\0\6S\0", b"d\0\0\x7f\xff", b"D\0\0\0\7\0\0\0", b"G\0\0\0\4",
    ],
    "tls": [
        b"\x16\x03\x01\0\x2f", b"\x01\0\0\x2b\x03\x03" + bytes(32) + b"\0\0\2\x13\1\1\0",
        b"\x16\x03\x03\0\x2a\x02\0\0\x26\x03\x03" + bytes(35) + b"\x2f\0",
        b"\x14\x03\x03\0\1\1", b"\x15\x03\x03\0\2\2\x28", b"\x17\x03\x03\0\1x", b"\x0b\0\0\7\0\0\4\0\0\1\x30", b"\0\0\0\5\0\3\0\0\0",
    ],
    "mail": [
        b"220 x\r\n", b"+OK\r\n", b"* OK\r\n", b"USER a\r\n", b"PASS b\r\n", b"AUTH PLAIN", b"AUTH LOGIN\r\n", b"334 x\r\n", b"+ \r\n",
        b"AGEAYg==\r\n",
        b"a LOGIN ", b'"x" ', b"{3}\r\n", b"{3+}\r\n", b"abc", b"DATA\r\n", b"354 x\r\n", b".\r\n", b"BDAT 5\r\n", b"AUTHINFO PASS b\r\n",
    ],
    "ldap": [b"\x30\x18\2\1\1\x60\x13\2\1\3\4\5alice\x80\7secret!", b"\x30\x84\0\0\0\5", b"\x30\x80", b"\2\1\1", b"\x60\x84\xff\xff\xff\xff"],
    "telnet": [b"\xff\xfd\1", b"\xff\xfa\x18", b"\xff\xf0", b"login: ", b"Password: ", b"a\r\n", b"\x7f", b"\r", b"\xff"],
}  # fmt: skip


@st.composite
def turns(draw: st.DrawFn, name: str) -> list[Turn]:
    """Pieces of the protocol and any bytes, in turns of both sides with gaps."""
    piece = st.one_of(st.sampled_from(PIECES[name]), st.binary(max_size=20))
    found = []
    for time_ns in range(draw(st.integers(1, 8))):
        data = b"".join(draw(st.lists(piece, max_size=8)))
        places = draw(st.lists(st.integers(0, len(data)), max_size=2, unique=True))
        gaps = tuple((place, draw(st.integers(1, 50))) for place in sorted(places))
        found.append(Turn(data, draw(st.booleans()), Moment(time_ns), gaps, draw(st.integers(0, 9)) == 0))
    return found


@pytest.mark.parametrize("name", DIALOGUES)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_turns(name: str, data: st.DataObject) -> None:
    """Nothing is raised, each record has a moment, and at the end nothing is left."""
    dialogue = DIALOGUES[name]()
    records = []
    for turn in data.draw(turns(name)):
        if name == "http":
            starts(turn.data)
        if name == "ldap":
            ldap_starts(turn.data)
        if name == "postgres":
            said_by_client(turn.data)
        records += dialogue.feed(turn)
    records += dialogue.end()
    assert all(record.moment.time_ns >= 0 for record in records)
    assert dialogue.end() == []
    assert not dialogue.open


@settings(max_examples=1000, deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from(
        [16, 20, 21, 25, 650, 700, 869, 1007, 1009, 1082, 1083, 1114, 1184, 1186, 1231, 1266, 1700, 2950, 3802, 0]
    ),
)
def test_any_postgres_value(data: bytes, kind: int) -> None:
    """A value, of bounded length."""
    value = binary_value(data, kind)
    assert not isinstance(value, str) or len(value) < 20_000


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_certificate(data: bytes) -> None:
    """Names or none."""
    assert isinstance(certificate_names(b"\x30\x82" + len(data).to_bytes(2) + data), tuple)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([b"", b"\x1f\x8b\x08\0\0\0\0\0\0\3", b"\x78\x9c", b"\x28\xb5\x2f\xfd"]),
    st.binary(max_size=200),
    st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "identity", "odd"]), max_size=5),
)
def test_any_body(start: bytes, data: bytes, codings: list[str]) -> None:
    """Bytes within the limit, or CodingError."""
    with suppress(CodingError):
        assert len(Body(kept=start + data, codings=tuple(codings)).content(1000)) <= 1000
