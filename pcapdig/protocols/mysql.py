"""MySQL and MariaDB: logins, statements as text and prepared, rows, errors.

In: turns. Out: `SqlCall`. Source: MySQL Source Code Documentation, "Client/Server Protocol" (Connection Phase, Command Phase), MariaDB
knowledge base, "Client/Server Protocol". A connection that turns to TLS is not read from there on; mysql_compression.py is below one that is
compressed. Clients of before 4.1 are read too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pcapdig.protocols.conversation import Dialogue, Moment
from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.mysql_answers import AnswerReader, read_error, read_packet
from pcapdig.protocols.mysql_compression import Unpacker, opening
from pcapdig.protocols.mysql_logins import Login, is_response, read_change_user
from pcapdig.protocols.mysql_packets import Bytes, CutPacketError, read_value
from pcapdig.protocols.mysql_states import STATES
from pcapdig.protocols.remembered import Remembered
from pcapdig.protocols.sql import (
    STATEMENT_KEPT,
    STATEMENTS_BYTES,
    STATEMENTS_LIMIT,
    VALUE_KEPT,
    SqlAnswer,
    SqlCall,
    Value,
)

if TYPE_CHECKING:
    from pcapdig.protocols.conversation import Turn
    from pcapdig.protocols.inbox import Inbox, Reading

__all__ = ["STATES", "MysqlDialogue", "begin", "starts"]

_PARAMETERS_LIMIT = 65_535
_RECORDS_LIMIT = 10_000
"""Commands told of one compressed turn. Clients wait for answers; more was made to fill memory, and is not read on."""
_LAST_PREPARED = 0xFFFFFFFF
"""MariaDB's id of the statement prepared last, so that it can be executed before its id is known."""
_NO_ANSWER = {0x01: "quit", 0x18: "send_long_data", 0x19: "close"}
_NAMES = {
    0x02: "init_db", 0x03: "query", 0x04: "field_list", 0x05: "create_db", 0x06: "drop_db", 0x07: "refresh", 0x08: "shutdown",
    0x09: "statistics", 0x0A: "process_info", 0x0C: "process_kill", 0x0D: "debug", 0x0E: "ping", 0x11: "change_user", 0x16: "prepare",
    0x17: "execute", 0x1A: "reset", 0x1B: "set_option", 0x1C: "fetch", 0x1F: "reset_connection", 0xFA: "bulk_execute", 0x12: "binlog_dump",
    0x13: "table_dump", 0x15: "register_slave", 0x1D: "daemon", 0x1E: "binlog_dump_gtid",
}  # fmt: skip
_BY_ID = {0x17, 0x18, 0x19, 0x1A, 0x1C, 0xFA}
_REFUSALS = {1040, 1129, 1130, 1203}
"""Errors in place of a greeting: too many connections, host blocked, host not allowed, too many of the user."""
_SEMISYNC = 0xEF
"""With this byte a replica acknowledges an event of a dump (semi-synchronous replication), which has no answer."""
_LONG_BYTES = 1 << 20
"""Bytes kept of all parameters that were sent ahead, of all statements of a connection together."""

_COMMAND = re.compile(
    rb"\x02[!-~]{1,64}|[\x03\x16](?:\x00\x01)?[\s(]*(?:[A-Za-z]{2,20}\b|/\*|--|#)|\x17.{4}[\x00-\x0f]\x01\x00\x00\x00",
    re.DOTALL,
)
"""A command by which a connection is recognised in its midst: with a text, or COM_STMT_EXECUTE with its count that is always 1."""


class _Command(NamedTuple):
    moment: Moment | None
    code: int
    name: str
    statement: str
    prepared: _Prepared | None = None
    payload: bytes = b""
    """Of execute, with its parameters."""
    long_data: dict[int, bytes] | None = None


@dataclass(slots=True)
class _Prepared:
    statement: str
    parameter_count: int = 0
    types: tuple[int, ...] = ()
    long_data: dict[int, bytes] = field(default_factory=dict)
    """Beginnings of parameters sent ahead of the next execute, by their index."""


