"""What a chisel or a dig hands out to be shown: values and words, no layout, no escapes, no time text.

In: nothing. Out: the item types that `renderer.py` turns into text or JSON. Callers: chisels, dig. Must not know how
anything looks.

Items are tuples: one is made a line, three times as fast as a frozen dataclass, and start-up does not wait for code to be made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Unit: TypeAlias = Literal["bytes", "time", "count"]
"""How a table's value is written: `bytes` as 331.68KB, `time` (in ns) as 3.94ms, `count` as a plain integer."""


NOT_KNOWN = "<NA>"
"""What is shown for a value that is not known, as sysdig does."""


class Column(NamedTuple):
    """One column of a table.

    Positional, since tables of chisels are written as data: `Column("proc.name", "Process")`.
    """

    field: str
    """The catalogue's name of the field that fills it: `proc.name`. Names the column in JSON."""
    heading: str
    """What stands above it: `Process`."""


class Table(NamedTuple):
    """A ranked table: a value, then one or more keys.

    Rows come in the order shown, already cut to the chisel's limit.
    """

    value: Column
    """The counted column, shown first: `Column("evt.rawarg.res", "Bytes")`."""
    keys: tuple[Column, ...]
    """The key columns, at least one, in the order shown."""
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    """(value, one text per key) each. Empty: heading and rule are still shown."""
    unit: Unit = "bytes"
    """How the value is written in text; JSON has the plain integer."""
    time_ns: int = 0
    """Time of the last event counted, ns since 1970; 0 where there was none. Only in JSON (`ts`)."""
    found: int | None = None
    """Rows that there would be without a limit; None: nobody counted them."""
    things: str = "rows"
    """What a row is one of, for a note that there are more: `connections`."""
    all_of: str = ""
    """How to see the rest, as the end of that note: `conns lists them all`."""


class Line(NamedTuple):
    """One line of words: `12:00:01 in:984 out:1716 tot:2700`."""

    text: str
    """Without the time and without a newline. Tabs part its columns; other control characters become dots."""
    time_ns: int | None = None
    """Shown before the text as local HH:MM:SS; None: no time is shown."""
    fields: Iterable[tuple[str, int | str | None]] = ()
    """The same content as (name, value) pairs: with -j the line becomes an object of these; None is null.

    Read only with -j, and once: a generator makes them only where they are wanted. An empty tuple: -j leaves the text.
    """
    is_heading: bool = False
    """It names the columns of the lines after it: with -j it is left out."""
    order_ns: int | None = None
    """A log's line: when it was, ns since 1970. The dig shows such lines by time. None: it is shown when it comes."""


class Gap(NamedTuple):
    """Bytes that were sent but are not in the buffer: lost by the capture, or cut by the snap length."""

    offset: int
    """Where in the buffer (0 to its length) they are missing: before the byte at this index."""
    size_bytes: int
    """How many are missing, at least 1."""


class Exchange(NamedTuple):
    """What one end read or wrote: a header line, then the bytes."""

    is_write: bool
    """Direction as this end sees it: written by it, or read."""
    size_bytes: int
    """Bytes moved, those missing in the buffer included. Shown in the header as bytes text."""
    buffer: bytes
    """The bytes captured, without those missing."""
    gaps: tuple[Gap, ...] = ()
    """What is missing in the buffer, in rising order of offset."""
    connection: str | None = None
    """Client, then server: `127.0.0.1:41135->127.0.0.1:80`. None: the header does not name it (spy_ip, spy_port)."""
    process: str | None = None
    """Name of this end's process, shown in round brackets under -v; None is shown as `<NA>`."""
    pid: int | None = None
    """Its process id. Only in JSON; None is null."""
    container_id: str | None = None
    """Its container, shown under -pc; None is shown as `<NA>`."""
    time_ns: int | None = None
    """When its first byte passed, ns since 1970. Only in JSON; None is null."""


class Event(NamedTuple):
    """One event line, what scrolls when no chisel is chosen."""

    number: int
    """evt.num, from 1."""
    time_ns: int
    """ns since 1970; written as -t says."""
    process: str | None
    """Process name; None is shown as `<NA>`."""
    pid: int | None
    """Process id; None is shown as `<NA>`."""
    direction: str
    """evt.dir: `<` or `>`."""
    type: str
    """evt.type: `read`, `write`, `connect`, ..."""
    arguments: tuple[tuple[str, str | int], ...] = ()
    """(name, value) pairs shown as `name=value` before the data: `("res", 551)`."""
    buffer: bytes | None = None
    """Payload, shown as `data=...` by -A, -x, -X, -b, clipped to 80 characters in the plain form unless -v.

    None: no data shown.
    """
    gaps: tuple[Gap, ...] = ()
    """What is missing in the buffer."""
    connection: str | None = None
    """Shown last, as `tuple=...`; None: not shown."""
    container_id: str | None = None
    """Shown under -pc; None is shown as `<NA>`."""
    latency_ns: int | None = None
    """How long the answer took that it begins, shown under -t d; None: it begins none, or nobody asked."""


class NewFile:
    """A file that an extract begins where nothing is overwritten. The same object in all its pieces."""

    __slots__ = ("path",)

    def __init__(self) -> None:
        self.path: str | None = None
        """Where it was put, by whoever wrote the first piece; None: not yet."""


class Extract(NamedTuple):
    """Captured bytes for a file of their own. It is not shown: the dig writes it."""

    directory: str
    """Where the file belongs, made if it is not there."""
    name: str
    """The file's name, without a directory."""
    data: bytes
    """What is added at its end."""
    new: NewFile | None = None
    """Of a file that must not replace another: it gets a number in its name if the name is taken. None: the first piece of a dig replaces a
    file that was there before."""


Item: TypeAlias = Table | Line | Exchange | Event | Extract
"""Anything a chisel hands out."""
