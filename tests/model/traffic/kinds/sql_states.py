"""Kind F in SQL: COPY and LOAD DATA, errors and what is skipped after them, prepared statements. What follows has its own answer."""

from __future__ import annotations

import struct
from random import Random

from traffic.connection import Exchange
from traffic.dialogues import Spoken, text
from traffic.kinds.drawing import Sample
from traffic.kinds.states import Line, played

Step = tuple[list[Exchange], list[Line]]
"""Lines of sqllog: command, statement, rows, rows changed, error."""


def _message(kind: bytes, body: bytes = b"") -> bytes:
    """PostgreSQL 15 documentation, section 55.7."""
    return kind + struct.pack("!I", 4 + len(body)) + body


def _zero(*texts: bytes) -> bytes:
    return b"".join(each + b"\0" for each in texts)


def _pg_error(code: bytes) -> bytes:
    return _message(b"E", _zero(b"SERROR", b"VERROR", b"C" + code, b"Mwent wrong") + b"\0")


READY = _message(b"Z", b"I")


def _pg_rows(count: int) -> bytes:
    head = _message(b"T", struct.pack("!H", 1) + _zero(b"a") + struct.pack("!IHIHIH", 0, 0, 25, 65535, 0, 0))
    row = _message(b"D", struct.pack("!HI", 1, 2) + b"xy")
    return head + row * count + _message(b"C", _zero(b"SELECT %d" % count))


def _pg_query(random: Random, tag: str) -> Step:
    """A simple query: rows, a change, or an error."""
    sql = f"SELECT {tag}"
    way = random.choice(["rows", "change", "error", "empty"])
    if way == "rows":
        count = random.randint(0, 4)
        answer, line = _pg_rows(count), ("query", sql, count, None, None)
    elif way == "change":
        sql = f"UPDATE {tag}"
        answer, line = _message(b"C", b"UPDATE 3\0"), ("query", sql, None, 3, None)
    elif way == "error":
        answer, line = _pg_error(b"42601"), ("query", sql, None, None, "42601")
    else:
        return [Exchange(_message(b"Q", b"\0"), _message(b"I") + READY)], [("query", ..., None, None, None)]
    return [Exchange(_message(b"Q", _zero(sql.encode())), answer + READY)], [line]


def _pg_copy_in(random: Random, tag: str) -> Step:
    """COPY FROM STDIN ends by CopyDone, by CopyFail, or by the server's error while data still come, which it then passes over."""
    sql = f"COPY {tag} FROM STDIN"
    begun = Exchange(_message(b"Q", _zero(sql.encode())), _message(b"G", b"\0\0\1\0\0"))
    data = b"".join(_message(b"d", text(random, random.randint(1, 300)) + b"\n") for _ in range(random.randint(0, 3)))
    way = random.choice(["done", "fail", "error"])
    if way == "done":
        answer, line = _message(b"C", b"COPY 2\0"), ("query", sql, None, 2, None)
        return [begun, Exchange(data + _message(b"c"), answer + READY)], [line]
    if way == "fail":
        failed = Exchange(data + _message(b"f", b"no more\0"), _pg_error(b"57014") + READY)
        return [begun, failed], [("query", sql, None, None, "57014")]
    odd = _message(b"d", b"odd\n")
    failed = Exchange(data + odd + _message(b"c"), _pg_error(b"22P02") + READY, enough=len(data) + len(odd))
    return [begun, failed], [("query", sql, None, None, "22P02")]


def _pg_copy_out(random: Random, tag: str) -> Step:
    """COPY TO STDOUT ends by CopyDone and the command's tag, or by an error."""
    sql = f"COPY {tag} TO STDOUT"
    data = _message(b"H", b"\0\0\1\0\0") + _message(b"d", b"line\n") * random.randint(0, 3)
    if random.random() < 0.7:
        answer, line = data + _message(b"c") + _message(b"C", b"COPY 2\0"), ("query", sql, ..., ..., None)
    else:
        answer, line = data + _pg_error(b"57014"), ("query", sql, ..., ..., "57014")
    return [Exchange(_message(b"Q", _zero(sql.encode())), answer + READY)], [line]


def _pg_extended(random: Random, tag: str) -> Step:
    """Parse, Bind, Execute, Sync without a name. After an error the server skips up to Sync."""
    sql = f"SELECT {tag}"
    parse = _message(b"P", _zero(b"", sql.encode()) + b"\0\0")
    bind = _message(b"B", _zero(b"", b"") + b"\0\0\0\0\0\0")
    asked = parse + bind + _message(b"E", b"\0" + bytes(4)) + _message(b"S")
    if random.random() < 0.6:
        row = _message(b"D", struct.pack("!HI", 1, 2) + b"xy")
        answer = _message(b"1") + _message(b"2") + row + _message(b"C", b"SELECT 1\0") + READY
        return [Exchange(asked, answer)], [("execute", sql, 1, None, None)]
    return [Exchange(asked, _pg_error(b"42601") + READY)], [("prepare", sql, None, None, "42601")]


