"""One line a request: what the chisels that log a protocol share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pcapdig.chisels.lines import LineChisel
from pcapdig.render.items import NOT_KNOWN, Line
from pcapdig.render.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from pcapdig.chisels.chisel import Needs
    from pcapdig.chisels.dialogues import Dialogues, Found, Lone, Opening
    from pcapdig.procs.process import Process
    from pcapdig.protocols.conversation import Dialogue, Record
    from pcapdig.render.items import Item
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

    Members: TypeAlias = Iterable[tuple[str, int | str | None]]

TCP = "fd.l4proto=tcp"
"""Filter of a chisel that knows its protocol at any port."""

R = TypeVar("R", bound="Record")


class LogChisel(LineChisel, Generic[R]):
    """Reads a protocol and gives lines. A subclass says how a dialogue begins, and what the lines of a record are."""

    name: ClassVar[str]
    category: ClassVar[str] = "Application"
    needs: ClassVar[Needs] = "messages"

    def __init__(self, *, own_filter: str = TCP, verbose: bool = False, lone: type[Lone] | None = None) -> None:
        """`own_filter`: which messages are read. `verbose`: lines say more. `lone`: as Dialogues has it."""
        from pcapdig.chisels.dialogues import Dialogues
        from pcapdig.render.times import LocalClock

        super().__init__(verbose=verbose, own_filter=own_filter)
        self._clock = LocalClock()
        self._dialogues: Dialogues[R] = Dialogues(self.begin, lone=lone)

    def begin(self, opening: Opening) -> Dialogue[R, Any] | None:
        """A dialogue, if the protocol begins with this message."""
        raise NotImplementedError

    def lines(self, found: Found[R]) -> Iterable[Item]:
        """The lines of one record."""
        raise NotImplementedError

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Lines of the records that are complete."""
        return self._lines(self._dialogues.feed(rows))

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """Lines of what is open in connections that go, and so is not answered any more."""
        return self._lines(self._dialogues.renumber(renumbering))

    def end(self) -> Iterable[Item]:
        """Lines of what was never answered, by time."""
        return self._lines(self._dialogues.end())

    def notes(self) -> Iterator[str]:
        """What is to be said beside the lines, when they have ended."""
        return self._dialogues.notes()

    def _lines(self, found: Iterable[Found[R]]) -> Iterator[Item]:
        for one in found:
            yield from self.lines(one)

    def line(self, found: Found[R], words: str, members: dict[str, int | str | None]) -> Line:
        """A line dated by its record. `members`: what -j gives in its place; what is None is left out."""
        time_ns = found.record.moment.time_ns
        return Line(
            text=f"{self._clock.date_and_time_ns(time_ns)} {words}",
            fields=known_members(found, members.items()),
            order_ns=time_ns,
        )

    def when(self, record: Record) -> str:
        """Date and time of a record, as evt.datetime has them."""
        return self._clock.date_and_time_ns(record.moment.time_ns)

    def call_line(
        self,
        found: Found[R],
        pairs: dict[str, object],
        members: Members,
        *,
        before: str = "",
        shows_latency: bool = True,
    ) -> Line:
        """A line of both ends: what was said, then latency and the processes; under -v also their ids and the connection.

        Where no process is known the connection is shown in any case: it alone says who it was.

        Args:
            found: the record.
            pairs: shown before as `key=value`, quoted where they have to be; None is shown as <NA>.
            members: the same for -j, with numbers as numbers; read only there, and once.
            before: a word between time and pairs, with a blank after it.
            shows_latency: whether it is an answer that took its time.
        """
        if shows_latency:
            pairs["latency"] = latency_text(found.record)
        client, server = found.process(of_client=True), found.process(of_client=False)
        pairs["client.proc"] = client.name if client else None
        if self.verbose:
            pairs["client.pid"] = client.pid if client else None
        pairs["server.proc"] = server.name if server else None
        if self.verbose:
            pairs["server.pid"] = server.pid if server else None
        if self.verbose or not (client or server):
            pairs["fd.name"] = found.connection
        words = " ".join([f"{key}={value_text(value)}" for key, value in pairs.items()])
        time_ns = found.record.moment.time_ns
        return Line(
            text=f"{self._clock.date_and_time_ns(time_ns)} {before}{words}",
            fields=_call_members(found, members, client, server),
            order_ns=time_ns,
        )

    def view_words(self, found: Found[R], process: Process | None) -> str:
        """What a line of one end says of it, with a blank before it: with -v its process and the connection.

        Where no process is known the connection is shown in any case: it alone says who it was.
        """
        if not self.verbose:
            return "" if process else f" fd.name={found.connection}"
        name, pid = (process.name, process.pid) if process else (None, None)
        return f" proc.name={name or NOT_KNOWN} proc.pid={NOT_KNOWN if pid is None else pid} fd.name={found.connection}"

    def view_members(self, process: Process | None) -> dict[str, int | str | None]:
        """What -j says of the process of one end."""
        return _process_members("proc", process)


def known_members(found: Found[Any], members: Members) -> Members:
    """What -j says of every record, then its own; what is not known is left out."""
    yield "evt.rawtime", found.record.moment.time_ns
    if found.record.latency_ns is not None:
        yield "latency_ns", found.record.latency_ns
    yield "fd.name", found.connection
    yield from _known(members)


def _known(members: Members) -> Members:
    """Without what is not known."""
    return ((name, value) for name, value in members if value is not None)


def _call_members(found: Found[Any], members: Members, client: Process | None, server: Process | None) -> Members:
    """What -j says of a line of both ends."""
    yield from known_members(found, members)
    yield from _known(_process_members("client.proc", client).items())
    yield from _known(_process_members("server.proc", server).items())


def _process_members(prefix: str, process: Process | None) -> dict[str, int | str | None]:
    return {f"{prefix}.name": process.name if process else None, f"{prefix}.pid": process.pid if process else None}


def container_of(process: Process | None) -> str:
    """The id of a process's container, `host`, or <NA>."""
    return (process.container_id if process else None) or NOT_KNOWN


def latency_text(record: Record) -> str | None:
    """39ms, 1.63us; None where there was no answer, or no request."""
    return None if record.latency_ns is None else duration_text(record.latency_ns)


def value_text(value: object) -> str:
    """A value of `key=value`: in double quotes with escapes where it is empty or holds blanks, quotes or control characters."""
    if value is None:
        return NOT_KNOWN
    text = str(value)
    if text and text.isprintable() and " " not in text and '"' not in text and "\\" not in text:
        return text
    return json.dumps(text, ensure_ascii=False)


def one_line(text: str) -> str:
    """Text with each run of white space as one blank."""
    return " ".join(text.split())
