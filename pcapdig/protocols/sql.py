"""What the protocols of SQL servers share: a command and its answer.

In: nothing; mysql.py and postgres.py make these records. Out: record types. Must not know any protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pcapdig.protocols.conversation import Record

Value: TypeAlias = int | float | str | None
"""A parameter. Blobs, dates, times and exact decimals are text; None: NULL."""
STATEMENT_KEPT = 16 << 10
"""Bytes kept of one statement."""
STATEMENTS_LIMIT = 4096
"""Prepared statements remembered of one connection; the oldest is forgotten first."""
STATEMENTS_BYTES = 8 << 20
"""Bytes of all those together."""
VALUE_KEPT = 1024
"""Bytes kept of one parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlError:
    """What the server refused."""

    code: int | None
    """MySQL's number: 1064, ...; None: PostgreSQL has none."""
    severity: str | None = None
    """PostgreSQL's: ERROR, FATAL, PANIC; None: MySQL has none."""
    state: str
    """SQLSTATE, five characters; empty where MySQL gives none, before the login."""
    message: str

    @property
    def text(self) -> str:
        """As each product's own client has it: `1064 (42000) near ...`, `ERROR 42P01: relation ...`."""
        if self.code is not None:
            return f"{self.code} ({self.state}) {self.message}"
        return f"{self.severity} {self.state}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlAnswer:
    """The answer to one command, all its result sets together."""

    rows: int | None = None
    """Rows returned; None: it was no result set."""
    affected: int | None = None
    """Rows changed, as the server counts them; None: it said nothing of that."""
    error: SqlError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSecret:
    """A password of a login that a listener can read, or find at once."""

    method: str
    """How it was sent: `password`, `clear password`, `old hash`."""
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlCall(Record):
    """A command and its answer; a login is one too."""

    product: str
    """mysql (MariaDB too), postgresql."""
    command: str
    """connect, query, prepare, execute, init_db, ping, ...; unknown where only the answer was captured."""
    statement: str
    """The SQL text, at most STATEMENT_KEPT bytes of it; of execute that of its prepare, if captured; the database's name for init_db,
    the table's for field_list."""
    parameters: tuple[Value, ...] | None
    """Of execute, as far as they can be read; None: not of execute, or the prepare they are read by was not captured."""
    user: str | None
    """Who logged in, None: the login is not in the capture."""
    database: str | None
    """Database of the login."""
    answer: SqlAnswer | None
    secret: SqlSecret | None = None
    """Of a login: the password, where it went in clear."""
