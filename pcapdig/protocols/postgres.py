"""PostgreSQL: logins, statements by the simple and the extended protocol, COPY, errors.

In: turns. Out: `SqlCall`. Source: PostgreSQL 15 documentation, chapter 55 "Frontend/Backend Protocol" (version 3). A connection that turns
to TLS or GSSAPI encryption is not read from there on.

A simple query is `query`, with all its results. An Execute is `execute`, of a portal that was suspended `fetch`. A Parse is `prepare`
if the statement has a name, was refused, or was never executed: an unnamed one that is executed is told as that alone. Bind and
Describe are told where they are refused. After an error the server skips what was asked until Sync: that has no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from pcapdig.protocols.postgres_requests import Asked, Portal, Statement
from pcapdig.protocols.postgres_states import STATES
from pcapdig.protocols.remembered import Remembered
from pcapdig.protocols.sql import (
    STATEMENT_KEPT,
    STATEMENTS_BYTES,
    STATEMENTS_LIMIT,
    SqlAnswer,
    SqlCall,
    SqlError,
    SqlSecret,
)

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

_BIND_KEPT = 64 << 10
_ANSWER_KEPT = 4096
_ENDS = ("Q", "S", "F", "startup")
"""What ReadyForQuery ends."""
_ANSWERS = {"1": "P", "2": "B", "3": "C", "n": "D"}
"""Answers that say no more than that it is done, and to what."""
_CLEAR_PASSWORD = (3).to_bytes(4)

__all__ = ["STATES", "PostgresDialogue"]


class PostgresDialogue(Dialogue[SqlCall, Asked]):
    """Reads one connection. Begun in the midst of one, it knows neither user nor what was prepared before."""

    def __init__(self) -> None:
        super().__init__()
        self._client_asks: bool | None = None
        self._user: str | None = None
        self._database: str | None = None
        self._encryption_asked = 0
        self._wants_password = False
        self._is_ready_early = False  # what a half-read message begins has been answered
        self._statements: Remembered[str, Statement] = Remembered(STATEMENTS_LIMIT, STATEMENTS_BYTES)
        self._portals: Remembered[str, Portal] = Remembered(STATEMENTS_LIMIT, STATEMENTS_BYTES)
        self._unnamed: Asked | None = None  # prepared, and not executed so far
        self._failed: Statement | Portal | None = None  # refused before it was executed; its Execute is skipped
        self._skips = False  # the server discards requests until Sync
        self._copies_in = False  # it ignores Sync until the client ends its data

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

    def unanswered(self, asked: Asked) -> SqlCall:
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
            if self._encryption_asked and inbox.peek(1) == b"E":
                self._encryption_asked = 0  # an error is a message: of an old server, or of one with too many clients
            elif self._encryption_asked:
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
            self.tell(self.unanswered(Asked(moment, "cancel", "cancel")))
            self.is_over = True
        else:
            self._user = settings.get("user")
            self._database = settings.get("database") or self._user
            self._statements.clear()
            self.open.append(Asked(moment, "startup", "connect"))

    def _ask(self, moment: Moment, kind: str, data: bytes) -> None:
        """A client's message."""
        if kind == "Q":
            self.ask(Asked(moment, kind, "query", Statement(_text(data))))
        elif kind == "P":
            name, text, types = (*data.split(b"\0", 2), b"", b"")[:3]
            statement = Statement(_text(text), read_types(types))
            self._statements.put(_text(name), statement, len(data))
            self.ask(Asked(moment, kind, "prepare", statement, is_named=bool(name)))
        elif kind == "B":
            portal, source, formats, values = read_bind(data)
            bound = Portal(self._statements.get(source), formats, values)
            self._portals.put(portal, bound, len(data))
            self.ask(Asked(moment, kind, "bind", bound.statement, bound))
        elif kind == "E":
            executed = self._portals.get(_text(data))
            self.ask(Asked(moment, kind, "execute", executed.statement if executed else None, executed))
        elif kind == "D":
            self.ask(Asked(moment, kind, "describe", self._named(data)))
        elif kind == "C":
            (self._statements if data[:1] == b"S" else self._portals).forget(_text(data[1:]))
            self.ask(Asked(moment, kind, "close"))
        elif kind == "F":
            self.ask(Asked(moment, kind, "function", Statement(f"function {int.from_bytes(data[:4])}")))
        elif kind == "S" and not self._copies_in:
            self.ask(Asked(moment, kind, "sync"))
        elif kind in "cf":
            self._end_copy()
        elif kind == "p" and self._wants_password and self.open:
            self.open[0].secret = SqlSecret(method="password", text=data.partition(b"\0")[0])
        elif kind == "X":
            self.is_over = True
        self._wants_password = False
        if self._is_ready_early and kind in _ENDS:
            self._is_ready_early = False
            self._hand_out_open()

    def _end_copy(self) -> None:
        """CopyDone or CopyFail. Before the server has said that it takes data, as one who does not wait sends it, it stands in the queue."""
        if not self._copies_in and self.open:
            self.open.append(Asked(None, "end of data", ""))
        self._copies_in = False

    def _begin_copy(self) -> None:
        """The server takes data. It ignores what Syncs were sent before their end (section 55.2.6)."""
        self._copies_in = True
        executed = self.open[0]
        later = list(self.open)[1:]
        self.open.clear()
        self.open.append(executed)
        for index, asked in enumerate(later):
            if asked.kind == "end of data":
                self._copies_in = False
                self.open.extend(later[index + 1 :])
                return
            if asked.kind != "S":
                self.open.append(asked)

    def _named(self, data: bytes) -> Statement | None:
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
            asked = Asked(None, "", "unknown", answered=moment)
        if kind == "D":
            asked.returned += 1
        elif kind == "T":
            asked.has_columns = True
        elif kind == "H":
            asked.copies_out = True
        elif kind == "G" and self.open and asked is self.open[0]:
            self._begin_copy()
        elif kind == "C":
            asked.complete(*read_tag(data))
        if asked.portal and asked.portal.is_suspended and asked.kind == "E":
            asked.name = "fetch"
        if kind == "s" and asked.portal:
            asked.rows, asked.portal.is_suspended = asked.returned, True
        if kind in "CIs" and asked.kind in ("E", ""):
            self._copies_in = False
            if asked.kind:
                self.open.popleft()
                self._was_executed(asked.statement)
            self.tell(self.unanswered(asked))

    def _current(self, kinds: tuple[str, ...], moment: Moment) -> Asked | None:
        """What a part of an answer belongs to: the oldest, if it is of one of those kinds. Answers come in order."""
        while self.open and self.open[0].kind == "end of data":
            self.open.popleft()
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
        while self.open and self.open[0].kind == "end of data":
            self.open.popleft()
        self._copies_in = False
        asked = self.open[0] if self.open else Asked(None, "", "unknown")
        asked.error, asked.answered = error, asked.answered or moment
        if asked.kind in ("Q", "F"):
            return
        self._skips = asked.kind in ("P", "B", "D", "E", "C")
        if self.open and asked.kind != "S":
            self.open.popleft()
        if asked.kind in ("P", "B", "D"):
            self._failed = asked.portal or asked.statement
        if asked.kind in ("B", "E"):
            self._was_executed(asked.statement)
        self.tell(self.unanswered(asked))

    def _ready(self, moment: Moment) -> None:
        """ReadyForQuery: the end of a query, of a login, or of what was asked until Sync."""
        ends = ("S",) if self._skips else _ENDS
        while self.open and self.open[0].kind not in ends:
            self.give_up(self.open.popleft())
        self._skips = self._copies_in = False
        self._is_ready_early = not self.open and not self.is_between(True)
        asked = self._current(_ENDS, moment)
        self._has_stray |= not self.open
        if asked:
            self.open.popleft()
            if asked.kind != "S":
                self.tell(self.unanswered(asked))
        self._failed = None

    def give_up(self, asked: Asked) -> None:
        """Something that was not answered where it stands: the server skipped it, or its answer was not captured."""
        if asked.kind == "E" and self._failed and self._failed in (asked.statement, asked.portal):
            self._failed = None
        elif asked.kind in ("Q", "E", "F", "startup") or asked.is_named:
            if asked.kind == "startup":
                asked.answered = None  # that the server asked for a password does not say that it let the client in
            self.tell(self.unanswered(asked))

    def _was_executed(self, statement: Statement | None) -> None:
        """An unnamed statement that is executed is told as that alone."""
        if self._unnamed and self._unnamed.statement is statement:
            self._unnamed = None

    def _tell_unnamed(self) -> None:
        """An unnamed statement that will not be executed any more."""
        if self._unnamed:
            self.tell(self.unanswered(self._unnamed))
            self._unnamed = None


def _text(data: bytes) -> str:
    """A string, without the NUL that ends it."""
    return data.partition(b"\0")[0][:STATEMENT_KEPT].decode("utf-8", "replace")
