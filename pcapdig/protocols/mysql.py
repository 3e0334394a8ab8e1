"""MySQL and MariaDB: logins, statements as text and prepared, rows, errors.

In: turns. Out: `SqlCall`. Source: MySQL Source Code Documentation, "Client/Server Protocol" (Connection Phase, Command Phase), MariaDB
knowledge base, "Client/Server Protocol". A connection that turns to TLS or to the compressed protocol is not read from there on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pcapdig.protocols.conversation import Dialogue, Moment, Record
from pcapdig.protocols.inbox import LostPlaceError
from pcapdig.protocols.mysql_answers import Answer, AnswerReader, read_packet
from pcapdig.protocols.mysql_packets import Bytes, CutPacketError, Value, read_value

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

STATEMENT_KEPT = 16 << 10
"""Bytes kept of one statement."""
STATEMENTS_LIMIT = 4096
"""Prepared statements remembered of one connection; the oldest is forgotten first."""
_PARAMETERS_LIMIT = 65_535
_SSL, _COMPRESS, _ATTRIBUTES, _ZSTD = 0x800, 0x20, 1 << 27, 1 << 26
_PLUGIN_LENENC, _SECURE, _WITH_DB = 1 << 21, 1 << 15, 1 << 3
_NO_ANSWER = {0x01: "quit", 0x18: "send_long_data", 0x19: "close"}
_NAMES = {
    0x02: "init_db", 0x03: "query", 0x04: "field_list", 0x05: "create_db", 0x06: "drop_db", 0x07: "refresh", 0x08: "shutdown",
    0x09: "statistics", 0x0A: "process_info", 0x0C: "process_kill", 0x0D: "debug", 0x0E: "ping", 0x11: "change_user", 0x16: "prepare",
    0x17: "execute", 0x1A: "reset", 0x1B: "set_option", 0x1C: "fetch", 0x1F: "reset_connection", 0xFA: "bulk_execute",
}  # fmt: skip
_STREAMS = {0x12, 0x13, 0x1E, 0x1D}  # binlog and table dumps, daemon: no more questions and answers

_TEXT_COMMAND = re.compile(rb"\x02[!-~]{1,64}|[\x03\x16](?:\x00\x01)?[\s(]*(?:[A-Za-z]{2,20}\b|/\*|--|#)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlCall(Record):
    """A command and its answer; a login is one too."""

    command: str
    """connect, query, prepare, execute, init_db, ping, ...; unknown where only the answer was captured."""
    statement: str
    """The SQL text, at most STATEMENT_KEPT bytes of it; of execute that of its prepare, if captured; the database's name for init_db."""
    parameters: tuple[Value, ...] | None
    """Of execute, as far as they can be read; None: not of execute, or the prepare was not captured."""
    user: str | None
    """Who logged in, None: the login is not in the capture."""
    database: str | None
    """Database of the login."""
    answer: Answer | None


class _Command(NamedTuple):
    moment: Moment
    code: int
    name: str
    statement: str
    parameters: tuple[Value, ...] | None = None


@dataclass(slots=True)
class _Prepared:
    statement: str
    parameter_count: int
    types: tuple[int, ...] = ()


def starts(data: bytes, *, from_client: bool) -> bool:
    """A server's greeting begins here (protocol version 10), or a client's command that holds a text."""
    if len(data) < 6 or data[3] != 0:
        return False
    size = int.from_bytes(data[:3], "little")
    if from_client:
        return 1 < size <= len(data) - 4 and _TEXT_COMMAND.match(data, 4) is not None
    end = data.find(b"\0", 5, 80)
    return data[4] == 10 and 32 < size < 512 and end > 5 and data[5:end].isascii()


