"""Which processes a file names. The one place that knows how a file says whose a packet is.

So far: comments as pcapdig writes them (`pcapdig.pcapng.comments`). Other writers' comments, option 8 alone and process blocks are
to be read here too; until then they are passed over, never guessed at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pcapdig.pcapng import comments
from pcapdig.trace.columns import EVIDENCE_NAMES

if TYPE_CHECKING:
    from pcapdig.procs.process import Process


class Claim(NamedTuple):
    """What one comment says of one end of a packet."""

    process: int
    """Row in the trace's processes."""
    is_write: bool
    """The sender's end, else the receiver's."""
    evidence: int
    """EVIDENCE_*."""


class Processes:
    """The process table of a trace: each process once, by what its comments say of it."""

    __slots__ = ("_rows", "known")

    def __init__(self) -> None:
        """No process yet."""
        self.known: list[Process] = []
        """Processes by row. Rows are only added."""
        self._rows: dict[Process, int] = {}

    def row_of(self, process: Process) -> int:
        """The row of a process, made if it is new."""
        row = self._rows.setdefault(process, len(self.known))
        if row == len(self.known):
            self.known.append(process)
        return row

    def claim_of(self, comment: bytes) -> Claim | None:
        """Read one packet comment; None when it does not name a process. Called once for each different comment."""
        parsed = comments.parse(comment)
        if parsed is None or parsed.evidence not in EVIDENCE_NAMES:
            return None
        return Claim(self.row_of(parsed.process), parsed.is_write, EVIDENCE_NAMES.index(parsed.evidence))
