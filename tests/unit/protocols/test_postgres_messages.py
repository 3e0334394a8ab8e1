"""PostgreSQL's frames."""

from __future__ import annotations

import struct

import pytest

from pcapdig.protocols.postgres_messages import read_bind, read_error, read_tag, read_types, said_by_client

READY = b"Z\0\0\0\5I"
SYNC = b"S\0\0\0\4"


def message(kind: bytes, payload: bytes) -> bytes:
    """With type and length."""
    return kind + (len(payload) + 4).to_bytes(4) + payload


@pytest.mark.parametrize(
    "data",
    [
        b"", b"Q", b"QUIT\r\n", b"SELECT 1", bytes(80), b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x08\0\3\0\0", b"\0\0\0\x09\0\4\0\0x",
        message(b"Q", b"\1\2\3\0"), message(b"Q", b"SELECT 1\0\0"), message(b"Q", b"SELECT 1"), b"D\0\0\0\4", b"DATA\r\n", READY[:-1],
        message(b"C", b"SELECT 1\0"), b"E\xff\xff\xff\xff", b"EHLO host\r\n", b"CAPA\r\n",
    ],
)  # fmt: skip
def test_what_is_not_recognised(data: bytes) -> None:
    """Other protocols, cut messages, a startup whose size is wrong."""
    assert said_by_client(data) is None


@pytest.mark.parametrize(
    ("data", "is_client"),
    [
        (b"\0\0\0\x08\x04\xd2\x16\x2f", True),
        (b"\0\0\0\x13\0\3\0\0user\0alice\0", True),
        (message(b"Q", b"select 1\0"), True),
        (message(b"Q", b"/* x */ SELECT '" + b"x" * 90)[:50], True),
        (message(b"P", b"s\0WITH x\0\0\0") + b"D\0\0", True),
        (message(b"B", b"\0s\0" + bytes(6)) + message(b"E", b"\0" + bytes(4)) + SYNC, True),
        (message(b"C", b"SELECT 1\0") + READY, False),
        (message(b"T", bytes(30)) + message(b"D", bytes(9)) + message(b"D", bytes(99))[:20], False),
    ],
)
def test_sides_are_recognised(data: bytes, is_client: bool) -> None:
    """At the beginning and in the midst of a connection."""
    assert said_by_client(data) is is_client


@pytest.mark.parametrize("size", range(20))
def test_a_cut_bind_has_the_values_that_are_there(size: int) -> None:
    """At each byte."""
    values = struct.pack(">HHHi1siH", 1, 1, 2, 1, b"a", -1, 0)
    found = read_bind((b"p\0s\0" + values)[: 4 + size])
    assert found == ("p", "s", (1,) if size >= 6 else (), (b"a", None)[: 0 if size < 11 else 1 if size < 15 else 2])


def test_errors_and_tags() -> None:
    """The severity that is not translated; rows."""
    error = read_error(b"SFEHLER\0VERROR\0C42601\0Mwrong\0P8\0\0")
    assert (error.severity, error.state, error.message) == ("ERROR", "42601", "wrong")
    assert [read_tag(tag) for tag in (b"INSERT 0 5\0", b"SELECT 7\0", b"CREATE TABLE\0", b"\xff\0")] == [
        ("INSERT", 5),
        ("SELECT", 7),
        ("CREATE TABLE", None),
        ("", None),
    ]
    assert read_types(b"\0\2\0\0\0\x17\0\0") == (23,)
