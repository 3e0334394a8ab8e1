"""PostgreSQL."""

from __future__ import annotations

from typing import Any

from pcapdig.protocols.postgres import PostgresDialogue
from played.scenario import Scenario

new = PostgresDialogue


def summary(record: Any) -> tuple[str, str]:
    """`query SELECT 1`, `1 rows`."""
    answer = record.answer
    if answer is None:
        return f"{record.command} {record.statement}".strip(), "-"
    told = answer.error.message if answer.error else f"{answer.rows}/{answer.affected}"
    return f"{record.command} {record.statement}".strip(), told


def m(kind: str, data: bytes = b"") -> bytes:
    """A message."""
    return kind.encode() + (len(data) + 4).to_bytes(4) + data


def untyped(code: int, data: bytes = b"") -> bytes:
    """A message without a type."""
    return (len(data) + 8).to_bytes(4) + code.to_bytes(4) + data


def query(sql: bytes) -> bytes:
    """A simple query."""
    return m("Q", sql + b"\0")


def rows(count: int) -> bytes:
    """A result."""
    return m("T", b"\0\0") + m("D", b"\0\0") * count + m("C", b"SELECT %d\0" % count)


def extended(sql: bytes, name: bytes = b"", most: bytes = bytes(4)) -> bytes:
    """Parse, Bind, Describe, Execute."""
    return (
        m("P", name + b"\0" + sql + bytes(3)) + m("B", b"\0" + name + bytes(7)) + m("D", b"P\0") + m("E", b"\0" + most)
    )


def error(text: bytes) -> bytes:
    """ErrorResponse."""
    return m("E", b"SERROR\0C42601\0M" + text + b"\0\0")


READY = m("Z", b"I")
SYNC, FLUSH = m("S"), m("H")
DONE = m("1") + m("2")
ASYNC = m("N", b"SNOTICE\0Mhm\0\0") + m("A", b"\0\0\0\1ch\0x\0") + m("S", b"a\0b\0")
SSL, GSS = untyped(80877103), untyped(80877104)
STARTUP = untyped(3 << 16, b"user\0u\0\0")
LOGIN = m("R", bytes(4)) + READY
COPY = b"COPY t FROM STDIN"
DATA = m("d", b"1\n") + m("d", b"2\n")
AFTER = (
    ("c", query(b"SELECT 77")),
    ("s", ASYNC + rows(7) + READY),
    ("c", extended(b"SELECT 88") + SYNC),
    ("s", DONE + rows(8) + READY),
)
AFTERWARDS = ("query SELECT 77 = 7/None", "execute SELECT 88 = 8/None")

