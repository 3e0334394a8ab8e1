"""plaintext: credentials that went over the wire in clear."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.lines import LineChisel, ends_text
from pcapdig.errors import UsageError
from pcapdig.render.items import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pcapdig.chisels.chisel import Needs
    from pcapdig.chisels.credentials.credential import Credential
    from pcapdig.chisels.dialogues import Dialogues, Found
    from pcapdig.procs.process import Process
    from pcapdig.protocols.conversation import Record
    from pcapdig.render.items import Item
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

_SHOW = "show"
_REMEMBERED = 1 << 16
"""Connections whose credentials are remembered; of more, those that were silent longest are forgotten."""
_REMEMBERED_EACH = 1000
"""Credentials that are remembered of one connection; then it begins anew, and shows what comes again a second time."""
_STARS = "********"
"""Stands for every secret, long or short."""


class Plaintext(LineChisel):
    """A line for each credential seen."""

    name: ClassVar[str] = "plaintext"
    category: ClassVar[str] = "Security"
    short_description: ClassVar[str] = "Show passwords that are sent without encryption"
    description: ClassVar[str] = (
        "Shows each name and password that went over a TCP connection in clear, with the connection and the processes at both "
        "ends: HTTP Basic and Bearer (of a proxy too), passwords in form posts, JSON bodies and query strings; FTP; POP3, IMAP, SMTP "
        "and NNTP, SASL's PLAIN, LOGIN and XOAUTH2 included; LDAP simple bind; Redis AUTH; Telnet; PostgreSQL's password; MySQL's "
        "mysql_clear_password, MariaDB's dialog and, since it is as good as clear, MySQL's old hash. Protocols are known by what is "
        "said, on any port. Secrets are shown as stars unless the argument asks for them. A credential used again on the same "
        "connection is shown once."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="secrets", type="string", description=f"the word {_SHOW}: secrets as they were sent", optional=True),
    )
    needs: ClassVar[Needs] = "messages"

    def __init__(self, *, secrets: str | None = None, verbose: bool = False) -> None:
        """Raises UsageError where `secrets` is another word than `show`."""
        if secrets not in (None, _SHOW):
            raise UsageError(f"chisel plaintext: argument {secrets!r} is not understood; the only word is {_SHOW}")
        super().__init__(verbose=verbose, own_filter="fd.l4proto=tcp and evt.is_io=true")
        self._shows = secrets == _SHOW
        self._told: dict[int, set[Credential]] = {}
        self._ends: dict[
            int, tuple[int, int]
        ] = {}  # processes of client and server, also where the filter passed one of them only
        self._dialogues: Dialogues[Record] | None = None

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Listen to each message once, whoever's end it was seen at."""
        from pcapdig.chisels.credentials.recognition import begin
        from pcapdig.chisels.dialogues import Dialogues

        if self._dialogues is None:
            self._dialogues = Dialogues(begin)
        if len(rows):
            columns = rows.flow, rows.forward, rows.facts.writer[rows.packet], rows.facts.reader[rows.packet]
            for flow, by_client, writer, reader in zip(*(column.tolist() for column in columns), strict=True):
                if writer >= 0 or reader >= 0:
                    self._ends.pop(flow, None)
                    self._ends[flow] = (writer, reader) if by_client else (reader, writer)
            _forget_oldest(self._ends)
        return self._lines(self._dialogues.feed(rows))

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """What was sent in connections that go, and not answered."""
        if self._dialogues:
            yield from self._lines(self._dialogues.renumber(renumbering))
        self._told, self._ends = renumbering.keys(self._told), renumbering.keys(self._ends)

    def end(self) -> Iterable[Item]:
        """What was sent and not answered."""
        return self._lines(self._dialogues.end()) if self._dialogues else ()

    def notes(self) -> Iterable[str]:
        """What is to be said beside the lines."""
        return self._dialogues.notes() if self._dialogues else ()

    def _lines(self, records: Iterable[Found[Record]]) -> Iterator[Line]:
        """Credentials not told before of their connection."""
        from pcapdig.chisels.credentials.recognition import credentials_of

        for found in records:
            for credential in credentials_of(found.record):
                told = self._told.pop(found.flow, set())
                self._told[found.flow] = told  # the last one heard is last in the dictionary
                _forget_oldest(self._told)
                if credential not in told:
                    if len(told) >= _REMEMBERED_EACH:
                        told.clear()
                    told.add(credential)
                    yield self._line(found, credential)

    def _line(self, found: Found[Record], credential: Credential) -> Line:
        asked, connection = found.record.asked or found.record.moment, found.connection
        client, server = (
            _end(found.process(of_client=of_client) or (found.trace.processes[known] if known >= 0 else None))
            for of_client, known in zip((True, False), self._ends.get(found.flow, (-1, -1)), strict=True)
        )
        secret = credential.secret if self._shows else _STARS
        user = "" if credential.user is None else f" user={_word(credential.user)}"
        ends = ends_text(*([name] if name else [] for name, _ in (client, server)))
        return Line(
            time_ns=asked.time_ns,
            order_ns=asked.time_ns,
            text=f"{credential.protocol} {credential.method}{user} secret={_word(secret)} {connection} ({ends})",
            fields=(
                ("protocol", credential.protocol),
                ("method", credential.method),
                ("user", credential.user),
                ("secret", secret),
                ("fd.name", connection),
                ("client_process", client[0]),
                ("client_pid", client[1]),
                ("server_process", server[0]),
                ("server_pid", server[1]),
            ),
        )


def _forget_oldest(remembered: dict[int, Any]) -> None:
    """Where there are too many connections forget an eighth: looking for the oldest one by one takes longer and longer."""
    if len(remembered) > _REMEMBERED:
        for flow in [*islice(remembered, len(remembered) - _REMEMBERED + _REMEMBERED // 8)]:
            del remembered[flow]


def _end(process: Process | None) -> tuple[str | None, int | None]:
    """Name and id of the process at one end."""
    return (process.name, process.pid) if process else (None, None)


def _word(text: str) -> str:
    """A value that may hold blanks, so that it is seen where it ends."""
    is_plain = text and not any(character in ' "\\' or not character.isprintable() for character in text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)
