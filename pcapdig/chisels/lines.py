"""What chisels that show lines share: the answers they give alike, and columns under headings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pcapdig.render.items import NOT_KNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pcapdig.chisels.chisel import Arg, Needs
    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows


class LineChisel:
    """A chisel with the usual answers: packets, no filter of its own, nothing by seconds. A subclass has names, and `feed` or `end`."""

    args: ClassVar[tuple[Arg, ...]] = ()
    needs: ClassVar[Needs] = "packets"
    every_second: ClassVar[bool] = False
    refreshes: ClassVar[bool] = False

    def __init__(self, *, verbose: bool = False, own_filter: str = "", colour: bool = True) -> None:
        """A chisel whose rows are those of `own_filter`. `verbose`: -v was given."""
        self.verbose = verbose
        self.filter = own_filter
        self.colour = colour

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Take rows; show nothing yet."""
        return ()

    def interval(self, time_ns: int) -> Iterable[Item]:
        """Nothing goes by seconds here."""
        return ()

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """Nothing is kept by flow here."""
        return ()

    def end(self) -> Iterable[Item]:
        """All has been shown."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One column of lines."""

    heading: str
    width: int
    """Characters, the blank after it included. A longer text is not cut: what follows it moves. 0 for the last column."""
    is_number: bool = False
    """Written at the right of its column."""


def row_text(cells: Sequence[Cell], texts: Sequence[str]) -> str:
    """Texts in their columns. One that fills its column is still followed by a blank."""
    parts = []
    for cell, text in zip(cells, texts, strict=True):
        width = cell.width - 1
        parts.append(text.rjust(width) if cell.is_number else text.ljust(width))
    return " ".join(parts).rstrip()


def row_maker(cells: Sequence[Cell]) -> Callable[..., str]:
    """What makes lines like `row_text`, given a text or number for each cell, where there are many."""
    marks = [f"{{:{'>' if cell.is_number else '<'}{cell.width - 1}}}" if cell.width else "{}" for cell in cells]
    return " ".join(marks).format


def heading(cells: Sequence[Cell], *, rule_character: str = "") -> Iterator[Line]:
    """The line of headings, and a rule under it if a character is given for that."""
    yield Line(text=row_text(cells, [cell.heading for cell in cells]), is_heading=True)
    if rule_character:
        widths = [cell.width - 1 if cell.width else len(cell.heading) for cell in cells]
        yield Line(text=" ".join(rule_character * width for width in widths), is_heading=True)


def ends_text(clients: Iterable[str], servers: Iterable[str]) -> str:
    """`curl->httpd`: who was seen at each end, each name once; `<NA>` where nobody is known."""
    ends = [",".join(sorted(set(names))) for names in (clients, servers)]
    if not any(ends):
        return NOT_KNOWN
    return "->".join(end or NOT_KNOWN for end in ends)


def process_text(trace: Dimensions, process_id: int) -> str:
    """`httpd(15457)`; `<NA>` for what a file of another program does not say."""
    process = trace.processes[process_id]
    return f"{process.name or NOT_KNOWN}({NOT_KNOWN if process.pid is None else process.pid})"
