"""Datagrams that answer a request which was not captured yet: they wait for it, as segments of TCP do in streams/.

Two taps whose clocks differ, and a card with several queues, write an answer before its request. Nothing in UDP says so; the protocol does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.protocols.conversation import Turn
    from pcapdig.trace.renumbering import Renumbering

EARLY_NS = 150_000_000
"""How long an answer waits for its request, in time of the capture: as long as in streams/ (docs/decisions/0012)."""
EARLY_MAX = 10_000
"""Answers that wait at a time; beyond it those of the flow that waits longest wait no more."""


class EarlyTurns(dict[int, "list[Turn]"]):
    """Answers that wait, by flow, waiting longest first. A dictionary, since each turn looks whether it is empty."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def add(self, flow: int, turn: Turn) -> None:
        """One more waits."""
        self.setdefault(flow, []).append(turn)
        self._count += 1

    def flows(self) -> list[int]:
        """The flows in which answers wait."""
        return list(self)

    def take(self, flow: int) -> list[Turn]:
        """Those of a flow wait no more."""
        turns = self.pop(flow)
        self._count -= len(turns)
        return turns

    def renumber(self, renumbering: Renumbering) -> None:
        """Flows get new numbers. None waits in those that go."""
        kept = renumbering.keys(self)
        self.clear()
        self.update(kept)

    def take_overdue(self, now_ns: int) -> Iterator[tuple[int, list[Turn]]]:
        """The flows whose first answer has waited long enough, or too many: those wait no more. `now_ns`: time of the capture."""
        while self:
            flow, turns = next(iter(self.items()))
            # A clock that was set back by as much is no reason to wait for ever.
            if abs(now_ns - turns[0].moment.time_ns) <= EARLY_NS and self._count <= EARLY_MAX:
                return
            yield flow, self.take(flow)

    def take_all(self) -> Iterator[tuple[int, list[Turn]]]:
        """All of them."""
        while self:
            flow = next(iter(self))
            yield flow, self.take(flow)
