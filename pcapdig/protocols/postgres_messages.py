"""PostgreSQL's messages: their frames, how a connection or a side of it is recognised, and the texts inside them.

In: bytes. Out: types, sizes, fields. Source: PostgreSQL 15 documentation, sections 55.2 (flow), 55.7 (formats), 55.8 (error fields).
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.sql import VALUE_KEPT, SqlError

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

ASKED = frozenset(b"QPBDECSHFpdcfX")
"""Types of a client's messages, but for the first, which has none."""
ANSWERED = frozenset(b"RKSNAZTDCIE123nstGHWdcVv")
"""Types of a server's messages."""
SSL, GSS, CANCEL = 80877103, 80877104, 80877102
"""Codes in the place of a startup message's version: 1234 in the high half."""
_SIZE_LIMIT = 1 << 30
"""Bytes of a message; PostgreSQL allocates no more (MaxAllocSize)."""
_STARTUP_LIMIT = 10_000
"""MAX_STARTUP_PACKET_LENGTH."""
_WALK_LIMIT = 64
"""Messages looked at to recognise a side."""
_SQL = re.compile(rb"[\s(;]*(?:[A-Za-z]{2,20}\b|/\*|--)")
_READY = re.compile(rb"Z\0\0\0\x05[ITE]\Z")
_TAG = re.compile(r"([A-Z]+(?: [A-Z]+)*)(?: [0-9]+)??(?: ([0-9]{1,20}))?")


def said_by_client(data: bytes) -> bool | None:
    """Which side says this at the beginning of a turn: True, the one that asks; False, the server; None: it is not PostgreSQL.

    A startup message is certain. In the midst of a connection a chain of whole messages is asked for, that begins with SQL text or
    ends as a turn ends: Sync or Flush, ReadyForQuery.
    """
    if data[:2] == b"\0\0":
        return True if _startup_code(data) is not None else None
    if data[:1] == b"Q":
        return True if _is_query(data) else None
    kinds, end = _walk(data, ASKED)
    if (
        kinds
        and kinds[0] in b"PBEDC"
        and ((end == len(data) and kinds[-1] in b"SHX") or (kinds[0] in b"P" and _is_parse(data)))
    ):
        return True
    kinds, end = _walk(data, ANSWERED)
    is_long = len(kinds) >= 2 and end > len(data) and kinds[0] in b"12tTDC"
    if kinds and (is_long or (end == len(data) and _READY.search(data))):
        return False
    return None


def _startup_code(data: bytes) -> int | None:
    """The code of an untyped message, if its size agrees."""
    if len(data) < 8:
        return None
    size, code = struct.unpack_from(">II", data)
    if code >> 16 == 3 and 9 <= size <= min(len(data), _STARTUP_LIMIT):
        return int(code) if data[size - 1] == 0 else None
    return int(code) if (size, code) in ((8, SSL), (8, GSS), (16, CANCEL)) else None


def _is_query(data: bytes) -> bool:
    """A simple query whose text begins as SQL does, and ends with its only NUL."""
    size = int.from_bytes(data[1:5])
    text = data[5 : size + 1]
    if not 5 < size < _SIZE_LIMIT or not _SQL.match(text):
        return False
    return text.find(b"\0") == (size - 5 if len(data) > size else -1)


def _is_parse(data: bytes) -> bool:
    """A Parse message: a name, then SQL text."""
    name_end = data.find(b"\0", 5, 5 + 128)
    return name_end >= 0 and int.from_bytes(data[1:5]) > 8 and _SQL.match(data, name_end + 1) is not None


def _walk(data: bytes, known: frozenset[int]) -> tuple[bytes, int]:
    """Types of the messages at the beginning, and where the last one ends, perhaps beyond the data; none if one is wrong."""
    kinds, at = bytearray(), 0
    while at + 5 <= len(data) and len(kinds) < _WALK_LIMIT:
        size = int.from_bytes(data[at + 1 : at + 5])
        if data[at] not in known or not 4 <= size < _SIZE_LIMIT:
            return b"", 0
        kinds.append(data[at])
        at += 1 + size
    if len(kinds) == _WALK_LIMIT:
        return bytes(kinds), len(data) + 1
    return bytes(kinds), at if at == len(data) or at > len(data) else -1


def read_message(inbox: Inbox, known: frozenset[int], keep: int) -> Reading[tuple[int, bytes]]:
    """Type and first bytes of a message.

    Raises:
        LostPlaceError: it is of no known type, or longer than any.
    """
    head = yield from inbox.exactly(5)
    kind, size = head[0], int.from_bytes(head[1:])
    if kind not in known or not 4 <= size < _SIZE_LIMIT:
        raise LostPlaceError
    return kind, (yield from inbox.prefix(size - 4, keep))


def read_startup(inbox: Inbox) -> Reading[tuple[int, dict[str, str]]]:
    """A message without a type: its code, and the settings of a startup message."""
    size, code = struct.unpack(">II", (yield from inbox.exactly(8)))
    if not 8 <= size <= _STARTUP_LIMIT or (code >> 16 != 3 and code not in (SSL, GSS, CANCEL)):
        raise LostPlaceError
    words = [word.decode("utf-8", "replace") for word in (yield from inbox.exactly(size - 8)).split(b"\0")]
    return code, dict(zip(words[::2], words[1::2], strict=False)) if code >> 16 == 3 else {}


def read_error(data: bytes) -> SqlError:
    """ErrorResponse: a letter and a text, as many as there are. V is the severity that is never translated (since 9.6)."""
    fields = {field[:1]: field[1:].decode("utf-8", "replace") for field in data.split(b"\0") if field}
    severity = fields.get(b"V") or fields.get(b"S", "")
    return SqlError(code=None, severity=severity, state=fields.get(b"C", ""), message=fields.get(b"M", ""))


def read_tag(data: bytes) -> tuple[str, int | None]:
    """CommandComplete: the command's words, and its number of rows: `INSERT 0 5`, `SELECT 7`, `CREATE TABLE`."""
    tag = _TAG.fullmatch(data.partition(b"\0")[0].decode("utf-8", "replace"))
    return (tag[1], int(tag[2]) if tag[2] else None) if tag else ("", None)


def read_types(data: bytes) -> tuple[int, ...]:
    """A count of 16 bits, then so many type numbers; fewer if they are cut."""
    count = min(int.from_bytes(data[:2]), (len(data) - 2) // 4)
    return struct.unpack_from(f">{count}I", data, 2) if count > 0 else ()


def read_bind(data: bytes) -> tuple[str, str, tuple[int, ...], tuple[bytes | None, ...]]:
    """Bind: names of portal and statement, formats, values as sent; values that are cut so early that it shows are left out."""
    portal, statement, rest = (*data.split(b"\0", 2), b"", b"")[:3]
    formats, values = tuple[int, ...](), list[bytes | None]()
    at = 2 + 2 * int.from_bytes(rest[:2])
    if len(rest) >= at + 2:
        formats = struct.unpack_from(f">{at // 2 - 1}H", rest, 2)
        count = int.from_bytes(rest[at : at + 2])
        at += 2
        for _ in range(count):
            size = int.from_bytes(rest[at : at + 4], signed=True)
            left = len(rest) - at - 4
            if (left < size and left < VALUE_KEPT) or left < 0:
                break
            values.append(rest[at + 4 : at + 4 + size] if size >= 0 else None)
            at += 4 + max(size, 0)
    return _name(portal), _name(statement), formats, tuple(values)


def _name(data: bytes) -> str:
    return data.decode("utf-8", "replace")