def begin(data: bytes, *, from_client: bool) -> MysqlDialogue | None:
    """A dialogue, if one begins here, or is seen to go on."""
    if starts(data, from_client=from_client):
        return MysqlDialogue()
    is_compressed = from_client and starts(opening(data), from_client=True)
    return MysqlDialogue(is_compressed=True) if is_compressed else None


def starts(data: bytes, *, from_client: bool) -> bool:
    """A server's greeting begins here (protocol version 10), or its refusal; or a client's login, or a command known by its content."""
    if len(data) < 6:
        return False
    if from_client and data[3] == 1:
        return is_response(data[4 : 4 + int.from_bytes(data[:3], "little")])
    if data[3] != 0:
        return False
    size = int.from_bytes(data[:3], "little")
    if from_client:
        return 1 < size <= len(data) - 4 and _COMMAND.match(data, 4) is not None
    if data[4] == 0xFF:
        return size == len(data) - 4 and int.from_bytes(data[5:7], "little") in _REFUSALS
    end = data.find(b"\0", 5, 80)
    return data[4] == 10 and 32 < size < 512 and end > 5 and data[5:end].isascii()


class MysqlDialogue(Dialogue[SqlCall, _Command]):
    """Reads one connection. Begun in the midst of one, it knows neither user nor what was prepared before."""

    def __init__(self, *, is_compressed: bool = False) -> None:
        """`is_compressed`: its login, which was not captured, asked for it."""
        super().__init__()
        self._unpackers = {True: Unpacker(), False: Unpacker()} if is_compressed else None
        self._login = Login()
        self._is_logging_in = False
        self._reader: AnswerReader | None = None
        self._prepared: Remembered[int, _Prepared] = Remembered(STATEMENTS_LIMIT, STATEMENTS_BYTES)
        self._long_bytes = 0
        self._last_prepared: _Prepared | None = None
        self._is_greeted = False

    @property
    def is_idle(self) -> bool:
        """User and prepared statements are remembered until the client leaves."""
        return False

    def feed(self, turn: Turn) -> list[SqlCall]:
        """Read the next message; without its compression, which begins with the first command."""
        if turn.from_client and self._login.is_compressed and not self._unpackers and turn.data[3:4] == b"\0":
            self._unpackers = {True: Unpacker(), False: Unpacker()}
        if not self._unpackers:
            return super().feed(turn)
        found = list[SqlCall]()
        for inner in self._unpackers[turn.from_client].feed(turn):
            if inner is None:
                self.lose_place(turn.from_client)
            else:
                found += super().feed(inner)
            if len(found) > _RECORDS_LIMIT:
                self.is_over = True
                break
        return found + super().feed(turn._replace(data=b"", gaps=()))

    def begins(self, data: bytes, *, asks: bool) -> bool:
        """As a connection is recognised in its midst. An answer has nothing that is sure."""
        return asks and starts(data, from_client=True)

    def unanswered(self, asked: _Command) -> SqlCall:
        """A command alone."""
        return self._call(asked)

    def asking(self, inbox: Inbox) -> Reading[None]:
        """The login, then commands."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            sequence, payload, size = yield from read_packet(inbox, STATEMENT_KEPT)
            try:
                if self._is_file(sequence, size):
                    continue
                if (sequence and self._is_logging_in and not self.open) or (sequence == 1 and is_response(payload)):
                    self._read_login(moment, payload)
                elif sequence and self.open and self.open[0].name in ("connect", "change_user"):
                    self._login.hear(payload)
                elif sequence == 0 and payload:
                    self._read_command(moment, payload)
            except CutPacketError:
                raise LostPlaceError from None
            if self.is_over:
                return

    def _is_file(self, sequence: int, size: int) -> bool:
        """A packet of the file that LOAD DATA LOCAL INFILE sends, or the empty one behind it, which comes also where the server has given up.

        Numbers of packets go on from the server's; one that begins anew is a command, so the file's end was not captured.
        """
        reader = self._reader
        if reader is None or reader.file_number is None:
            return False
        is_next = sequence == reader.file_number
        if not is_next and reader.is_done and sequence == 0:
            reader.file_number = None
            return False
        reader.file_number = (sequence + 1) & 0xFF if size else None
        return True

    def answering(self, inbox: Inbox) -> Reading[None]:
        """The greeting, then answers."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            if not self.open:
                yield from inbox.look(5)
            if not self.open and inbox.peek(5)[3:] == b"\0\n":
                yield from self._greeting(inbox)
                continue
            if not self.open and inbox.peek(5)[3:] == b"\0\xff":
                yield from self._refusal(inbox, moment)
                return
            is_known = bool(self.open) or not self.is_between(True)
            reader = AnswerReader(self.open[0].name if self.open else "", self._login)
            if self._reader is None or self._reader.file_number is None:
                self._reader = reader
            answer = yield from reader.read(inbox)
            reader.is_done = True
            if answer is None:
                continue
            if self.open and self.open[0].prepared and reader.prepared is not None and not answer.error:
                self._remember(self.open[0].prepared, reader)
            if answer.error is None and self.open and self.open[0].name in ("change_user", "reset_connection"):
                self._prepared.clear()
                self._long_bytes = 0
                self._last_prepared = None
            self.answer(partial(self._call, answered=moment, answer=answer))
            if reader.streams:
                yield from reader.read_stream(inbox)
            if not is_known:
                inbox.clear()  # how it is laid out is not known, so neither is where it ends

    def _remember(self, prepared: _Prepared, reader: AnswerReader) -> None:
        """A statement by the id that the server gave it."""
        assert reader.prepared is not None
        prepared.parameter_count = reader.parameter_count
        self._prepared.put(reader.prepared, prepared, len(prepared.statement))

    def _after_loss(self, asks: bool) -> None:
        super()._after_loss(asks)
        if not asks and self._reader is not None:
            self._reader.is_done = True
            self.is_over |= self._reader.streams  # events look like answers

    def _greeting(self, inbox: Inbox) -> Reading[None]:
        _, payload, _ = yield from read_packet(inbox, 512)
        self._login = Login()
        try:
            self._login.greet(payload)
        except CutPacketError:
            raise LostPlaceError from None
        self._is_logging_in = self._is_greeted = True

    def _refusal(self, inbox: Inbox, moment: Moment) -> Reading[None]:
        """An error that nobody asked for: in place of the greeting, or later, where the server closes the connection (shut down, killed, idle)."""
        _, payload, _ = yield from read_packet(inbox, 1024)
        try:
            answer = SqlAnswer(error=read_error(payload))
        except CutPacketError:
            raise LostPlaceError from None
        is_connect = not self._is_greeted and answer.error is not None and answer.error.code in _REFUSALS
        self.tell(self._call(_Command(None, 0, "connect" if is_connect else "unknown", ""), moment, answer))
        self.is_over = True

    def _read_login(self, moment: Moment, payload: bytes) -> None:
        """The client's response to the greeting."""
        self._is_logging_in = False
        if not self._login.respond(payload):
            self.is_over = True
            return
        self.open.append(_Command(moment, 0, "connect", ""))

    def _read_command(self, moment: Moment, payload: bytes) -> None:
        """One command."""
        code = payload[0]
        if code == _SEMISYNC and self._reader and self._reader.streams:
            return
        prepared = self._find_prepared(payload)
        if code == 0x19 and prepared:
            self._prepared.forget(int.from_bytes(payload[1:5], "little"))
        elif code == 0x18 and prepared and len(payload) >= 7:
            index = int.from_bytes(payload[5:7], "little")
            known = prepared.long_data.get(index, b"")
            more = payload[7 : 7 + max(min(VALUE_KEPT - len(known), _LONG_BYTES - self._long_bytes), 0)]
            prepared.long_data[index] = known + more
            self._long_bytes += len(more)
        elif code == 0x01:
            self.is_over = True
        if code in _NO_ANSWER:
            return
        if code not in _NAMES:
            raise LostPlaceError
        name, statement = _NAMES[code], ""
        if code in (0x02, 0x05, 0x06):
            statement = payload[1:].decode("utf-8", "replace")
        elif code == 0x04:
            statement = payload[1:].partition(b"\0")[0].decode("utf-8", "replace")
        elif code == 0x03:
            statement = self._query_text(payload)
        elif code == 0x16:
            statement = payload[1:].decode("utf-8", "replace")
            prepared = self._last_prepared = _Prepared(statement)
        elif code == 0x11:
            self._login.user, self._login.database = read_change_user(payload)
        elif prepared:
            statement = prepared.statement
        command = _Command(moment, code, name, statement, prepared, payload if code == 0x17 else b"")
        if prepared and code in (0x17, 0x1A):
            command = command._replace(long_data=prepared.long_data)
            self._long_bytes -= sum(map(len, prepared.long_data.values()))
            prepared.long_data = {}
        self.ask(command)

    def _find_prepared(self, payload: bytes) -> _Prepared | None:
        """The statement that a command names by its id."""
        if payload[0] not in _BY_ID or len(payload) < 5:
            return None
        number = int.from_bytes(payload[1:5], "little")
        return self._last_prepared if number == _LAST_PREPARED else self._prepared.get(number)

    def _query_text(self, payload: bytes) -> str:
        """The statement of COM_QUERY; what query attributes may stand before it is passed over."""
        data = Bytes(payload, 1)
        if self._login.has_attributes:
            count = data.length()
            data.length()
            if count:
                self._values(data, count, (), are_named=True, long_data={})
        elif payload[1:3] == b"\0\1":  # in the midst of a connection: no attributes, one set
            data.take(2)
        return data.rest().decode("utf-8", "replace")

    def _parameters(self, command: _Command) -> tuple[Value, ...] | None:
        """The parameters of COM_STMT_EXECUTE, up to where the packet was cut."""
        prepared = command.prepared
        if prepared is None or command.code != 0x17:
            return None
        try:
            data = Bytes(command.payload, 5)
            flags = data.integer(1)
            data.take(4)
            count, are_named = prepared.parameter_count, False
            if self._login.has_attributes and flags & 8:
                count, are_named = data.length(), True
            values, prepared.types = self._values(
                data, count, prepared.types, are_named=are_named, long_data=command.long_data or {}
            )
        except CutPacketError:
            return ()
        return values[: prepared.parameter_count]

    def _values(
        self, data: Bytes, count: int, types: tuple[int, ...], *, are_named: bool, long_data: dict[int, bytes]
    ) -> tuple[tuple[Value, ...], tuple[int, ...]]:
        """Null bitmap, types where they are sent, values; those sent ahead are not among them."""
        if not 0 < count <= _PARAMETERS_LIMIT:
            return (), types
        nulls = data.take((count + 7) // 8)
        if data.integer(1):
            sent = []
            for _ in range(count):
                sent.append(data.integer(2))
                if are_named:
                    data.string()
            types = tuple(sent)
        values: list[Value] = []
        try:
            for index, kind in enumerate(types[:count]):
                if index in long_data:
                    values.append(long_data[index].decode("utf-8", "replace"))
                else:
                    is_null = nulls[index // 8] >> index % 8 & 1
                    values.append(None if is_null else read_value(data, kind))
        except CutPacketError:
            pass
        return tuple(values), types

    def _call(
        self, command: _Command | None, answered: Moment | None = None, answer: SqlAnswer | None = None
    ) -> SqlCall:
        is_login = command is not None and command.name == "connect"
        return SqlCall(
            asked=command.moment if command else None,
            answered=answered,
            product="mysql",
            command=command.name if command else "unknown",
            statement=command.statement if command else "",
            parameters=self._parameters(command) if command else None,
            user=self._login.user,
            database=self._login.database,
            answer=answer,
            secret=self._login.secret if is_login else None,
        )
