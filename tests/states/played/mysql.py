"""MySQL and MariaDB."""

from __future__ import annotations

from typing import Any

from pcapdig.protocols.mysql import MysqlDialogue
from played.scenario import Scenario

new = MysqlDialogue


def summary(record: Any) -> tuple[str, str]:
    """`query SELECT 1`, `1/None`."""
    answer = record.answer
    asked = f"{record.command} {record.statement}".strip()
    return (
        asked,
        "-" if answer is None else answer.error.message if answer.error else f"{answer.rows}/{answer.affected}",
    )


def p(data: bytes, number: int = 0) -> bytes:
    """A packet."""
    return len(data).to_bytes(3, "little") + bytes([number]) + data


def ok(number: int = 1, *, affected: int = 0, more: bool = False) -> bytes:
    """OK."""
    return p(bytes([0, affected, 0, 8 * more, 0, 0, 0]), number)


def error(text: bytes, number: int = 1, code: int = 1064) -> bytes:
    """An error."""
    return p(b"\xff" + code.to_bytes(2, "little") + b"#42000" + text, number)


def eof(number: int, status: int = 2) -> bytes:
    """EOF."""
    return p(b"\xfe\0\0" + status.to_bytes(2, "little"), number)


def rows(count: int, number: int = 1, status: int = 2) -> bytes:
    """A result set of one column."""
    numbers = iter(range(number, 256))
    parts = [p(b"\1", next(numbers)), p(b"\3def", next(numbers)), eof(next(numbers))]
    return b"".join([*parts, *(p(b"\1x", next(numbers)) for _ in range(count)), eof(next(numbers), status)])


def ask(sql: bytes) -> bytes:
    """COM_QUERY."""
    return p(b"\3" + sql)


GREETING = p(b"\x0a8.0\0" + bytes(4) + b"saltsalt\0" + b"\xff\xf7" + b"\x21\2\0" + b"\xff\x81" + bytes(13))
RESPONSE = p((0x0200 | 0x8000).to_bytes(4, "little") + bytes(4) + b"\x21" + bytes(23) + b"u\0\0", 1)
LOGIN = (("s", GREETING), ("c", RESPONSE), ("s", ok(2)))
LOAD = (("c", ask(b"LOAD DATA LOCAL")), ("s", p(b"\xfbfile", 1)))
PREPARE = (("c", p(b"\x16SELECT ?")), ("s", p(b"\0\1\0\0\0\0\0\1\0\0\0\0", 1) + p(b"\3def", 2) + eof(3)))
EXECUTE = p(b"\x17\1\0\0\0\0\1\0\0\0\0\1\xfd\0\1x")
AFTER = (("c", ask(b"SELECT 7")), ("s", rows(7)), ("c", ask(b"DELETE 8")), ("s", ok(affected=8)))
AFTERWARDS = ("query SELECT 7 = 7/None", "query DELETE 8 = None/8")
PREPARED = "prepare SELECT ? = None/None"
CLOSE, RESET = p(b"\x19\1\0\0\0"), p(b"\x1a\1\0\0\0")

