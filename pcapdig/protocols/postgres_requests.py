"""What a client has asked PostgreSQL, and what is known of the answer so far.

In: values of messages. Out: `Asked`, with its `Statement` and `Portal`. Source: PostgreSQL 15 documentation, section 55.2.3 (extended query), 55.7
(CommandComplete).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcapdig.protocols.postgres_values import binary_value, text_value
from pcapdig.protocols.sql import Value

if TYPE_CHECKING:
    from pcapdig.protocols.conversation import Moment
    from pcapdig.protocols.sql import SqlError, SqlSecret

_RETURNS_ROWS = {"SELECT", "FETCH"}
_CHANGES = {"INSERT", "UPDATE", "DELETE", "MERGE"}


@dataclass(slots=True, eq=False)
class Statement:
    """What Parse prepared, or the text of a Query."""

    text: str
    types: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Portal:
    """A statement with values bound to it."""

    statement: Statement | None
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
class Asked:
    """A message that waits for its answer."""

    moment: Moment | None
    """None: only the answer was captured."""
    kind: str
    """The message's type; `startup`."""
    name: str
    statement: Statement | None = None
    portal: Portal | None = None
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
