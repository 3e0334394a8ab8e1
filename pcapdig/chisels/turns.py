"""How long each answer took: from the last packet of a question to the first one of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pcapdig.chisels.totals import first_of_packet
from pcapdig.trace.columns import TCP_ACK, TCP_SYN

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows


class Turns:
    """Follows the turns of direction of each flow. A client's SYN is a question too, and the server's SYN+ACK the answer to it."""

    __slots__ = ("_asked_ns", "_by_client")

    def __init__(self) -> None:
        """No flow yet."""
        self._asked_ns = np.zeros(0, np.int64)  # by flow: time of the last packet that asked or answered
        self._by_client = np.zeros(0, np.bool_)  # whether it was the client's

    def waits(self, rows: Rows) -> tuple[Rows, NDArray[np.int64]]:
        """The rows of packets that begin an answer, and how long each was waited for, in ns.

        A client's question is answered by the server. Retransmissions ask and answer nothing.
        """
        is_handshake = rows.tcp_flags & TCP_SYN != 0
        speaks = np.flatnonzero((rows.flow >= 0) & ((rows.size > 0) | is_handshake))
        rows = rows.select(speaks)
        first = np.flatnonzero(first_of_packet(rows))
        waited = np.full(len(rows), -1, np.int64)
        order = first[np.argsort(rows.flow[first], kind="stable")]
        if len(order):
            waited[order] = self._waited(rows, order)
            waited = waited[first][np.cumsum(first_of_packet(rows)) - 1]  # both ends of a packet waited for it
        answers = waited >= 0
        return rows.select(answers), waited[answers]

    def _waited(self, rows: Rows, order: NDArray[np.intp]) -> NDArray[np.int64]:
        """For packets sorted by flow: ns since the question each begins to answer, -1 where it does not."""
        flow, time_ns, forward = (column[order] for column in (rows.flow, rows.time_ns, rows.forward))
        self._grow(len(rows.trace.flows))
        asked_ns, by_client = np.empty(len(order), np.int64), np.empty(len(order), np.bool_)
        asked_ns[1:], by_client[1:] = time_ns[:-1], forward[:-1]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = flow[1:] != flow[:-1]
        asked_ns[is_first], by_client[is_first] = self._asked_ns[flow[is_first]], self._by_client[flow[is_first]]
        is_last = np.roll(is_first, -1)
        self._asked_ns[flow[is_last]], self._by_client[flow[is_last]] = time_ns[is_last], forward[is_last]
        return np.where(by_client & ~forward & self._fits(rows, order), np.maximum(time_ns - asked_ns, 0), -1)

    @staticmethod
    def _fits(rows: Rows, order: NDArray[np.intp]) -> NDArray[np.bool_]:
        """A SYN+ACK or payload: a SYN of a server that connects back asks, and answers nothing."""
        flags = rows.tcp_flags[order]
        fits: NDArray[np.bool_] = (flags & TCP_SYN == 0) | (flags & TCP_ACK != 0)
        return fits

    def _grow(self, flows: int) -> None:
        missing = flows - len(self._asked_ns)
        if missing > 0:
            self._asked_ns = np.concatenate([self._asked_ns, np.zeros(missing, np.int64)])
            self._by_client = np.concatenate([self._by_client, np.zeros(missing, np.bool_)])
