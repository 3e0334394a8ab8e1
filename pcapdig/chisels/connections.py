"""What each connection came to: packets and bytes each way, how it was opened and closed, who was at its ends.

Columns over the flows of a trace, filled batch by batch; `conns` and `netstat` read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pcapdig.chisels.totals import first_of_packet
from pcapdig.trace.columns import TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, Packets

if TYPE_CHECKING:
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

TCP, UDP = 6, 17
"""IPPROTO numbers."""
NEVER = np.iinfo(np.int64).max
"""Moment of what was not seen: SYN, ACK, FIN, RST. Packets at this last possible time count as a nanosecond before it there."""
CLIENT, SERVER = 0, 1
"""Second index of columns with a value for each end: who sent, or whose process it is."""
_REORDER_NS = 1_000_000
"""Packets this close may lie in a capture in another order than they were sent."""
_LINK_SLL2, _SLL2_BYTES, _SLL2_INDEX = 276, 20, 4
"""LINKTYPE_LINUX_SLL2: its number, size, and where the index of the interface is in it (tcpdump.org's list of link types)."""
_INDEX_MASK = (1 << 30) - 1
"""Linux counts interfaces from 1, in an int: what a broken file has beyond this must not leave the column."""
_IN_HEADER = 1 << 16
"""Interfaces that packets name themselves are numbered from here, as a capture describes fewer than that."""

_COLUMNS: dict[str, tuple[type, int, int]] = {
    # name: (type, values a flow, value before anything was seen)
    "passed": (np.bool_, 1, 0),
    "first_ns": (np.int64, 1, 0),
    "last_ns": (np.int64, 1, 0),
    "packets": (np.uint32, 2, 0),
    "outside": (np.uint32, 2, 0),
    "size_bytes": (np.int64, 2, 0),
    "repeats": (np.uint32, 2, 0),
    "syns": (np.uint32, 2, 0),
    "fins_alone": (np.uint32, 2, 0),
    "syn_ns": (np.int64, 2, NEVER),
    "ack_ns": (np.int64, 2, NEVER),
    "fin_ns": (np.int64, 2, NEVER),
    "rst_ns": (np.int64, 2, NEVER),
    "fin_number": (np.uint32, 2, 0),
    "rst_number": (np.uint32, 2, 0),
    "interface": (np.int32, 2, -1),
    "holder": (np.int32, 2, -1),
}


class Connections:
    """Columns by flow. Those with two values a flow have the client's first.

    A packet seen on several interfaces counts as often as the interface saw it that is ahead in its direction: which was first to
    show a packet that goes further than all before. So copies do not count, and a connection may move to another interface: the route
    changes, or the capture goes on in another file or section, whose interfaces are others.
    """

    passed: NDArray[np.bool_]
    """Whether a packet passed: without one no other column says anything."""
    first_ns: NDArray[np.int64]
    """Time of the first packet."""
    last_ns: NDArray[np.int64]
    packets: NDArray[np.uint32]
    """Packets sent by each end."""
    outside: NDArray[np.uint32]
    """TCP: those of them that their receiver would not accept. Nothing else is concluded from these."""
    size_bytes: NDArray[np.int64]
    """Payload sent by each end, each byte once."""
    repeats: NDArray[np.uint32]
    """TCP: packets whose payload was, at least in part, sent before."""
    syns: NDArray[np.uint32]
    """TCP: packets with SYN; the server's have ACK too."""
    fins_alone: NDArray[np.uint32]
    """TCP: packets with FIN and without payload."""
    syn_ns: NDArray[np.int64]
    """Time of the first SYN."""
    ack_ns: NDArray[np.int64]
    """Time of the first packet with ACK and without SYN and RST."""
    fin_ns: NDArray[np.int64]
    """Time of the first FIN."""
    rst_ns: NDArray[np.int64]
    """Time of the first RST."""
    fin_number: NDArray[np.uint32]
    """The sequence number of the first FIN, and below of the first RST: an end that sends more did not send that."""
    rst_number: NDArray[np.uint32]
    interface: NDArray[np.int32]
    """The interface, as `_seen_on` numbers them, that is ahead in a direction."""
    furthest: NDArray[np.int64]
    """TCP, with several interfaces: the last sequence number and the last acknowledgment of each direction, the client's first."""
    holder: NDArray[np.int32]
    """Row in trace.processes of the process last seen at each end, -1: nobody."""

    def __init__(self) -> None:
        """No flow yet."""
        self._reserved = 0
        self.furthest = np.zeros((0, 4), np.int64)  # made where there are several interfaces
        self._ends = np.zeros(0, np.int64)  # flow, end and process in one number, each once
        self._grow(64)

    def _grow(self, flows: int) -> None:
        """Make room for so many flows."""
        if flows <= self._reserved:
            return
        reserved = max(flows, self._reserved + (self._reserved >> 2))
        for name, (kind, width, nothing) in _COLUMNS.items():
            shape = (reserved, width) if width > 1 else (reserved,)
            # Zeros take no memory before they are written to.
            column: NDArray[Any] = np.full(shape, nothing, kind) if nothing else np.zeros(shape, kind)
            if self._reserved:
                column[: self._reserved] = getattr(self, name)[: self._reserved]
            setattr(self, name, column)
        self._reserved = reserved

    def add(self, rows: Rows) -> None:
        """Count the packets of these rows, each once, and note the processes at their ends."""
        rows = rows.select(rows.flow >= 0)
        if not len(rows):
            return
        self._grow(len(rows.trace.flows))
        self._note_ends(rows)
        rows = rows.select(first_of_packet(rows))
        flow = rows.flow.astype(np.intp)
        slot = 2 * flow + ~rows.forward  # an end's place in a flattened column
        new = ~self.passed[flow]
        self.first_ns[flow[new]] = self.last_ns[flow[new]] = rows.time_ns[new]
        self.passed[flow] = True
        np.minimum.at(self.first_ns, flow, rows.time_ns)
        np.maximum.at(self.last_ns, flow, rows.time_ns)
        counted = self._counted(rows, slot)
        self._sum("size_bytes", slot, rows.size)
        self._sum("packets", slot[counted])
        if bool(rows.out_of_window.any()):
            self._sum("outside", slot[counted & rows.out_of_window])
            inside = np.flatnonzero(~rows.out_of_window)
            rows, flow, slot, counted = rows.select(inside), flow[inside], slot[inside], counted[inside]
        self._add_tcp(rows, flow, slot, counted)

    def _counted(self, rows: Rows, slot: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which packets are not another interface's copy."""
        interface = self.interface.reshape(-1)
        seen_on = _seen_on(rows)
        new = np.flatnonzero(interface[slot] < 0)
        if len(new):
            slots, first = np.unique(slot[new], return_index=True)
            interface[slots] = seen_on[new[first]]
        if len(rows.trace.interfaces) < 2 and bool((seen_on < _IN_HEADER).all()):
            return np.ones(len(rows), np.bool_)
        order = np.argsort(slot, kind="stable")
        slot, seen_on = slot[order], seen_on[order]
        begins = np.concatenate(([True], slot[1:] != slot[:-1]))
        leads = (rows.size[order] > 0) | self._goes_further(rows, order, slot)
        place = np.arange(len(slot))
        leader = np.maximum.accumulate(np.where(leads | begins, place, 0))  # the last packet that led
        ahead = np.where(leads[leader], seen_on[leader], interface[slot])
        ends = np.concatenate((begins[1:], [True]))
        interface[slot[ends]] = ahead[ends]
        counted = np.empty(len(slot), np.bool_)
        counted[order] = ahead == seen_on
        return counted

    def _goes_further(self, rows: Rows, order: NDArray[np.intp], slot: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which TCP packets sent or acknowledged more than all before in their direction. Packets are sorted by `slot`."""
        further = np.zeros(len(slot), np.bool_)
        facts = rows.facts
        if not isinstance(facts, Packets):
            return further
        packet = rows.packet[order]
        flags, is_tcp = rows.tcp_flags[order], rows.trace.flows.protocol[slot >> 1] == TCP
        beyond = rows.length[order] + (flags & (TCP_SYN | TCP_FIN | TCP_RST) != 0)
        has_ack = is_tcp & (flags & TCP_ACK != 0)
        if len(self.furthest) < self._reserved:
            grown = np.full((self._reserved, 4), -1, np.int64)
            grown[: len(self.furthest)] = self.furthest
            self.furthest = grown
        furthest = self.furthest.reshape(-1)
        numbers = ((facts.seq[packet] + beyond, is_tcp), (facts.ack[packet].astype(np.int64), has_ack))
        for column, (number, counts) in enumerate(numbers):
            if not counts.any():
                continue
            kept = np.flatnonzero(counts)
            further[kept] |= _raises(furthest, 2 * slot[kept] + column, number[kept])
        return further

    def _add_tcp(self, rows: Rows, flow: NDArray[np.intp], slot: NDArray[np.intp], counted: NDArray[np.bool_]) -> None:
        is_tcp = rows.trace.flows.protocol[flow] == TCP
        flags, time_ns, length = rows.tcp_flags, np.minimum(rows.time_ns, NEVER - 1), rows.length
        is_syn, is_fin, is_rst = (is_tcp & (flags & bit != 0) for bit in (TCP_SYN, TCP_FIN, TCP_RST))
        is_ack = is_tcp & (flags & (TCP_SYN | TCP_RST | TCP_ACK) == TCP_ACK)
        is_fin = self._not_retracted(rows, slot, "fin", is_fin)
        is_rst = self._not_retracted(rows, slot, "rst", is_rst)
        for name, seen in (("syn_ns", is_syn), ("ack_ns", is_ack), ("fin_ns", is_fin), ("rst_ns", is_rst)):
            np.minimum.at(getattr(self, name).reshape(-1), slot[seen], time_ns[seen])
        self._sum("syns", slot[is_syn & counted])
        self._sum("fins_alone", slot[is_fin & counted & (length == 0)])
        self._sum("repeats", slot[is_tcp & counted & (rows.size < length)])

    def _not_retracted(
        self, rows: Rows, slot: NDArray[np.intp], name: str, has: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Which of the packets with FIN or RST count: those after which their end sends nothing that lies beyond them.

        Whoever goes on sending did not send them: a blind attacker did, with a number that fitted (RFC 5961 section 1). New data below the
        number of an RST says so too, unless it comes so soon that the capture may have it in another order.
        """
        times, numbers = getattr(self, f"{name}_ns").reshape(-1), getattr(self, f"{name}_number").reshape(-1)
        data = np.flatnonzero((rows.size > 0) & (rows.tcp_flags & (TCP_SYN | TCP_RST) == 0))
        if not isinstance(rows.facts, Packets):
            return has
        ends = np.flatnonzero(has)
        slots, first = np.unique(slot[ends], return_index=True)
        number = rows.facts.seq[rows.packet].astype(np.uint32)
        stop = number + rows.length.astype(np.uint32)
        new = times[slots] == NEVER
        numbers[slots[new]] = (stop if name == "fin" else number)[ends[first[new]]]
        began = np.full(len(slots), -1)
        began[new] = ends[first[new]]  # the place behind which data retracts it
        data = data[(times[slot[data]] != NEVER) | np.isin(slot[data], slots)]
        at = np.searchsorted(slots, slot[data])
        here = at < len(slots)
        here[here] = slots[at[here]] == slot[data[here]]
        behind = np.ones(len(data), np.bool_)
        behind[here] = data[here] > began[at[here]]
        beyond = (stop[data] - numbers[slot[data]]).astype(np.int32) > 0
        if name == "rst":
            since = times[slot[data]]
            since[here] = np.minimum(since[here], rows.time_ns[ends[first[at[here]]]])
            beyond |= rows.time_ns[data] > np.minimum(since, NEVER - _REORDER_NS) + _REORDER_NS
        data = data[behind & beyond]
        for gone, last in {int(slot[i]): int(i) for i in data}.items():
            has = has & ~((slot == gone) & (np.arange(len(slot)) <= last))
            times[gone] = NEVER
            again = np.flatnonzero(has & (slot == gone))
            if len(again):
                numbers[gone] = (stop if name == "fin" else number)[again[0]]
        return has

    def _sum(self, name: str, slot: NDArray[np.intp], amounts: NDArray[np.int64] | None = None) -> None:
        np.add.at(getattr(self, name).reshape(-1), slot, 1 if amounts is None else amounts)

    def _note_ends(self, rows: Rows) -> None:
        known = rows.process >= 0
        slot = 2 * rows.flow[known].astype(np.int64) + ~rows.is_client[known]
        self.holder.reshape(-1)[slot] = rows.process[known]  # of several the last stays
        self._ends = np.union1d(self._ends, (slot << 32) + rows.process[known])

    def seen(self) -> NDArray[np.intp]:
        """Flows of which a packet passed, in the order of their first packets."""
        flows = np.flatnonzero(self.passed)
        return flows[np.argsort(self.first_ns[flows], kind="stable")]

    def processes(self, flow: int, end: int) -> list[int]:
        """The processes seen at an end of a flow."""
        slot = 2 * flow + end
        start, stop = self._ends.searchsorted(np.array((slot << 32, (slot + 1) << 32), np.int64))
        return [entry & 0xFFFFFFFF for entry in self._ends[start:stop].tolist()]

    def processes_of(self, flows: NDArray[np.intp]) -> list[tuple[list[int], list[int]]]:
        """The processes seen at the client's and at the server's end of each flow."""
        if not len(self._ends):
            nobody: list[int] = []
            return [(nobody, nobody)] * len(flows)
        slots = np.stack((2 * flows, 2 * flows + 1, 2 * flows + 2), axis=1).astype(np.int64) << 32
        bounds = self._ends.searchsorted(slots).tolist()
        return [
            tuple(
                (self._ends[a:b] & 0xFFFFFFFF).tolist() if a < b else [] for a, b in ((first, middle), (middle, last))
            )
            for first, middle, last in bounds
        ]

    def retransmits(self, flow: int, end: int) -> int:
        """TCP: packets an end sent again, at least in part: payload, SYN or FIN."""
        fins = int(self.fins_alone[flow, end])
        return int(self.repeats[flow, end]) + max(0, int(self.syns[flow, end]) - 1) + max(0, fins - 1)

    def round_trip_ns(self, flow: int) -> int | None:
        """TCP: from the client's SYN to its ACK of the server's. None: not seen whole, or a SYN was sent again.

        Wherever the capture was taken, that is the way from there to the server and back, and to the client and back.
        """
        if self.syns[flow].tolist() != [1, 1]:
            return None
        syn_ns, ack_ns = int(self.syn_ns[flow, CLIENT]), int(self.ack_ns[flow, CLIENT])
        if ack_ns == NEVER or not syn_ns <= int(self.syn_ns[flow, SERVER]) <= ack_ns:
            return None
        return ack_ns - syn_ns

    def closed_ns(self, flow: int) -> int | None:
        """TCP: when both ends had sent FIN, or one RST. None: it is open."""
        moment = min(int(self.fin_ns[flow].max()), int(self.rst_ns[flow].min()))
        return None if moment == NEVER else moment

    def renumber(self, renumbering: Renumbering) -> None:
        """Rows of the flow table go, the others get new numbers."""
        for name in _COLUMNS:
            setattr(self, name, renumbering.column(getattr(self, name)))
        self._reserved = len(self.passed)
        self.furthest = renumbering.column(self.furthest)
        flow = renumbering.new[self._ends >> 33]
        stays = flow >= 0
        self._ends = (flow[stays].astype(np.int64) << 33) + (self._ends[stays] & ((1 << 33) - 1))

    def forget(self, flows: NDArray[np.intp]) -> None:
        """Begin anew with these flows."""
        for name, (_, _, nothing) in _COLUMNS.items():
            getattr(self, name)[flows] = nothing
        self.furthest[flows[flows < len(self.furthest)]] = -1
        self._ends = self._ends[~np.isin(self._ends >> 33, flows)]


def _seen_on(rows: Rows) -> NDArray[np.int64]:
    """The interface of each packet: its row in trace.interfaces; where the packet itself names it (Linux cooked v2), beyond these."""
    seen_on = rows.interface.astype(np.int64)
    cooked = [i for i, found in enumerate(rows.trace.interfaces) if found.link_type == _LINK_SLL2]
    if not cooked or not isinstance(rows.facts, Packets):
        return seen_on
    facts = rows.facts
    which = np.flatnonzero(np.isin(seen_on, cooked) & (facts.captured[rows.packet] >= _SLL2_BYTES))
    start = facts.offset[rows.packet[which]].astype(np.intp)
    data = np.frombuffer(facts.data, np.uint8)
    number = np.zeros(len(which), np.int64)
    for i in range(_SLL2_INDEX, _SLL2_INDEX + 4):  # big-endian
        number = number << 8 | data[start + i]
    seen_on[which] = _IN_HEADER + (number & _INDEX_MASK)
    return seen_on


def _raises(furthest: NDArray[np.int64], slot: NDArray[np.intp], number: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which 32-bit numbers are beyond all before with the same slot, in RFC 9293's circle; `furthest` takes them along.

    Args:
        furthest: by slot, -1 where there was none.
        slot: sorted, at least one.
        number: one for each slot given.
    """
    begins = np.concatenate(([True], slot[1:] != slot[:-1]))
    first = np.flatnonzero(begins)
    run = np.cumsum(begins) - 1
    known = furthest[slot[first]]
    base = np.where(known < 0, number[first] - 1, known)
    way = (number - base[run]).astype(np.int32).astype(np.int64)  # signed distance on the circle
    floor = run << 33
    most = np.maximum.accumulate(floor + np.maximum(way, 0))
    before = np.concatenate(([0], most[:-1]))
    raises: NDArray[np.bool_] = (way > 0) & (most > np.maximum(before, floor))
    last = np.concatenate((first[1:], [len(slot)])) - 1
    furthest[slot[last]] = (base + most[last] - floor[last]) & 0xFFFFFFFF
    return raises
