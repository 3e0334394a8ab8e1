"""plaintext: credentials that went over the wire in clear."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.lines import LineChisel, ends_text
from pcapdig.errors import UsageError
from pcapdig.render.items import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.chisel import Needs
    from pcapdig.chisels.credentials.conversation import Conversation
    from pcapdig.chisels.credentials.credential import Credential
    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.rows import Rows

_SHOW = "show"
_REMEMBERED = 1 << 16
"""Connections whose words are remembered; of more, those that were silent longest are forgotten."""
_STARS = "********"
"""Stands for every secret, long or short."""


class Plaintext(LineChisel):
    """A line for each credential seen."""

    name: ClassVar[str] = "plaintext"
    category: ClassVar[str] = "Security"
    short_description: ClassVar[str] = "Show passwords that are sent without encryption"
    description: ClassVar[str] = (
        "Shows each name and password that went over a TCP connection in clear, with the connection and the processes at both "
        "ends: HTTP Basic, passwords in form posts, JSON bodies and query strings; FTP; POP3, IMAP and SMTP, AUTH PLAIN and "
        "LOGIN included; LDAP simple bind; Redis AUTH; PostgreSQL's password; MySQL's mysql_clear_password and, since it is as good as "
        "clear, its old hash. Protocols are known by what is said, on any port. Secrets are shown as stars unless the argument "
        "asks for them. A credential used again on the same connection is shown once."
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
        self._conversations: dict[int, Conversation] = {}

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Listen to each message once, whoever's end it was seen at."""
        from pcapdig.chisels.credentials.conversation import Conversation
        from pcapdig.chisels.totals import first_of_packet

        rows = rows.select(first_of_packet(rows) & (rows.size > 0))
        columns = (rows.flow, rows.forward, rows.time_ns, rows.packet)
        for i, (flow, by_client, time_ns, fact) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
            conversation = self._conversations.pop(flow, None) or Conversation()
            self._conversations[flow] = conversation  # the last one heard is last in the dictionary
            if len(self._conversations) > _REMEMBERED:
                del self._conversations[next(iter(self._conversations))]
            for credential in conversation.hear(by_client, rows.buffer(i)):
                ids = int(rows.facts.writer[fact]), int(rows.facts.reader[fact])
                ends = [_end(rows.trace, i) for i in (ids if by_client else ids[::-1])]
                yield self._line(credential, time_ns, rows.trace.flows.name(flow), *ends)

    def _line(
        self,
        credential: Credential,
        time_ns: int,
        connection: str,
        client: tuple[str | None, int | None],
        server: tuple[str | None, int | None],
    ) -> Line:
        secret = credential.secret if self._shows else _STARS
        user = "" if credential.user is None else f" user={_word(credential.user)}"
        ends = ends_text(*([name] if name else [] for name, _ in (client, server)))
        return Line(
            time_ns=time_ns,
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


def _end(trace: Dimensions, process_id: int) -> tuple[str | None, int | None]:
    """Name and id of the process at one end."""
    if process_id < 0:
        return None, None
    process = trace.processes[process_id]
    return process.name, process.pid


def _word(text: str) -> str:
    """A value that may hold blanks, so that it is seen where it ends."""
    is_plain = text and not any(character in ' "\\' or not character.isprintable() for character in text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)