def postgres_states(random: Random) -> Sample:
    """One PostgreSQL connection through these, in any order."""
    startup = struct.pack("!I", 196608) + _zero(b"user", b"me", b"database", b"shop") + b"\0"
    hello = Exchange(
        struct.pack("!I", 4 + len(startup)) + startup,
        _message(b"R", bytes(4)) + _message(b"S", _zero(b"server_version", b"15.4")) + READY,
    )
    exchanges: list[Exchange] = [hello]
    lines: list[Line] = [("connect", None, None, None, None)]
    for i in range(random.randint(2, 6)):
        step = random.choice([_pg_query, _pg_query, _pg_copy_in, _pg_copy_in, _pg_copy_out, _pg_extended])
        more, said = step(random, f"t{i}")
        exchanges += more
        lines += said
    return played(random, Spoken("sql", 5432, tuple(exchanges), tuple(lines)), are_logs_whole=False)


def _packet(number: int, body: bytes) -> bytes:
    """MySQL's client/server protocol, "MySQL Packets"."""
    return struct.pack("<I", len(body))[:3] + bytes([number & 255]) + body


def _my_ok(number: int, changed: int = 0) -> bytes:
    return _packet(number, b"\0" + bytes([changed]) + b"\0\2\0\0\0")


def _my_error(number: int) -> bytes:
    return _packet(number, b"\xff" + struct.pack("<H", 1064) + b"#42000went wrong")


def _my_rows(random: Random, number: int, count: int) -> bytes:
    """A result of one column, ended by EOF packets."""
    column = b"".join(bytes([len(word)]) + word for word in (b"def", b"", b"t", b"t", b"a", b"a"))
    column += b"\x0c" + struct.pack("<HIBHB", 33, 80, 0xFD, 0, 0) + b"\0\0"
    eof = b"\xfe\0\0\2\0"
    bodies = [b"\1", column, eof, *(b"\3" + text(random, 3) for _ in range(count)), eof]
    return b"".join(_packet(number + i, body) for i, body in enumerate(bodies))


def _my_query(random: Random, tag: str) -> Step:
    """COM_QUERY: rows, a change, or an error."""
    sql = f"SELECT {tag}"
    way = random.choice(["rows", "change", "error"])
    if way == "rows":
        count = random.randint(0, 4)
        answer, line = _my_rows(random, 1, count), ("query", sql, count, None, None)
    elif way == "change":
        answer, line = _my_ok(1, 3), ("query", sql, None, 3, None)
    else:
        answer, line = _my_error(1), ("query", sql, None, None, 1064)
    return [Exchange(_packet(0, b"\3" + sql.encode()), answer)], [line]


def _my_load(random: Random, tag: str) -> Step:
    """LOAD DATA LOCAL: the server asks for the file, an empty packet ends it, and then it answers."""
    sql = f"LOAD DATA LOCAL INFILE 'f' INTO TABLE {tag}"
    asked = Exchange(_packet(0, b"\3" + sql.encode()), _packet(1, b"\xfbf"))
    parts = [text(random, random.randint(1, 400)) for _ in range(random.randint(0, 3))] + [b""]
    data = b"".join(_packet(2 + i, part) for i, part in enumerate(parts))
    number = 2 + len(parts)
    if random.random() < 0.7:
        return [asked, Exchange(data, _my_ok(number, 7))], [("query", sql, None, 7, None)]
    return [asked, Exchange(data, _my_error(number))], [("query", sql, None, None, 1064)]


def _my_other(random: Random, tag: str) -> Step:
    """COM_PING, COM_INIT_DB, COM_RESET_CONNECTION: an OK each; and COM_STMT_CLOSE, which has no answer."""
    del tag
    code = random.choice([b"\x0e", b"\2shop", b"\x1f"])
    quiet = _packet(0, b"\x19\1\0\0\0") if random.random() < 0.3 else b""
    return [Exchange(quiet + _packet(0, code), _my_ok(1))], []


def mysql_states(random: Random) -> Sample:
    """One MySQL connection through these, in any order."""
    flags = (
        0x0281A285  # PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, TRANSACTIONS, LOCAL_FILES, CONNECT_WITH_DB and others
    )
    flags &= ~0x01000000  # EOF packets are sent
    greeting = (
        b"\x0a8.0.36\0"
        + struct.pack("<I", 9)
        + b"abcdefgh\0"
        + struct.pack("<HBHH", flags & 0xFFFF, 33, 2, flags >> 16)
    )
    greeting += b"\x15" + bytes(10) + b"ijklmnopqrst\0mysql_native_password\0"
    login = struct.pack("<IIB", flags & ~8, 1 << 24, 33) + bytes(23) + b"me\0" + b"\0" + b"mysql_native_password\0"
    exchanges = [Exchange(b"", _packet(0, greeting)), Exchange(_packet(1, login), _my_ok(2))]
    lines: list[Line] = [("connect", None, ..., ..., None)]
    for i in range(random.randint(2, 6)):
        more, said = random.choice([_my_query, _my_query, _my_load, _my_other])(random, f"t{i}")
        exchanges += more
        lines += said
    return played(random, Spoken("sql", 3306, tuple(exchanges), tuple(lines)), are_logs_whole=False)


SQL_MODES = {"postgres states": postgres_states, "mysql states": mysql_states}