SCENARIOS = (
    Scenario(
        "encryption asked",
        "N: it goes on in clear",
        (("c", SSL), ("s", b"N"), ("c", GSS), ("s", b"N"), ("c", STARTUP), ("s", LOGIN), *AFTER),
        ("connect = None/None", *AFTERWARDS),
    ),
    Scenario("encryption asked", "S or G", (("c", SSL), ("s", b"S"), *AFTER), (), survives_loss=False),
    Scenario("encryption asked", "S or G", (("c", GSS), ("s", b"G"), *AFTER), (), survives_loss=False),
    Scenario(
        "encryption asked",
        "ErrorResponse",
        (("c", SSL), ("s", error(b"too many")), *AFTER),
        ("unknown = too many", *AFTERWARDS),
    ),
    Scenario(
        "encryption",
        "connection closes",
        (("c", SSL), ("s", b"S"), ("c", b"\x16\x03\x01\0"), ("s", b"\x16\x03\x03\0")),
        (),
        survives_loss=False,
    ),
    Scenario(
        "password asked",
        "PasswordMessage",
        (("c", STARTUP), ("s", m("R", b"\0\0\0\3")), ("c", m("p", b"secret\0")), ("s", LOGIN), *AFTER),
        ("connect = None/None", *AFTERWARDS),
    ),
    Scenario(
        "simple query",
        "ReadyForQuery",
        (
            ("c", query(b"SELECT 1; INSERT INTO t VALUES (1)") + query(b"SELECT 2")),
            ("s", rows(1) + ASYNC + m("C", b"INSERT 0 1\0") + READY + rows(2) + READY),
            *AFTER,
        ),
        ("query SELECT 1; INSERT INTO t VALUES (1) = 1/1", "query SELECT 2 = 2/None", *AFTERWARDS),
    ),
    Scenario(
        "simple query",
        "ReadyForQuery",
        (("c", query(b"SELECT 1")), ("s", m("T", b"\0\0") + m("D", b"\0\0") + error(b"killed") + READY), *AFTER),
        ("query SELECT 1 = killed", *AFTERWARDS),
    ),
    Scenario(
        "simple query",
        "ReadyForQuery",
        (("c", m("F", bytes(8))), ("s", m("V", bytes(4)) + READY), *AFTER),
        ("function function 0 = None/None", *AFTERWARDS),
    ),
    Scenario(
        "extended query",
        "the answer to each",
        (
            ("c", extended(b"SELECT 1", b"n") + FLUSH),
            ("s", DONE + rows(1)),
            ("c", m("C", b"Sn\0") + SYNC),
            ("s", m("3") + READY),
            *AFTER,
        ),
        ("prepare SELECT 1 = None/None", "execute SELECT 1 = 1/None", *AFTERWARDS),
    ),
    Scenario(
        "extended query",
        "ErrorResponse",
        (
            ("c", extended(b"SELECT 1") + SYNC + extended(b"SELECT 2") + SYNC),
            ("s", DONE + error(b"no") + READY + DONE + rows(2) + READY),
            *AFTER,
        ),
        ("describe SELECT 1 = no", "prepare SELECT 1 = None/None", "execute SELECT 2 = 2/None", *AFTERWARDS),
    ),
    Scenario(
        "skipped until Sync",
        "Sync, answered ReadyForQuery",
        (
            ("c", extended(b"SELEC 1") + extended(b"SELECT 2") + query(b"SELECT 3") + SYNC),
            ("s", error(b"wrong") + READY),
            *AFTER,
        ),
        ("prepare SELEC 1 = wrong", "execute SELECT 2 = -", "query SELECT 3 = -", *AFTERWARDS),
    ),
    Scenario(
        "skipped until Sync",
        "Sync, answered ReadyForQuery",
        (("c", m("P", b"n\0SELEC 1" + bytes(3)) + FLUSH), ("s", error(b"wrong")), ("c", SYNC), ("s", READY), *AFTER),
        ("prepare SELEC 1 = wrong", *AFTERWARDS),
    ),
    Scenario(
        "COPY IN",
        "CopyDone, answered CommandComplete",
        (("c", query(COPY)), ("s", m("G", bytes(3))), ("c", DATA + m("c")), ("s", m("C", b"COPY 2\0") + READY), *AFTER),
        ("query COPY t FROM STDIN = None/2", *AFTERWARDS),
    ),
    Scenario(
        "COPY IN",
        "CopyDone, answered CommandComplete",
        (
            ("c", extended(COPY) + SYNC),
            ("s", DONE + m("n") + m("G", bytes(3))),
            ("c", DATA + FLUSH + m("c") + SYNC),
            ("s", m("C", b"COPY 2\0") + READY),
            *AFTER,
        ),
        ("execute COPY t FROM STDIN = None/2", *AFTERWARDS),
    ),
    Scenario(
        "COPY IN",
        "CopyDone, answered CommandComplete",
        (
            ("c", extended(COPY) + SYNC + DATA + m("c") + SYNC + query(b"SELECT 5")),
            ("s", DONE + m("n") + m("G", bytes(3)) + m("C", b"COPY 2\0") + READY + rows(5) + READY),
            *AFTER,
        ),
        ("execute COPY t FROM STDIN = None/2", "query SELECT 5 = 5/None", *AFTERWARDS),
    ),
    Scenario(
        "COPY IN",
        "CopyFail, answered ErrorResponse",
        (
            ("c", query(COPY)),
            ("s", m("G", bytes(3))),
            ("c", DATA + m("f", b"no\0")),
            ("s", error(b"client gave up") + READY),
            *AFTER,
        ),
        ("query COPY t FROM STDIN = client gave up", *AFTERWARDS),
    ),
    Scenario(
        "COPY IN",
        "ErrorResponse: what more of the data comes is dropped",
        (
            ("c", query(COPY)),
            ("s", m("G", bytes(3))),
            ("c", DATA),
            ("s", error(b"bad line") + READY),
            ("c", DATA + m("c") + AFTER[0][1]),
            *AFTER[1:],
        ),
        ("query COPY t FROM STDIN = bad line", *AFTERWARDS),
    ),
    Scenario(
        "COPY IN",
        "ErrorResponse: what more of the data comes is dropped",
        (
            ("c", extended(COPY) + SYNC),
            ("s", DONE + m("n") + m("G", bytes(3))),
            ("c", DATA),
            ("s", error(b"bad line")),
            ("c", DATA + m("c") + SYNC),
            ("s", READY),
            *AFTER,
        ),
        ("execute COPY t FROM STDIN = bad line", *AFTERWARDS),
    ),
    Scenario(
        "COPY OUT",
        "CopyDone and CommandComplete",
        (
            ("c", query(b"COPY t TO STDOUT")),
            ("s", m("H", bytes(3)) + DATA + ASYNC + m("c") + m("C", b"COPY 2\0") + READY),
            *AFTER,
        ),
        ("query COPY t TO STDOUT = 2/None", *AFTERWARDS),
    ),
    Scenario(
        "COPY OUT",
        "ErrorResponse",
        (("c", query(b"COPY t TO STDOUT")), ("s", m("H", bytes(3)) + DATA + error(b"disk") + READY), *AFTER),
        ("query COPY t TO STDOUT = disk", *AFTERWARDS),
    ),
    Scenario(
        "COPY BOTH",
        "CopyDone of both sides, and CommandComplete",
        (
            ("c", query(b"START_REPLICATION 0/1")),
            ("s", m("W", bytes(3)) + DATA),
            ("c", DATA + m("c")),
            ("s", DATA + m("c") + m("C", b"START_STREAMING\0") + READY),
            *AFTER,
        ),
        ("query START_REPLICATION 0/1 = None/None", *AFTERWARDS),
    ),
    Scenario(
        "COPY BOTH",
        "ErrorResponse",
        (("c", query(b"START_REPLICATION 0/1")), ("s", m("W", bytes(3)) + DATA + error(b"gone") + READY), *AFTER),
        ("query START_REPLICATION 0/1 = gone", *AFTERWARDS),
    ),
    Scenario(
        "suspended portal",
        "Execute, answered CommandComplete",
        (
            ("c", extended(b"SELECT 1", most=b"\0\0\0\2") + FLUSH),
            ("s", DONE + m("T", b"\0\0") + m("D", b"\0\0") * 2 + m("s")),
            ("c", m("E", bytes(5)) + SYNC),
            ("s", m("D", b"\0\0") + m("C", b"SELECT 1\0") + READY),
            *AFTER,
        ),
        ("execute SELECT 1 = 2/None", "fetch SELECT 1 = 1/None", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "cancel",
        "connection closes",
        (("c", SSL), ("s", b"N"), ("C", untyped(80877102, bytes(8)))),
        ("cancel = -",),
        survives_loss=False,
    ),
    Scenario("over", "connection closes", (*AFTER, ("C", m("X"))), AFTERWARDS),
)
