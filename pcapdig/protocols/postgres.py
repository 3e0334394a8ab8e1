"""PostgreSQL: logins, statements by the simple and the extended protocol, COPY, errors.

In: turns. Out: `SqlCall`. Source: PostgreSQL 15 documentation, chapter 55 "Frontend/Backend Protocol" (version 3). A connection that turns
to TLS or GSSAPI encryption is not read from there on.

A simple query is `query`, with all its results. An Execute is `execute`, of a portal that was suspended `fetch`. A Parse is `prepare`
if the statement has a name, was refused, or was never executed: an unnamed one that is executed is told as that alone. Bind and
Describe are told where they are refused. After an error the server skips what was asked until Sync: that has no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pcapdig.protocols.conversation import Dialogue, Moment, Turn
from pcapdig.protocols.postgres_messages import (
    ANSWERED,
    ASKED,
    CANCEL,
    GSS,
    SSL,
    read_bind,
    read_error,
    read_message,
    read_startup,
    read_tag,
    read_types,
    said_by_client,
)  # fmt: skip
from pcapdig.protocols.postgres_values import binary_value, text_value
from pcapdig.protocols.sql import STATEMENT_KEPT, STATEMENTS_LIMIT, SqlAnswer, SqlCall, SqlError, SqlSecret, Value

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

_BIND_KEPT = 64 << 10
_ANSWER_KEPT = 4096
_ENDS = ("Q", "S", "F", "startup")
"""What ReadyForQuery ends."""
_ANSWERS = {"1": "P", "2": "B", "3": "C", "n": "D"}
"""Answers that say no more than that it is done, and to what."""
_CLEAR_PASSWORD = (3).to_bytes(4)
_RETURNS_ROWS = {"SELECT", "FETCH"}
_CHANGES = {"INSERT", "UPDATE", "DELETE", "MERGE"}


_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class _Statement:
    text: str
    types: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class _Portal:
    statement: _Statement | None
    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]
    is_suspended: bool = False

    def parameters(self) -> tuple[Value, ...]:
        """Read as late as possible: the server may tell their types after they were sent."""
        types = self.statement.types if self.statement else ()
        found = list[Value]()
        for index, data in enumerate(self.values):
            kind = types[index] if index < len(types) else 0
            form = (
                self.formats[index] if index < len(self.formats) else self.formats[0] if len(self.formats) == 1 else 0
            )
            found.append(None if data is None else (binary_value if form else text_value)(data, kind))
        return tuple(found)


@dataclass(slots=True)
class _Asked:
    moment: Moment | None
    """None: only the answer was captured."""
    kind: str
    """The message's type; `startup`."""
    name: str
    statement: _Statement | None = None
    portal: _Portal | None = None
    is_named: bool = False
    """What Parse prepares has a name."""
    secret: SqlSecret | None = None
    answered: Moment | None = None
    rows: int | None = None
    affected: int | None = None
    error: SqlError | None = None
    returned: int = 0
    """Rows since the last CommandComplete."""
    has_columns: bool = False
    copies_out: bool = False

    def complete(self, verb: str, count: int | None) -> None:
        """CommandComplete: the end of one statement's result."""
        count, returned = count or 0, self.returned
        if verb == "COPY" or verb in _RETURNS_ROWS:
            # CREATE TABLE AS and SELECT INTO say SELECT too, and return nothing.
            is_change = not self.copies_out if verb == "COPY" else count and not (returned or self.has_columns)
            if is_change:
                self.affected = (self.affected or 0) + count
            else:
                self.rows = (self.rows or 0) + count
        else:
            if returned or self.has_columns:
                self.rows = (self.rows or 0) + returned
            if verb in _CHANGES:
                self.affected = (self.affected or 0) + count
        self.returned, self.has_columns, self.copies_out = 0, False, False


