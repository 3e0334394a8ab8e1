"""How little is remembered of connections that have just begun or have ended, and that nothing is lost by it."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from pcapdig.streams._reassemble import Assembler
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows

FIN, SYN, RST, ACK = 1, 2, 4, 16
MIB = 1 << 20


@dataclass
class Wire:
    """Packets of TCP flows, in order."""

    rows: list[dict[str, int]] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)

    def packet(
        self, flags: int, seq: int, data: bytes = b"", *, back: bool = False, flow: int = 0, ack: int = 0
    ) -> Wire:
        """One segment; `back`: from the server."""
        self.rows.append(
            {"tcp_flags": flags, "seq": seq % 2**32, "ack": ack % 2**32, "forward": not back, "flow": flow}
        )
        self.payloads.append(data)
        return self

    def connection(self, flow: int = 0, *, isn: int = 100) -> Wire:
        """A whole one: handshake, a question, an answer, both FINs."""
        self.packet(SYN, isn, flow=flow).packet(SYN | ACK, 900, back=True, flow=flow, ack=isn + 1)
        self.packet(ACK, isn + 1, b"ask", flow=flow, ack=901)
        self.packet(ACK | FIN, 901, b"answer", back=True, flow=flow, ack=isn + 4)
        return self.packet(ACK | FIN, isn + 4, flow=flow, ack=908).packet(ACK, 908, back=True, flow=flow, ack=isn + 5)

    def batch(self) -> Packets:
        """All of it."""
        count = 1 + max(row["flow"] for row in self.rows)
        flows = Flows.from_records(
            [FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=1, server_port=2)] * count
        )
        columns = {name: [row[name] for row in self.rows] for name in self.rows[0]}
        return Packets.from_payloads(Tables(flows=flows), self.payloads, **columns)


def feed(assembler: Assembler, packets: Packets) -> None:
    """All packets of all flows."""
    flows = packets.trace.flows
    assembler.feed(packets, flows.protocol, np.ones(len(flows), np.uint8), 0, len(packets))


def messages(wire: Wire) -> list[bytes]:
    """What comes of a wire."""
    assembler = Assembler(MIB, MIB, 64 * MIB)
    feed(assembler, wire.batch())
    assembler.flush()
    return list(assembler.take()[1])


@pytest.mark.parametrize("seq", [101, 103, 104, 105, 106, 200])
def test_what_follows_the_end_adds_nothing(seq: int) -> None:
    """Retransmissions, and data that no receiver would take."""
    wire = Wire().connection().packet(ACK, seq, b"ask", ack=908).packet(ACK | FIN, seq, b"x", ack=908)
    assert messages(wire) == [b"ask", b"answer"]


def test_data_beyond_a_fin_adds_nothing_while_the_other_end_goes_on() -> None:
    """The direction has ended, the connection has not."""
    wire = Wire().packet(ACK | FIN, 1, b"bye").packet(ACK, 5, b"more").packet(ACK, 50, b"still open", back=True)
    assert sorted(messages(wire)) == [b"bye", b"still open"]


def test_a_connection_whose_syn_was_lost_is_not() -> None:
    """After the end, numbers from elsewhere are another connection's with the same ends."""
    wire = Wire().connection().packet(ACK, 3_000_000_000, b"other", ack=7)
    assert messages(wire) == [b"ask", b"answer", b"other"]


@pytest.mark.parametrize("isn", [100, 2**32 - 1, 2**32 - 3])
def test_the_syn_tells_what_is_missing(isn: int) -> None:
    """Though nothing else came until the second segment."""
    wire = Wire().packet(SYN, isn).packet(SYN | ACK, 900, back=True, ack=isn + 1).packet(ACK, isn + 4, b"late", ack=901)
    assembler = Assembler(MIB, MIB, 64 * MIB)
    feed(assembler, wire.batch())
    assembler.flush()
    _, buffers, gaps = assembler.take()
    assert (buffers, gaps) == ([b"late"], [((0, 3),)])


def test_a_refused_connection_says_nothing() -> None:
    """SYN, RST; then another attempt that works."""
    wire = Wire().packet(SYN, 100).packet(RST | ACK, 0, back=True, ack=101).connection()
    assert messages(wire) == [b"ask", b"answer"]


@pytest.mark.parametrize(("kind", "most_bytes"), [("begun", 120), ("ended", 120)])
def test_millions_of_connections_take_little_memory(kind: str, most_bytes: int) -> None:
    """A scan, or a server's day: bytes a connection, of which nothing is open any more."""
    count = 5000
    wire = Wire()
    for flow in range(count):
        if kind == "ended":
            wire.connection(flow)
        else:
            wire.packet(SYN, 100, flow=flow).packet(SYN | ACK, 5, back=True, flow=flow, ack=101)
    packets = wire.batch()
    assembler = Assembler(MIB, MIB, 64 * MIB)
    gc.collect()
    tracemalloc.start()
    feed(assembler, packets)
    assembler.take()
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / count < most_bytes


