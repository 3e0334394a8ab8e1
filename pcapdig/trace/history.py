"""What a packet is to those before it: how long its answer took, and how long nothing came; and its comments.

In: the batches of a trace, in order, those of which nothing is asked too. Out: two columns, for packets and for messages (a message has
those of its first packet). Kept by the trace (`trace.history`), and fed by whoever runs a filter or a format that asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pcapdig.trace.columns import NO_WAIT, NOT_KEPT, TCP_ACK, TCP_SYN, Packets
from pcapdig.trace.packet_comments import PacketComments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pcapdig.trace.facts import Facts
    from pcapdig.trace.renumbering import Renumbering

KEPT_PACKETS = 4_000_000
"""Packets whose columns are kept for messages that are not whole yet: 64 MB. A message that began earlier has no value."""


TCP = 6
_FAR = 1 << 32
"""Further than any two sequence numbers."""


def since(before_ns: NDArray[np.int64], after_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """ns from one time to another. What 64 bits cannot say (292 years) becomes the furthest that is no sign for nothing."""
    found = after_ns - before_ns  # modulo 2^64
    is_later = after_ns >= before_ns
    found[is_later & (found < 0)] = np.iinfo(np.int64).max
    found[~is_later & ((found >= 0) | (found == NOT_KEPT))] = NOT_KEPT + 1
    return found


class _Batch(NamedTuple):
    first_number: int
    wait_ns: NDArray[np.int64]
    gap_ns: NDArray[np.int64]


class History:
    """Follows the packets of a trace. Memory: 14 bytes a flow, KEPT_PACKETS of 16 bytes, and two batches of 13 bytes a packet."""

    __slots__ = (
        "_asked_ns",
        "_batches",
        "_by_client",
        "_client_end",
        "_comments",
        "_has_end",
        "_kept",
        "_last_ns",
        "_last_number",
    )

    def __init__(self) -> None:
        """No packet yet."""
        self._asked_ns = np.zeros(0, np.int64)  # by flow: time of the last packet that asked or answered
        self._by_client = np.zeros(0, np.bool_)  # whether it was the client's
        self._client_end = np.zeros(0, np.uint32)  # the sequence number that the client's data has reached
        self._has_end = np.zeros(0, np.bool_)
        self._batches: list[_Batch] = []
        self._kept = 0
        self._last_ns: int | None = None
        self._last_number = 0
        self._comments = PacketComments()

    def see(self, facts: Facts) -> None:
        """Take in the next batch. A batch seen before changes nothing, and messages are made of packets that were seen."""
        if not isinstance(facts, Packets) or not len(facts) or int(facts.number[0]) <= self._last_number:
            return
        before = np.empty_like(facts.time_ns)
        before[1:] = facts.time_ns[:-1]
        before[0] = facts.time_ns[0] if self._last_ns is None else self._last_ns
        gap_ns = since(before, facts.time_ns)
        self._comments.see(facts)
        self._batches.append(_Batch(int(facts.number[0]), self._waits(facts), gap_ns))
        self._last_ns, self._last_number = int(facts.time_ns[-1]), int(facts.number[-1])
        self._kept += len(facts)
        while self._kept > KEPT_PACKETS and len(self._batches) > 1:
            self._kept -= len(self._batches.pop(0).gap_ns)

    def wait_ns(self, facts: Facts) -> NDArray[np.int64]:
        """For each packet that begins a server's answer: ns since the last packet of the client's question, NO_WAIT for all others.

        A SYN asks, and the SYN+ACK answers it. Retransmissions ask and answer nothing. An answer of TCP acknowledges all of its question: one
        that acknowledges less, or more than was captured before it, has no value, nor has an answer stamped before its question.
        """
        return self._column(facts, "wait_ns", NO_WAIT)

    def gap_ns(self, facts: Facts) -> NDArray[np.int64]:
        """For each packet: ns since the packet before it in the capture; 0 for the first. Negative where stamps go back."""
        return self._column(facts, "gap_ns", NOT_KEPT)

    def comments(self, facts: Facts, rows: NDArray[np.intp]) -> list[str | None]:
        """The comments of some packets, or of the first packets of messages, each on one line; None where there are none."""
        self.see(facts)
        return self._comments.of(facts, rows.tolist())

    def renumber(self, renumbering: Renumbering) -> None:
        """Rows of the flow table go, the others get new numbers."""
        for name in ("_asked_ns", "_by_client", "_client_end", "_has_end"):
            setattr(self, name, renumbering.column(getattr(self, name)))

    def _column(self, facts: Facts, name: str, missing: int) -> NDArray[np.int64]:
        self.see(facts)
        column = np.full(len(facts), missing, np.int64)
        for batch in self._batches:
            values: NDArray[np.int64] = getattr(batch, name)
            if isinstance(facts, Packets) and len(facts) == len(values) and facts.number[:1] == batch.first_number:
                return values
            place = facts.number.astype(np.int64) - batch.first_number
            inside = (place >= 0) & (place < len(values))
            column[inside] = values[place[inside]]
        return column

    def _waits(self, packets: Packets) -> NDArray[np.int64]:
        """The column of `wait_ns` for the batch that comes next."""
        is_handshake = packets.tcp_flags & TCP_SYN != 0
        speaks = np.flatnonzero((packets.flow >= 0) & ((packets.fresh > 0) | is_handshake) & ~packets.out_of_window)
        waits = np.full(len(packets), NO_WAIT, np.int64)
        order = speaks[np.argsort(packets.flow[speaks], kind="stable")]
        if len(order):
            waits[order] = self._waits_by_flow(packets, order)
        return waits

    def _waits_by_flow(self, packets: Packets, order: NDArray[np.intp]) -> NDArray[np.int64]:
        """For packets sorted by flow: ns since the question each begins to answer, NO_WAIT where it does not."""
        flow, time_ns, forward = (column[order] for column in (packets.flow, packets.time_ns, packets.forward))
        self._grow(len(packets.trace.flows))
        asked_ns, by_client = np.empty(len(order), np.int64), np.empty(len(order), np.bool_)
        asked_ns[1:], by_client[1:] = time_ns[:-1], forward[:-1]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = flow[1:] != flow[:-1]
        asked_ns[is_first], by_client[is_first] = self._asked_ns[flow[is_first]], self._by_client[flow[is_first]]
        is_last = np.roll(is_first, -1)
        self._asked_ns[flow[is_last]], self._by_client[flow[is_last]] = time_ns[is_last], forward[is_last]
        # A SYN of a server that connects back asks, and answers nothing.
        flags = packets.tcp_flags[order]
        fits = (flags & TCP_SYN == 0) | (flags & TCP_ACK != 0)
        fits &= self._acknowledges_question(packets, order, is_first)
        return np.where(
            by_client & ~forward & fits & (time_ns >= asked_ns), since(asked_ns, packets.time_ns[order]), NO_WAIT
        )

    def _acknowledges_question(
        self, packets: Packets, order: NDArray[np.intp], is_first: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """For packets sorted by flow: whether each acknowledges all the client said before it, and no more. True where it says nothing of it."""
        flow, forward = packets.flow[order], packets.forward[order]
        is_syn = packets.tcp_flags[order] & TCP_SYN != 0
        end = packets.seq[order] + packets.payload_length[order] + is_syn.astype(np.uint32)
        group = np.cumsum(is_first) - 1
        firsts = flow[is_first]
        # Numbers wrap around, so all are counted from what the client had said before this batch, or says first.
        start = np.where(
            self._has_end[firsts], self._client_end[firsts], np.where(forward, end, packets.ack[order])[is_first]
        )
        said = (end - start[group]).astype(np.int32).astype(np.int64)
        unknown = np.where(self._has_end[firsts], 0, -_FAR)[group]
        floor = group.astype(np.int64) * (4 * _FAR)  # so that the highest of a flow is above all of the flows before it
        reached = np.maximum.accumulate(floor + np.where(forward, said, unknown)) - floor
        is_last = np.roll(is_first, -1)
        self._client_end[firsts] = (start.astype(np.int64) + np.maximum(reached[is_last], 0)).astype(np.uint32)
        self._has_end[firsts] = reached[is_last] > -_FAR
        acked = (packets.ack[order] - start[group]).astype(np.int32)
        beyond = acked - reached
        # A FIN without data takes a number too, and is not among these packets.
        says_nothing = (packets.trace.flows.protocol[flow] != TCP) | (packets.tcp_flags[order] & TCP_ACK == 0) | is_syn
        return np.asarray(says_nothing | (beyond == 0) | (beyond == 1), np.bool_)

    def _grow(self, flows: int) -> None:
        missing = flows - len(self._asked_ns)
        if missing > 0:
            self._asked_ns = np.concatenate([self._asked_ns, np.zeros(missing, np.int64)])
            self._by_client = np.concatenate([self._by_client, np.zeros(missing, np.bool_)])
            self._client_end = np.concatenate([self._client_end, np.zeros(missing, np.uint32)])
            self._has_end = np.concatenate([self._has_end, np.zeros(missing, np.bool_)])