SCENARIOS = (
    Scenario(
        "login",
        "OK",
        (
            ("s", GREETING),
            ("c", RESPONSE),
            ("s", p(b"\xfemysql_native_password\0salt", 2)),
            ("c", p(b"proof", 3)),
            ("s", p(b"\1\4", 4) + ok(5)),
            *AFTER,
        ),
        ("connect = None/None", *AFTERWARDS),
    ),
    Scenario(
        "login",
        "OK",
        (
            *LOGIN,
            ("c", p(b"\x11u2\0\0db\0")),
            ("s", p(b"\xfeplugin\0salt", 1)),
            ("c", p(b"proof", 2)),
            ("s", ok(3)),
            *AFTER,
        ),
        ("connect = None/None", "change_user = None/None", *AFTERWARDS),
    ),
    Scenario(
        "login", "an error", (("s", GREETING), ("c", RESPONSE), ("s", error(b"denied", 2, 1045))), ("connect = denied",)
    ),
    Scenario(
        "TLS",
        "connection closes",
        (("s", GREETING), ("c", p((0x0A00).to_bytes(4, "little") + bytes(28), 1)), *AFTER),
        (),
        survives_loss=False,
    ),
    Scenario(
        "compression",
        "connection closes",
        (
            ("s", GREETING),
            ("c", RESPONSE.replace(b"\0\x82\0\0", b"\x20\x82\0\0", 1)),
            ("s", ok(2)),
            ("c", len(AFTER[0][1]).to_bytes(3, "little") + bytes(4) + AFTER[0][1]),
            ("s", len(AFTER[1][1]).to_bytes(3, "little") + b"\1" + bytes(3) + AFTER[1][1]),
        ),
        ("connect = None/None", AFTERWARDS[0]),
        in_pieces=False,
        survives_loss=False,
    ),
    Scenario(
        "results",
        "the last OK or EOF",
        (("c", ask(b"CALL p()")), ("s", rows(2, status=10) + rows(3, 7, 10) + ok(14)), *AFTER),
        ("query CALL p() = 5/0", *AFTERWARDS),
    ),
    Scenario(
        "results",
        "an error, amid rows too",
        (("c", ask(b"SELECT 1")), ("s", rows(2)[:-9] + error(b"interrupted", 6, 1317)), *AFTER),
        ("query SELECT 1 = interrupted", *AFTERWARDS),
    ),
    Scenario(
        "results",
        "an error, amid rows too",
        (
            ("c", ask(b"CALL p()")),
            ("s", rows(2, status=10) + error(b"no", 7)),
            ("c", p(b"\x0c\1\0\0\0")),
            ("s", error(b"unknown thread", 1, 1094)),
            *AFTER,
        ),
        ("query CALL p() = no", "process_kill = unknown thread", *AFTERWARDS),
    ),
    Scenario(
        "file",
        "its empty packet, also where it sends no file",
        (*LOAD, ("c", p(b"\3SELECT 1\n", 2) + p(b"\3SELECT 2\n", 3) + p(b"", 4)), ("s", ok(5, affected=2)), *AFTER),
        ("query LOAD DATA LOCAL = None/2", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "file",
        "its empty packet, also where it sends no file",
        (*LOAD, ("c", p(b"", 2)), ("s", error(b"no file", 3)), *AFTER),
        ("query LOAD DATA LOCAL = no file", *AFTERWARDS),
    ),
    Scenario(
        "file",
        "an error of the server, and the empty packet behind it",
        (
            *LOAD,
            ("c", p(b"a\n", 2)),
            ("s", error(b"full", 3)),
            ("c", p(b"\3SELECT 2\n", 3) + p(b"", 4) + AFTER[0][1]),
            *AFTER[1:],
        ),
        ("query LOAD DATA LOCAL = full", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "file",
        "a command, where the end was not captured",
        (*LOAD, ("c", p(b"a\n", 2)), ("s", ok(4, affected=1)), *AFTER),
        ("query LOAD DATA LOCAL = None/1", *AFTERWARDS),
    ),
    Scenario(
        "prepared statement",
        "COM_STMT_CLOSE",
        (*PREPARE, ("c", EXECUTE), ("s", rows(1)), ("c", CLOSE + EXECUTE), ("s", error(b"unknown", 1, 1243)), *AFTER),
        (PREPARED, "execute SELECT ? = 1/None", "execute = unknown", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "prepared statement",
        "COM_CHANGE_USER, not refused",
        (*PREPARE, ("c", p(b"\x11u2\0\0db\0")), ("s", ok()), ("c", EXECUTE), ("s", error(b"unknown", 1, 1243)), *AFTER),
        (PREPARED, "change_user = None/None", "execute = unknown", *AFTERWARDS),
    ),
    Scenario(
        "prepared statement",
        "COM_RESET_CONNECTION, not refused",
        (*PREPARE, ("c", p(b"\x1f")), ("s", ok()), ("c", EXECUTE), ("s", error(b"unknown", 1, 1243)), *AFTER),
        (PREPARED, "reset_connection = None/0", "execute = unknown", *AFTERWARDS),
    ),
    Scenario(
        "parameters sent ahead",
        "COM_STMT_EXECUTE",
        (*PREPARE, ("c", p(b"\x18\1\0\0\0\0\0ahead") + EXECUTE), ("s", rows(1)), *AFTER),
        (PREPARED, "execute SELECT ? = 1/None", *AFTERWARDS),
    ),
    Scenario(
        "parameters sent ahead",
        "COM_STMT_RESET",
        (*PREPARE, ("c", p(b"\x18\1\0\0\0\0\0ahead") + RESET), ("s", ok()), *AFTER),
        (PREPARED, "reset SELECT ? = None/0", *AFTERWARDS),
    ),
    Scenario(
        "cursor",
        "the last rows",
        (
            *PREPARE,
            ("c", EXECUTE),
            ("s", p(b"\1", 1) + p(b"\3def", 2) + eof(3, 0x42)),
            ("c", p(b"\x1c\1\0\0\0\2\0\0\0")),
            ("s", p(b"\0\0x", 1) + p(b"\0\0x", 2) + eof(3, 0x82)),
            *AFTER,
        ),
        (PREPARED, "execute SELECT ? = 0/None", "fetch SELECT ? = 2/None", *AFTERWARDS),
    ),
    Scenario(
        "cursor",
        "COM_STMT_CLOSE",
        (
            *PREPARE,
            ("c", EXECUTE),
            ("s", p(b"\1", 1) + p(b"\3def", 2) + eof(3, 0x42)),
            ("c", CLOSE + AFTER[0][1]),
            *AFTER[1:],
        ),
        (PREPARED, "execute SELECT ? = 0/None", *AFTERWARDS),
    ),
    Scenario(
        "dump",
        "EOF",
        (
            ("c", p(b"\x15replica")),
            ("s", ok()),
            ("c", p(b"\x12\4\0\0\0\0\0\1\0\0\0bin.1")),
            ("s", p(b"\0event", 1) + p(b"\0event", 2)),
            ("c", p(b"\xef\4\0\0\0")),
            ("s", p(b"\0event", 3) + eof(4)),
            *AFTER,
        ),
        ("register_slave = None/0", "binlog_dump = None/None", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "dump",
        "an error",
        (("c", p(b"\x1e\4\0\0\0\0\0\1\0\0\0bin.1")), ("s", p(b"\0event", 1) + error(b"purged", 2, 1236)), *AFTER),
        ("binlog_dump_gtid = None/None", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "dump",
        "an error",
        (("c", p(b"\x12\4\0\0\0\0\0\1\0\0\0bin.1")), ("s", error(b"no right", 1, 1227)), *AFTER),
        ("binlog_dump = no right", *AFTERWARDS),
    ),
    Scenario("over", "connection closes", (*AFTER, ("C", p(b"\1"))), AFTERWARDS),
    Scenario(
        "given up",
        "connection closes",
        (*LOGIN, *AFTER, ("S", error(b"idle", 0, 4031))),
        ("connect = None/None", *AFTERWARDS, "unknown = idle"),
    ),
)
