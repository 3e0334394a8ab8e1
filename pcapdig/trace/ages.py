"""How long each flow of a live trace has been silent, and so which rows of the flow table may go. See docs/decisions/0018.

A dig of files has none of this: its rows stay. Times are the capture's, so a quiet night ages a flow when the next packet comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pcapdig.trace.renumbering import Renumbering

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pcapdig.trace.columns import Packets

NS = 1_000_000_000


class AgeLimits(NamedTuple):
    """When a row may go: seconds of silence, and numbers of rows."""

    ended_s: float = 60
    """TCP that was closed by both ends, or by RST: Linux's TIME_WAIT (TCP_TIMEWAIT_LEN, include/net/tcp.h). What comes late still finds it."""
    hurried_s: float = 5
    """The same where room is short: Zeek's tcp_close_delay."""
    unsure_s: float = 120
    """Datagrams (RFC 4787, REQ-5), and TCP that was not answered or that one end has closed (nf_conntrack_tcp_timeout_syn_sent, _fin_wait)."""
    open_s: float = 7440
    """TCP that is open: 2 hours 4 minutes (RFC 5382, REQ-5), so that the keep-alives of two hours are in time."""
    fewest: int = 1 << 15
    """Rows below which none goes, so that it is done seldom."""
    most: int = 1 << 18
    """Rows at a time. Beyond it those that have ended go in a hurry, then those that were silent longest."""


AGE_LIMITS = AgeLimits()

_OPEN, _ENDED = 0, 1
"""As `Trace.endings` has them."""


class FlowAges:
    """The time of the last packet of each flow. Memory: 8 bytes a row."""

    def __init__(self, limits: AgeLimits = AGE_LIMITS) -> None:
        """No packet yet."""
        self.evicted = 0
        """Flows that went only because there were too many."""
        self._limits = limits
        self._last_ns = np.zeros(0, np.int64)
        self._now_ns = 0
        self._due = limits.fewest  # rows at which is looked whether some may go

    def see(self, packets: Packets) -> None:
        """Take in the next batch."""
        if not len(packets):
            return
        missing = len(packets.trace.flows) - len(self._last_ns)
        if missing > 0:
            grown = np.zeros(len(self._last_ns) + max(missing, len(self._last_ns) // 4), np.int64)
            grown[: len(self._last_ns)] = self._last_ns
            self._last_ns = grown
        self._now_ns = int(packets.time_ns[-1])
        has_flow = packets.flow >= 0
        self._last_ns[packets.flow[has_flow]] = packets.time_ns[has_flow]  # of several the last stays

    def is_due(self, rows: int) -> bool:
        """True when there are so many rows that some may have to go."""
        return rows >= self._due

    def renumbering(self, endings: NDArray[np.uint8]) -> Renumbering:
        """Which rows stay. `endings`: by row, as `Trace.endings` has them.

        Whoever asks must do it: the ages are those of the rows that stay from then on.
        """
        limits, count = self._limits, len(endings)
        # A clock that was set back makes no flow young again. In floats, as two times may be further apart than 64 bits can say.
        silent_s = np.abs(self._now_ns / NS - self._last_ns[:count] / NS)
        patience_s = np.select([endings == _OPEN, endings == _ENDED], [limits.open_s, limits.ended_s], limits.unsure_s)
        stays = silent_s <= patience_s
        least = limits.most - limits.most // 4
        if int(stays.sum()) > least:
            stays &= (endings != _ENDED) | (silent_s <= limits.hurried_s)
            too_many = int(stays.sum()) - least
            if too_many > 0:
                left = np.flatnonzero(stays)
                longest = left[np.argsort(-silent_s[left], kind="stable")[:too_many]]
                stays[longest] = False
                self.evicted += too_many
        found = Renumbering(stays)
        self._last_ns = found.column(self._last_ns)
        self._due = min(max(limits.fewest, 2 * len(found.kept)), limits.most)
        return found

    def notes(self) -> list[str]:
        """A sentence, where flows went because there were too many."""
        if not self.evicted:
            return []
        return [
            f"{self.evicted:,} connections were forgotten before they ended: more than {self._limits.most:,} were open at a time"
        ]
