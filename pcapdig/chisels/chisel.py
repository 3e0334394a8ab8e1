"""What every chisel is, to those that list, run and feed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.render.items import Item
    from pcapdig.trace.rows import Rows

Needs: TypeAlias = Literal["packets", "messages"]
"""Which rows a chisel is fed: one a packet and end, or one a reassembled message and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arg:
    """One argument of a chisel."""

    name: str
    """The keyword it is passed by."""
    type: str
    """ipv4, int, string: shown by -i."""
    description: str
    """What it is for."""
    optional: bool = False
    """It may be left out. Optional arguments follow the others."""


class Chisel(Protocol):
    """A chisel. Its class can be listed without loading numpy: whatever computes is imported when a chisel is made.

    Made by its class: `Class(verbose=..., **arguments)`, with the arguments' texts by name.

    A class may have an attribute `with_containers`: the class that takes its place under -pc, with the same arguments. A chisel of messages
    may have an attribute `beginning` (streams.reassembler.Beginning): it reads nothing of a flow before such a message.

    A chisel that keeps something by flow (`Rows.flow`) has a method `renumber(renumbering)`: live, rows of the flow table go when their
    connections are over, and the others get new numbers (trace.renumbering). It gives the items of what it kept of those that go, while `trace`
    still has them, and moves the rest. Where a chisel that did not come with pcapdig has none, rows stay, and memory grows.

    Raises:
        UsageError: an argument is not what its type says.
    """

    name: ClassVar[str]
    """As -c takes it."""
    category: ClassVar[str]
    """What it is listed under."""
    short_description: ClassVar[str]
    """A few words, for -cl."""
    description: ClassVar[str]
    """A paragraph, for -i."""
    args: ClassVar[tuple[Arg, ...]]
    """Its arguments, required ones first."""
    needs: ClassVar[Needs]
    """Which rows it wants."""
    every_second: ClassVar[bool]
    """`interval` is part of its output from files too. Where it is not, a dig of files calls only `end`."""
    refreshes: ClassVar[bool]
    """What `interval` gives replaces what it gave before, as a table on a terminal does."""

    def __init__(self, *, verbose: bool = False, **arguments: str) -> None: ...

    @property
    def filter(self) -> str:
        """Its own filter, in the filter language; the user's is joined to it. Blank: it takes all rows."""

    @property
    def colour(self) -> bool:
        """False: its output is never coloured, whatever the terminal can."""

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Take rows that passed the filters, in the order of the capture (messages: as they end)."""

    def interval(self, time_ns: int) -> Iterable[Item]:
        """A second of the capture is over: rows fed from now on are of a later one, or the capture ended within it.

        Only seconds in which packets were captured, those the filter leaves out included, are told. `time_ns`: start of
        the second, ns since 1970.
        """

    def end(self) -> Iterable[Item]:
        """There are no more rows."""
