"""What a dig is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pcapdig.filters import ALWAYS
from pcapdig.render.options import Options

if TYPE_CHECKING:
    from pcapdig.chisels.chisel import Chisel
    from pcapdig.filters import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One dig. The chisels in it are used up by it: they count."""

    filter: Filter = ALWAYS
    """The user's: which rows pass."""
    chisels: tuple[Chisel, ...] = ()
    """To run side by side, in the order of their output. None: event lines are shown."""
    show: Options = field(default_factory=Options)
    """How items look."""
    format: str | None = None
    """-p: format of event lines, in place of sysdig's default one."""
    limit: int | None = None
    """-n: end after so many rows (events) that passed `filter`; None: no limit."""
    quiet: bool = False
    """-q: no event lines."""
    summary: bool = False
    """-S: at the end, how many events of each type passed."""
    window_ns: int | None = None
    """Lines of logs wait for earlier ones so long, in ns of the capture's time. None: to the end of the capture, as far as they have room."""
    notes: list[str] = field(default_factory=list)
    """What is to be said beside the output, a sentence each; filled when the dig ends."""