class PostgresDialogue(Dialogue[SqlCall, _Asked]):
    """Reads one connection. Begun in the midst of one, it knows neither user nor what was prepared before."""

    def __init__(self) -> None:
        super().__init__()
        self._client_asks: bool | None = None
        self._user: str | None = None
        self._database: str | None = None
        self._encryption_asked = 0
        self._wants_password = False
        self._is_ready_early = False  # what a half-read message begins has been answered
        self._statements: dict[str, _Statement] = {}
        self._portals: dict[str, _Portal] = {}
        self._unnamed: _Asked | None = None  # prepared, and not executed so far
        self._failed: _Statement | _Portal | None = None  # refused before it was executed; its Execute is skipped

    @property
    def is_idle(self) -> bool:
        """User and prepared statements are remembered until the client leaves."""
        return False

    def asks(self, turn: Turn) -> bool:
        """Decided by what the first turn says, whatever the flow says of client and server."""
        if self._client_asks is None:
            said = said_by_client(turn.data)
            self._client_asks = said is None or said == turn.from_client
        return turn.from_client == self._client_asks

    def begins(self, data: bytes, *, asks: bool) -> bool:
        """As a connection is recognised in its midst."""
        return said_by_client(data) is asks

    def end(self) -> list[SqlCall]:
        """What is still open."""
        done = super().end()
        self._tell_unnamed()
        return done + self._taken()

    def unanswered(self, asked: _Asked) -> SqlCall:
        """With what came of its answer."""
        return SqlCall(
            asked=asked.moment,
            answered=asked.answered,
            product="postgresql",
            command=asked.name,
            statement=asked.statement.text if asked.statement else "",
            parameters=asked.portal.parameters() if asked.portal else None,
            user=self._user,
            database=self._database,
            answer=SqlAnswer(rows=asked.rows, affected=asked.affected, error=asked.error) if asked.answered else None,
            secret=asked.secret,
        )

    def asking(self, inbox: Inbox) -> Reading[None]:
        """The startup message, then commands."""
        while not self.is_over:
            yield from inbox.next_message()
            moment = inbox.moment
            if inbox.peek(1) == b"\0":
                code, settings = yield from read_startup(inbox)
                self._start(moment, code, settings)
                continue
            if self._encryption_asked and inbox.peek(1) in b"\x16\x80":
                self.is_over = True  # its server's word was not captured
                return
            kind, data = yield from read_message(inbox, ASKED, _BIND_KEPT)
            self._ask(moment, chr(kind), data)

    def answering(self, inbox: Inbox) -> Reading[None]:
        """Answers."""
        while not self.is_over:
            yield from inbox.next_message()
            moment = inbox.moment
            if self._encryption_asked and inbox.peek(1) != b"E":  # an old server's error is a message
                answer = yield from inbox.exactly(1)
                self._encryption_asked -= 1
                if answer != b"N":
                    self.is_over = True
                continue
            kind, data = yield from read_message(inbox, ANSWERED, _ANSWER_KEPT)
            self._answer(moment, chr(kind), data)

    def _start(self, moment: Moment, code: int, settings: dict[str, str]) -> None:
        """A message without a type."""
        if code in (SSL, GSS):
            self._encryption_asked += 1
        elif code == CANCEL:
            self.tell(self.unanswered(_Asked(moment, "cancel", "cancel")))
            self.is_over = True
        else:
            self._user = settings.get("user")
            self._database = settings.get("database") or self._user
            self._statements.clear()
            self.open.append(_Asked(moment, "startup", "connect"))

    def _ask(self, moment: Moment, kind: str, data: bytes) -> None:
        """A client's message."""
        if kind == "Q":
            self.ask(_Asked(moment, kind, "query", _Statement(_text(data))))
        elif kind == "P":
            name, text, types = (*data.split(b"\0", 2), b"", b"")[:3]
            statement = _Statement(_text(text), read_types(types))
            _remember(self._statements, _text(name), statement)
            self.ask(_Asked(moment, kind, "prepare", statement, is_named=bool(name)))
        elif kind == "B":
            portal, source, formats, values = read_bind(data)
            bound = _Portal(self._statements.get(source), formats, values)
            _remember(self._portals, portal, bound)
            self.ask(_Asked(moment, kind, "bind", bound.statement, bound))
        elif kind == "E":
            executed = self._portals.get(_text(data))
            self.ask(_Asked(moment, kind, "execute", executed.statement if executed else None, executed))
        elif kind == "D":
            self.ask(_Asked(moment, kind, "describe", self._named(data)))
        elif kind == "C":
            (self._statements if data[:1] == b"S" else self._portals).pop(_text(data[1:]), None)
            self.ask(_Asked(moment, kind, "close"))
        elif kind == "F":
            self.ask(_Asked(moment, kind, "function", _Statement(f"function {int.from_bytes(data[:4])}")))
        elif kind == "S":
            self.ask(_Asked(moment, kind, "sync"))
        elif kind == "p" and self._wants_password and self.open:
            self.open[0].secret = SqlSecret(method="password", text=data.partition(b"\0")[0])
        elif kind == "X":
            self.is_over = True
        self._wants_password = False
        if self._is_ready_early and kind in _ENDS:
            self._is_ready_early = False
            self._hand_out_open()

    def _named(self, data: bytes) -> _Statement | None:
        """The statement that Describe names, or whose portal it names."""
        name = _text(data[1:])
        if data[:1] == b"S":
            return self._statements.get(name)
        portal = self._portals.get(name)
        return portal.statement if portal else None

    def _answer(self, moment: Moment, kind: str, data: bytes) -> None:
        """A server's message. Notices, notifications and settings answer nothing."""
        if kind in _ANSWERS:
            self._acknowledge(moment, _ANSWERS[kind])
        elif kind == "E":
            self._fail(moment, read_error(data))
        elif kind == "Z":
            self._ready(moment)
        elif kind == "R":
            self._wants_password = data == _CLEAR_PASSWORD
            self._current(("startup",), moment)
        elif kind in "tT" and self.open and self.open[0].kind == "D":
            described = self.open[0].statement
            if kind == "T":
                self.open.popleft()
            elif described:
                described.types = read_types(data) or described.types
        elif kind in "TDGHWCIsV":
            self._result(moment, kind, data)

    def _result(self, moment: Moment, kind: str, data: bytes) -> None:
        """Part of the result of a query or of an Execute."""
        asked = self._current(("Q", "E", "F"), moment)
        if asked is None:
            if kind not in "CI":
                return
            asked = _Asked(None, "", "unknown", answered=moment)
        if kind == "D":
            asked.returned += 1
        elif kind == "T":
            asked.has_columns = True
        elif kind == "H":
            asked.copies_out = True
        elif kind == "C":
            asked.complete(*read_tag(data))
        if asked.portal and asked.portal.is_suspended and asked.kind == "E":
            asked.name = "fetch"
        if kind == "s" and asked.portal:
            asked.rows, asked.portal.is_suspended = asked.returned, True
        if kind in "CIs" and asked.kind in ("E", ""):
            if asked.kind:
                self.open.popleft()
                self._was_executed(asked.statement)
            self.tell(self.unanswered(asked))

    def _current(self, kinds: tuple[str, ...], moment: Moment) -> _Asked | None:
        """What a part of an answer belongs to: the oldest, if it is of one of those kinds. Answers come in order."""
        asked = self.open[0] if self.open else None
        if asked is None or asked.kind not in kinds:
            return None
        asked.answered = asked.answered or moment
        return asked

    def _acknowledge(self, moment: Moment, kind: str) -> None:
        """Parse, Bind, Describe or Close was done."""
        asked = self._current((kind,), moment)
        if asked is None:
            return
        self.open.popleft()
        if kind == "P" and asked.is_named:
            self.tell(self.unanswered(asked))
        elif kind == "P":
            self._tell_unnamed()
            self._unnamed = asked

    def _fail(self, moment: Moment, error: SqlError) -> None:
        """ErrorResponse: to what is oldest. A query and a function call end with ReadyForQuery, the rest now."""
        asked = self.open[0] if self.open else _Asked(None, "", "unknown")
        asked.error, asked.answered = error, asked.answered or moment
        if asked.kind in ("Q", "F"):
            return
        if self.open and asked.kind != "S":
            self.open.popleft()
        if asked.kind in ("P", "B", "D"):
            self._failed = asked.portal or asked.statement
        if asked.kind in ("B", "E"):
            self._was_executed(asked.statement)
        self.tell(self.unanswered(asked))

    def _ready(self, moment: Moment) -> None:
        """ReadyForQuery: the end of a query, of a login, or of what was asked until Sync."""
        while self.open and self.open[0].kind not in _ENDS:
            self.give_up(self.open.popleft())
        self._is_ready_early = not self.open and not self.is_between(True)
        asked = self._current(_ENDS, moment)
        self._has_stray |= not self.open
        if asked:
            self.open.popleft()
            if asked.kind != "S":
                self.tell(self.unanswered(asked))
        self._failed = None

    def give_up(self, asked: _Asked) -> None:
        """Something that was not answered where it stands: the server skipped it, or its answer was not captured."""
        if asked.kind == "E" and self._failed and self._failed in (asked.statement, asked.portal):
            self._failed = None
        elif asked.kind in ("Q", "E", "F", "startup") or asked.is_named:
            if asked.kind == "startup":
                asked.answered = None  # that the server asked for a password does not say that it let the client in
            self.tell(self.unanswered(asked))

    def _was_executed(self, statement: _Statement | None) -> None:
        """An unnamed statement that is executed is told as that alone."""
        if self._unnamed and self._unnamed.statement is statement:
            self._unnamed = None

    def _tell_unnamed(self) -> None:
        """An unnamed statement that will not be executed any more."""
        if self._unnamed:
            self.tell(self.unanswered(self._unnamed))
            self._unnamed = None


def _remember(table: dict[str, _T], name: str, value: _T) -> None:
    """Name something; of too many the oldest is forgotten."""
    table.pop(name, None)
    table[name] = value
    if len(table) > STATEMENTS_LIMIT:
        del table[next(iter(table))]


def _text(data: bytes) -> str:
    """A string, without the NUL that ends it."""
    return data.partition(b"\0")[0][:STATEMENT_KEPT].decode("utf-8", "replace")