def test_tiny_pieces_count_with_what_they_take() -> None:
    """A million segments of one byte are not a megabyte: messages go out early, and nothing is lost by it."""
    count, flows = 4000, 10
    wire = Wire()
    for i in range(count):
        wire.packet(ACK, 1 + i // flows, b"x", flow=i % flows)
    assembler = Assembler(MIB, MIB, 50_000)
    feed(assembler, wire.batch())
    early = list(assembler.take()[1])
    assembler.flush()
    rest = list(assembler.take()[1])
    assert len(early) > 2
    assert len(b"".join(early + rest)) == count


def test_segments_held_in_any_order_come_in_theirs() -> None:
    """Thousands behind one hole, as a hostile sender would: each found its place."""
    order = np.random.default_rng(5).permutation(4000).tolist()
    wire = Wire().packet(SYN, 0)
    for position in order:
        wire.packet(ACK, 10 + 2 * position, b"%c%c" % (position & 255, position >> 8))
    wire.packet(ACK, 1, b"123456789")
    expected = b"123456789" + b"".join(b"%c%c" % (i & 255, i >> 8) for i in range(4000))
    assert messages(wire) == [expected]


OPEN_MAX = 1 << 15
REMEMBERED = 64 << 12


def of_many(
    flows: int, first: list[tuple[int, bytes]], others: tuple[int, bytes], last: list[tuple[int, bytes]]
) -> Any:
    """Segments (flags, data from number 1, or the SYN) of flow 0, one of each other flow, and some of flow 0 again: an assembler fed with them."""
    rows = [(0, *row) for row in first] + [(flow, *others) for flow in range(1, flows)] + [(0, *row) for row in last]
    records = [FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=1, server_port=2)] * flows
    packets = Packets.from_payloads(
        Tables(flows=Flows.from_records(records)),
        [data for _, _, data in rows],
        flow=[flow for flow, _, _ in rows],
        tcp_flags=[flags for _, flags, _ in rows],
        seq=[1 if data[:1] == b"A" else 0 if flags & SYN else 5 for _, flags, data in rows],
    )
    assembler = Assembler(MIB, MIB, 64 * MIB)
    feed(assembler, packets)
    return assembler


def test_beyond_a_number_of_open_connections_the_idlest_is_handed_out() -> None:
    """And counted. The first one had a packet since, so it is not the idlest."""
    assembler = of_many(OPEN_MAX + 9, [(0, b"Aaaa"), (0, b"bbbb")], (0, b"Cccc"), [])
    rows, buffers, _ = assembler.take()
    assert (assembler.evicted, len(rows), set(buffers)) == (9, 9, {b"Cccc"})
    assert rows["flow"].tolist() == list(range(1, 10))


def test_of_a_connection_handed_out_early_nothing_comes_twice() -> None:
    """What is remembered of it are its numbers: a retransmission adds nothing, and what was lost since is a gap."""
    assembler = of_many(OPEN_MAX + 9, [(0, b"Aaaa")], (0, b"Cccc"), [(0, b"Aaaa"), (0, b"bbbb")])
    buffers = assembler.take()[1]
    assembler.flush()
    assert (buffers + assembler.take()[1]).count(b"Aaaa") == 1


@pytest.mark.parametrize("others", [2, REMEMBERED + 1000])
def test_the_oldest_connections_are_forgotten(others: int) -> None:
    """Of a scan only so much is remembered; that the first bytes of its oldest connection are missing is not known then."""
    assembler = of_many(others, [(SYN, b"")], (SYN, b""), [(0, b"late")])
    assembler.flush()
    _, buffers, gaps = assembler.take()
    assert (buffers, gaps) == ([b"late"], [()] if others > REMEMBERED else [((0, 4),)])


def test_a_connection_that_goes_on_is_not_forgotten() -> None:
    """However many others began since."""
    assembler = of_many(REMEMBERED + 1000, [(0, b"Aaaa")], (SYN, b""), [(0, b"bbbb")])
    assembler.flush()
    assert assembler.take()[1] == [b"Aaaabbbb"]
    assert assembler.evicted == 0


def test_the_end_comes_in_parts() -> None:
    """About as many messages as were wanted, each once, and then none."""
    assembler = of_many(100, [(0, b"Aaaa")], (0, b"Cccc"), [])
    sizes = []
    while sizes[-1:] != [0]:
        assembler.flush(30)
        sizes.append(len(assembler.take()[1]))
    assert sizes == [30, 30, 30, 10, 0]