class MysqlDialogue(Dialogue[SqlCall, _Command]):
    """Reads one connection. Begun in the midst of one, it knows neither user nor what was prepared before."""

    def __init__(self) -> None:
        super().__init__()
        self._user: str | None = None
        self._database: str | None = None
        self._has_attributes = False
        self._has_logged_in = True
        self._is_compressed = False
        self._prepared: dict[int, _Prepared] = {}

    @property
    def is_idle(self) -> bool:
        """User and prepared statements are remembered until the client leaves."""
        return False

    def unanswered(self, asked: _Command) -> SqlCall:
        """A command alone."""
        return self._call(asked, None, None)

    def asking(self, inbox: Inbox) -> Reading[None]:
        """The login, then commands."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            sequence, payload, _ = yield from read_packet(inbox, STATEMENT_KEPT)
            try:
                if sequence == 0 and payload:
                    self._read_command(moment, payload)
                elif not self._has_logged_in:
                    self._read_login(moment, payload)
            except CutPacketError:
                raise LostPlaceError from None
            if self.is_over:
                return

    def answering(self, inbox: Inbox) -> Reading[None]:
        """The greeting, then answers."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            is_greeting = not self.open and inbox.peek()[3:5] == b"\0\n"
            if is_greeting:
                yield from read_packet(inbox, 512)
                self._has_logged_in = False
                continue
            reader = AnswerReader(self.open[0].name if self.open else "")
            answer = yield from reader.read(inbox)
            if answer is None:
                continue
            command = self.next_open()
            if command and command.name == "prepare" and answer.prepared is not None and not answer.error:
                self._prepared[answer.prepared] = _Prepared(command.statement, answer.parameter_count)
                if len(self._prepared) > STATEMENTS_LIMIT:
                    del self._prepared[next(iter(self._prepared))]
            self.tell(self._call(command, moment, answer))

    def _read_login(self, moment: Moment, payload: bytes) -> None:
        """Handshake response (HandshakeResponse41); a TLS request is its first 32 bytes."""
        data = Bytes(payload)
        flags = data.integer(4)
        if not flags & 0x200:
            self.is_over = True  # before MySQL 4.1
            return
        if flags & _SSL and len(payload) == 32:
            self.is_over = True
            return
        data.take(28)
        self._user = data.until_zero()
        secret = data.length() if flags & _PLUGIN_LENENC else data.integer(1) if flags & _SECURE else None
        if secret is None:
            data.until_zero()
        else:
            data.take(secret)
        self._database = (data.until_zero() or None) if flags & _WITH_DB and data.at < len(payload) else None
        self._has_attributes = bool(flags & _ATTRIBUTES)
        self._has_logged_in = True
        self.open.append(_Command(moment, 0, "connect", ""))
        self._is_compressed = bool(flags & (_COMPRESS | _ZSTD))

    def _read_command(self, moment: Moment, payload: bytes) -> None:
        """One command."""
        code = payload[0]
        if code in _STREAMS:
            self.is_over = True
            return
        if code == 0x19 and len(payload) >= 5:
            self._prepared.pop(int.from_bytes(payload[1:5], "little"), None)
        if code == 0x01:
            self.is_over = True
        if code in _NO_ANSWER:
            return
        if code not in _NAMES:
            raise LostPlaceError
        name, statement, parameters = _NAMES[code], "", None
        if code in (0x02, 0x05, 0x06, 0x16):
            statement = payload[1:].decode("utf-8", "replace")
        elif code == 0x03:
            statement = self._query_text(payload)
        elif code == 0x11:
            self._user = Bytes(payload, 1).until_zero()
        elif code in (0x17, 0xFA, 0x1C) and len(payload) >= 5:
            prepared = self._prepared.get(int.from_bytes(payload[1:5], "little"))
            if prepared:
                statement = prepared.statement
                parameters = self._parameters(prepared, payload) if code == 0x17 else None
        self.open.append(_Command(moment, code, name, statement, parameters))

    def _query_text(self, payload: bytes) -> str:
        """The statement of COM_QUERY; what query attributes may stand before it is passed over."""
        data = Bytes(payload, 1)
        if self._has_attributes:
            count = data.length()
            data.length()
            if count:
                self._values(data, count, (), are_named=True)
        elif payload[1:3] == b"\0\1":  # in the midst of a connection: no attributes, one set
            data.take(2)
        return data.rest().decode("utf-8", "replace")

    def _parameters(self, prepared: _Prepared, payload: bytes) -> tuple[Value, ...]:
        """The parameters of COM_STMT_EXECUTE, up to where the packet was cut."""
        data = Bytes(payload, 5)
        flags = data.integer(1)
        data.take(4)
        count, are_named = prepared.parameter_count, False
        if self._has_attributes and (count or flags & 8):
            if flags & 8:
                count, are_named = data.length(), True
            elif not count:
                return ()
        values, types = self._values(data, count, prepared.types, are_named=are_named)
        prepared.types = types
        return values[: prepared.parameter_count]

    def _values(
        self, data: Bytes, count: int, types: tuple[int, ...], *, are_named: bool
    ) -> tuple[tuple[Value, ...], tuple[int, ...]]:
        """Null bitmap, types where they are sent, values."""
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
                is_null = nulls[index // 8] >> index % 8 & 1
                values.append(None if is_null else read_value(data, kind))
        except CutPacketError:
            pass
        return tuple(values), types

    def _call(self, command: _Command | None, answered: Moment | None, answer: Answer | None) -> SqlCall:
        if command and command.name == "connect" and self._is_compressed and answer and not answer.error:
            self.is_over = True
        return SqlCall(
            asked=command.moment if command else None,
            answered=answered,
            command=command.name if command else "unknown",
            statement=command.statement if command else "",
            parameters=command.parameters if command else None,
            user=self._user,
            database=self._database,
            answer=answer,
        )
