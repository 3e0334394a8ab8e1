"""sqllog: a line for each SQL statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.logs import LogChisel, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.dialogues import Found, Opening
    from pcapdig.protocols.conversation import Dialogue
    from pcapdig.protocols.sql import SqlCall
    from pcapdig.render.items import Line

SHOWN = 1024
"""Characters shown of a statement; -v shows all that was read."""


class Sqllog(LogChisel["SqlCall"]):
    """Statements of MySQL, MariaDB and PostgreSQL."""

    name: ClassVar[str] = "sqllog"
    short_description: ClassVar[str] = "SQL statements log (MySQL, MariaDB, PostgreSQL)"
    description: ClassVar[str] = (
        "Prints a line for each command to a MySQL, MariaDB or PostgreSQL server (any port) when its answer is complete: query, "
        "prepare, execute with its statement and parameters, connect with user and database, and others; rows returned, rows "
        "changed, the server's error, time from command to answer, and the processes at both ends as far as they are known. A "
        "PostgreSQL statement without a name is shown when it is executed, not when it is prepared. A command without an answer is "
        "shown at the end with <NA>. Connections under TLS are not read. -v adds process ids and the connection, and "
        "shows long statements whole."
    )

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose`: with process ids, connection and whole statements."""
        from pcapdig.protocols import (  # once: each message of other flows is asked about
            mysql,
            postgres,
            postgres_messages,
        )

        super().__init__(verbose=verbose)
        self._begin_mysql, self._new_postgres = mysql.begin, postgres.PostgresDialogue
        self._said_by_postgres_client = postgres_messages.said_by_client

    def begin(self, opening: Opening) -> Dialogue[SqlCall, Any] | None:
        """Where a server greets, or a client sends a statement on a connection older than the capture."""
        if (dialogue := self._begin_mysql(opening.data, from_client=opening.from_client)) is not None:
            return dialogue
        return None if self._said_by_postgres_client(opening.data) is None else self._new_postgres()

    def lines(self, found: Found[SqlCall]) -> Iterable[Line]:
        """One line, with both ends."""
        call, answer = found.record, found.record.answer
        error = answer.error if answer else None
        statement = one_line(call.statement) or None
        parameters = f"({', '.join(map(repr, call.parameters))})" if call.parameters else None
        rows = answer.rows if answer else None
        affected = answer.affected if answer else None
        pairs: dict[str, object] = {"command": call.command, "user": call.user, "db": call.database}
        if rows is not None or affected is None:
            pairs["rows"] = rows
        if affected is not None:
            pairs["affected"] = affected
        if error:
            pairs["error"] = one_line(error.text)
        if statement:
            pairs["sql"] = statement if self.verbose else statement[:SHOWN]
        if parameters:
            pairs["parameters"] = parameters
        yield self.call_line(
            found,
            pairs,
            {
                "product": call.product,
                "command": call.command,
                "user": call.user,
                "db": call.database,
                "rows": rows,
                "affected": affected,
                "error": (error.code or error.state) if error else None,
                "sqlstate": (error.state or None) if error else None,
                "severity": error.severity if error else None,
                "error_message": error.message if error else None,
                "sql": call.statement or None,
                "parameters": parameters,
            }.items(),
        )
