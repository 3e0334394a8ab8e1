"""The native assembler: sequence spaces, holes, gaps, ends of messages, limits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from pcapdig.streams._reassemble import Assembler
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows

FIN, SYN, RST, ACK = 1, 2, 4, 16
TCP, UDP = 6, 17
MIB = 1 << 20
WAIT_NS = 150_000_000


@dataclass(kw_only=True)
class Message:
    """What a test looks at."""

    forward: bool
    data: bytes
    size: int
    gaps: tuple[tuple[int, int], ...] = ()
    number: int = 0
    writer: int = -1
    reader: int = -1


@dataclass
class Wire:
    """Packets of one connection, written down one by one."""

    columns: dict[str, list[int]] = field(default_factory=dict)
    payloads: list[bytes] = field(default_factory=list)

    def packet(self, data: bytes = b"", *, back: bool = False, flags: int = ACK, **columns: int) -> Wire:
        """Add a packet; `back`: from the server."""
        self.payloads.append(data)
        row = {"forward": not back, "tcp_flags": flags, "seq": 0, "ack": 0, "writer": -1, "reader": -1, "time_ns": 0}
        row |= {"payload_length": len(data), "flow": 0, "fresh": len(data)} | columns
        for name, value in row.items():
            self.columns.setdefault(name, []).append(value)
        return self

    def packets(self, protocol: int = TCP) -> Packets:
        """All of it as one batch."""
        flows = Flows.from_records(
            FlowRecord(client=f"10.0.0.{i}", server="10.0.0.9", client_port=1000, server_port=80, protocol=protocol)
            for i in (1, 2)
        )
        return Packets.from_payloads(Tables(flows=flows), self.payloads, **self.columns)


def handshake() -> Wire:
    """SYN and SYN+ACK: both directions begin with number 1."""
    return Wire().packet(flags=SYN, seq=0).packet(back=True, flags=SYN | ACK, seq=0, ack=1)


def assembled(wire: Wire, *, protocol: int = TCP, flush: bool = True, **limits: int) -> list[Message]:
    """The messages of a wire."""
    sizes = {"message_limit": MIB, "hold_limit": MIB, "total_limit": 64 * MIB} | limits
    assembler = Assembler(**sizes)
    packets = wire.packets(protocol)
    assembler.feed(packets, packets.trace.flows.protocol, np.ones(2, np.uint8), 0, len(packets))
    if flush:
        assembler.flush()
    return [
        Message(forward=row[1], size=row[2], number=row[3], writer=row[5], reader=row[6], data=data, gaps=gaps)
        for row, data, gaps in zip(*assembler.take(), strict=True)
    ]


def contents(wire: Wire, **options: int) -> list[tuple[bytes, tuple[tuple[int, int], ...]]]:
    """Data and gaps of each message."""
    return [(message.data, message.gaps) for message in assembled(wire, **options)]


def test_payload_outside_the_batch_is_refused() -> None:
    """A payload offset beyond the data raises ValueError and reads nothing."""
    packets = Wire().packet(b"abc").packets()
    packets.payload_offset[0] = 1
    assembler = Assembler(MIB, MIB, MIB)
    with pytest.raises(ValueError, match="packet 1 lies outside"):
        assembler.feed(packets, packets.trace.flows.protocol, np.ones(2, np.uint8), 0, 1)


def test_huge_payload_offset_is_refused() -> None:
    """An offset near 2**64 does not wrap."""
    packets = Wire().packet(b"abc").packets()
    packets.payload_offset[0] = 2**64 - 1
    with pytest.raises(ValueError, match="lies outside"):
        Assembler(MIB, MIB, MIB).feed(packets, packets.trace.flows.protocol, np.ones(2, np.uint8), 0, 1)


def test_claimed_length_beyond_any_window() -> None:
    """A packet that claims 4 GiB of payload is taken as cut, and nothing overflows."""
    (message,) = assembled(Wire().packet(b"abc", payload_length=2**32 - 1))
    assert (message.data, message.gaps) == (b"abc", ((3, 2**30 - 3),))


def test_segments_in_order_are_one_message() -> None:
    """Segments of one direction are joined."""
    wire = Wire().packet(flags=SYN, seq=99).packet(b"abc", seq=100).packet(b"def", seq=103)
    assert contents(wire) == [(b"abcdef", ())]


def test_the_other_direction_ends_a_message() -> None:
    """Request, answer, request: three messages, numbered by their first packets."""
    wire = Wire().packet(b"GET", seq=1).packet(b"200", back=True, seq=50, ack=4).packet(b"GET2", seq=4, ack=53)
    found = [(m.forward, m.data, m.number) for m in assembled(wire)]
    assert found == [(True, b"GET", 1), (False, b"200", 2), (True, b"GET2", 3)]


def test_out_of_order_segments_are_sorted() -> None:
    """A segment that comes too early waits."""
    wire = Wire().packet(flags=SYN, seq=0).packet(b"ghi", seq=7).packet(b"def", seq=4).packet(b"abc", seq=1)
    assert contents(wire, flush=False) == []
    assert contents(wire) == [(b"abcdefghi", ())]


def test_retransmission_is_left_out() -> None:
    """A segment seen before adds nothing, nor does a part of one."""
    wire = Wire().packet(b"abcdef", seq=1).packet(b"abcdef", seq=1).packet(b"def", seq=4).packet(b"g", seq=7)
    assert contents(wire) == [(b"abcdefg", ())]


def test_first_copy_wins_against_delivered_bytes() -> None:
    """Of a segment that overlaps what was delivered, only the new bytes count."""
    wire = Wire().packet(b"abcd", seq=1).packet(b"XXef", seq=3)
    assert contents(wire) == [(b"abcdef", ())]


def test_first_copy_wins_against_held_bytes() -> None:
    """Bytes held behind a hole are not replaced by a later copy, whichever way it overlaps."""
    wire = Wire().packet(flags=SYN, seq=0).packet(b"CD", seq=3).packet(b"GH", seq=7)
    wire.packet(b"abxxefxxij", seq=1)
    assert contents(wire) == [(b"abCDefGHij", ())]


def test_sequence_numbers_wrap_around() -> None:
    """The order survives 2**32, for held segments too."""
    wire = Wire().packet(flags=SYN, seq=2**32 - 3).packet(b"def", seq=1).packet(b"abc", seq=2**32 - 2)
    assert contents(wire) == [(b"abcdef", ())]


def test_syn_with_payload() -> None:
    """Payload of a SYN (TCP Fast Open, RFC 7413) begins after the SYN's own number."""
    wire = Wire().packet(b"abc", flags=SYN, seq=9).packet(b"def", seq=13)
    assert contents(wire) == [(b"abcdef", ())]


def test_half_open_connection() -> None:
    """Without SYN the first payload begins the stream."""
    wire = Wire().packet(seq=7).packet(b"abc", seq=500).packet(b"def", seq=503)
    assert contents(wire) == [(b"abcdef", ())]


def test_keep_alive_probe_adds_nothing() -> None:
    """A probe repeats the byte before the next one (RFC 9293 section 3.8.4)."""
    wire = Wire().packet(b"abc", seq=1).packet(b"\0", seq=3).packet(b"def", seq=4)
    assert contents(wire) == [(b"abcdef", ())]


def test_hole_acknowledged_is_a_gap() -> None:
    """The receiver has bytes that were not captured: a gap where they belong, and the rest follows."""
    wire = Wire().packet(b"abc", seq=1).packet(b"ghi", seq=7).packet(back=True, ack=10, seq=1)
    wire.packet(b"jkl", seq=10)
    (message,) = assembled(wire)
    assert (message.data, message.gaps, message.size) == (b"abcghijkl", ((3, 3),), 12)


def test_hole_not_acknowledged_waits() -> None:
    """An acknowledgement of what precedes the hole gives nothing up."""
    wire = Wire().packet(b"abc", seq=1).packet(b"ghi", seq=7).packet(back=True, ack=4, seq=1).packet(b"def", seq=4)
    assert contents(wire) == [(b"abcdefghi", ())]


def test_lost_tail_acknowledged_is_a_gap() -> None:
    """The end of a request was not captured, but the answer acknowledges it: a gap before what follows it."""
    wire = Wire().packet(b"abc", seq=1).packet(b"answer", back=True, ack=9, seq=1)
    assert contents(wire) == [(b"abc", ()), (b"answer", ()), (b"", ((0, 5),))]
    late = wire.packet(b"ijk", seq=9, time_ns=2 * WAIT_NS)
    assert contents(late) == [(b"abc", ()), (b"answer", ()), (b"ijk", ((0, 5),))]


def test_what_follows_a_lost_tail_at_once_shows_where_it_was() -> None:
    """The answer still waited for the lost bytes when more came behind them: they were sent before it."""
    wire = Wire().packet(b"abc", seq=1).packet(b"answer", back=True, ack=9, seq=1).packet(b"ijk", seq=9, ack=7)
    assert contents(wire) == [(b"abc", ((3, 5),)), (b"answer", ()), (b"ijk", ())]


def test_tail_acknowledged_before_it_is_captured() -> None:
    """A capture that has the acknowledgement before the bytes loses nothing."""
    wire = Wire().packet(b"abc", seq=1).packet(back=True, ack=9, seq=1).packet(b"defgh", seq=4)
    assert contents(wire) == [(b"abcdefgh", ())]


def test_acknowledgement_is_forgotten_when_reached() -> None:
    """An acknowledgement that data caught up with gives up no later hole."""
    wire = Wire().packet(b"abc", seq=1).packet(back=True, ack=7, seq=1).packet(b"def", seq=4)
    wire.packet(b"jkl", seq=10).packet(b"ghi", seq=7)
    assert contents(wire) == [(b"abcdefghijkl", ())]


def test_lost_message_belongs_to_the_next_of_its_direction() -> None:
    """A whole request was lost: the gap stands before the next request."""
    wire = Wire().packet(flags=SYN, seq=0).packet(b"answer", back=True, ack=6, seq=1).packet(b"next", seq=6, ack=7)
    assert contents(wire) == [(b"answer", ()), (b"next", ((0, 5),))]


def test_lost_message_with_nothing_after_it() -> None:
    """If nothing of its direction follows, a lost message is one without bytes, and without process."""
    wire = Wire().packet(flags=SYN, seq=0, writer=3).packet(b"answer", back=True, ack=6, seq=1, reader=3)
    last = assembled(wire)[-1]
    assert (last.data, last.gaps, last.size, last.writer, last.forward) == (b"", ((0, 5),), 5, -1, True)


def test_one_byte_more_may_be_a_fin() -> None:
    """One number acknowledged beyond the data is no proof of a lost byte: a FIN takes one too."""
    wire = Wire().packet(b"abc", seq=1).packet(back=True, ack=5, seq=1)
    assert contents(wire) == [(b"abc", ())]


def test_acknowledged_fin_is_no_byte() -> None:
    """Nothing is missing where the FIN was captured and acknowledged."""
    wire = Wire().packet(b"abc", seq=1, flags=FIN | ACK).packet(back=True, ack=5, seq=1)
    assert contents(wire) == [(b"abc", ())]


def test_impossible_acknowledgement_is_no_gap() -> None:
    """An acknowledgement further ahead than any window is not believed."""
    wire = Wire().packet(b"abc", seq=1).packet(back=True, ack=2**31 - 1, seq=1).packet(b"def", seq=4)
    assert contents(wire) == [(b"abcdef", ())]


def test_acknowledgement_of_a_reset_is_not_believed() -> None:
    """RST answers carry any number."""
    wire = Wire().packet(b"abc", seq=1).packet(back=True, ack=9999, seq=1, flags=RST | ACK)
    assert contents(wire) == [(b"abc", ())]


def test_flush_gives_up_holes() -> None:
    """What is held at the end is handed out behind its gap."""
    wire = Wire().packet(flags=SYN, seq=0).packet(b"def", seq=4).packet(b"jkl", seq=10)
    assert contents(wire) == [(b"defjkl", ((0, 3), (3, 3)))]


def test_fin_ends_a_message() -> None:
    """Nothing waits for the flush after FIN."""
    wire = handshake().packet(b"abc", seq=1, ack=1).packet(seq=4, ack=1, flags=FIN | ACK)
    assert contents(wire, flush=False) == [(b"abc", ())]


def test_fin_waits_for_a_hole() -> None:
    """A FIN that comes before the bytes it follows ends the message when they have come."""
    wire = handshake().packet(b"ab", seq=1, ack=1).packet(b"ef", seq=5, ack=1, flags=FIN | ACK)
    assert contents(wire, flush=False) == []
    assert contents(wire.packet(b"cd", seq=3, ack=1), flush=False) == [(b"abcdef", ())]


def test_snap_length_cut_is_a_gap() -> None:
    """Bytes that were cut off are missing in the buffer and count in the size."""
    wire = Wire().packet(b"abc", seq=1, payload_length=10).packet(b"klm", seq=11)
    (message,) = assembled(wire)
    assert (message.data, message.gaps, message.size) == (b"abcklm", ((3, 7),), 13)


def test_cut_segments_that_overlap() -> None:
    """The front of a cut segment that was seen before is skipped, captured or not."""
    wire = Wire().packet(b"abcdef", seq=1).packet(b"ab", seq=1, payload_length=8).packet(b"ij", seq=9)
    assert contents(wire) == [(b"abcdefij", ((6, 2),))]


def test_nothing_captured() -> None:
    """Segments without any byte captured are one gap."""
    wire = Wire().packet(seq=1, payload_length=100).packet(seq=101, payload_length=50)
    assert contents(wire) == [(b"", ((0, 150),))]


def test_message_is_split_where_the_reader_changes() -> None:
    """Bytes read by two processes are two messages."""
    wire = Wire().packet(b"abc", seq=1, writer=0, reader=1).packet(b"def", seq=4, writer=0, reader=2)
    assert [(m.data, m.writer, m.reader) for m in assembled(wire)] == [(b"abc", 0, 1), (b"def", 0, 2)]


def test_held_bytes_keep_their_owner() -> None:
    """A segment that waited still belongs to the process that sent it."""
    wire = Wire().packet(flags=SYN, seq=0).packet(b"def", seq=4, writer=2).packet(b"abc", seq=1, writer=1)
    assert [(m.data, m.writer) for m in assembled(wire)] == [(b"abc", 1), (b"def", 2)]


def test_long_message_comes_in_parts() -> None:
    """No part exceeds the limit."""
    wire = Wire()
    for i in range(5):
        wire.packet(b"%d" % i * 4, seq=1 + 4 * i)
    assert contents(wire, message_limit=8) == [(b"00001111", ()), (b"22223333", ()), (b"4444", ())]


def test_too_much_held_becomes_a_gap() -> None:
    """Behind a hole only so many bytes are held."""
    wire = Wire().packet(flags=SYN, seq=0).packet(b"bbbb", seq=5).packet(b"cccc", seq=9)
    assert contents(wire, hold_limit=7, flush=False) == []
    wire.packet(b"late", seq=1)
    assert contents(wire, hold_limit=7) == [(b"bbbbcccc", ((0, 4),))]


def test_too_many_held_segments_become_a_gap() -> None:
    """Behind a hole only so many segments are held, however small."""
    wire = Wire().packet(flags=SYN, seq=0)
    for i in range(5000):
        wire.packet(b"x", seq=10 + 2 * i)
    assert sum(len(m.data) for m in assembled(wire)) == 5000
    early = Wire(columns={k: v[:4097] for k, v in wire.columns.items()}, payloads=wire.payloads[:4097])
    late = Wire(columns=dict(early.columns), payloads=[*early.payloads])
    late.packet(b"first....", seq=1)
    assert assembled(late)[0].data.startswith(b"first....xx")
    wire.packet(b"first....", seq=1)
    assert assembled(wire)[0].gaps[0] == (0, 9)


def test_memory_over_all_flows_is_bounded() -> None:
    """Beyond the total limit the connection that was used longest ago is handed out."""
    wire = Wire().packet(b"a" * 60, seq=1).packet(b"b" * 60, seq=1, flow=1).packet(b"c" * 60, seq=61, flow=1)
    assert [m.size for m in assembled(wire, total_limit=700, flush=False)] == [60]


def test_memory_of_tiny_segments_is_bounded() -> None:
    """What an object takes counts, not only its bytes: in order, behind a hole, and with gaps."""
    wires = [Wire(), Wire().packet(b"x", seq=1), Wire()]
    for i in range(1000):
        wires[0].packet(b"ab", seq=1 + 2 * i)
        wires[1].packet(b"ab", seq=10 + 3 * i)
        wires[2].packet(b"ab", seq=1 + 3 * i, payload_length=3)
    for wire in wires:
        assert len(assembled(wire, total_limit=40_000)) > 1
        assert len(assembled(wire, total_limit=1_000_000)) == 1


def test_datagrams_are_messages() -> None:
    """Two datagrams of one direction are two messages; the copy on a second interface is none."""
    wire = Wire().packet(b"abc").packet(b"abc", fresh=0).packet(b"def")
    assert contents(wire, protocol=UDP, flush=False) == [(b"abc", ()), (b"def", ())]


def test_cut_datagram() -> None:
    """What the snap length cut off a datagram is a gap."""
    assert contents(Wire().packet(b"abc", payload_length=9, fresh=9), protocol=UDP) == [(b"abc", ((3, 6),))]


def test_unwanted_flows_cost_nothing() -> None:
    """Flows that are not wanted, and packets without a flow, are passed over."""
    packets = Wire().packet(b"abc", flow=1).packet(b"def", flow=-1).packet(b"ghi", flow=0).packets()
    assembler = Assembler(MIB, MIB, MIB)
    assembler.feed(packets, packets.trace.flows.protocol, np.array([1, 0], np.uint8), 0, 3)
    assembler.flush()
    assert assembler.take()[1] == [b"ghi"]


def test_two_flows_do_not_mix() -> None:
    """Sequence numbers of one flow mean nothing to another."""
    wire = (
        Wire().packet(b"abc", seq=1).packet(b"uvw", seq=4, flow=1).packet(b"def", seq=4).packet(b"xyz", seq=7, flow=1)
    )
    assert contents(wire) == [(b"abcdef", ()), (b"uvwxyz", ())]


def test_flags_of_all_packets_are_joined() -> None:
    """A message's TCP flags are those of its packets together."""
    assembler = Assembler(MIB, MIB, MIB)
    packets = Wire().packet(b"abc", seq=1, flags=ACK).packet(b"def", seq=4, flags=ACK | 8).packets()
    assembler.feed(packets, packets.trace.flows.protocol, np.ones(2, np.uint8), 0, 2)
    assembler.flush()
    assert assembler.take()[0][0][10] == ACK | 8


@pytest.mark.parametrize(
    ("flag", "back", "expected"), [(FIN, False, ACK | FIN), (RST, False, ACK | RST), (RST, True, ACK)]
)
def test_what_ends_a_message_is_among_its_flags(flag: int, back: bool, expected: int) -> None:
    """Its own side's FIN or RST, though it carries nothing; not the other side's."""
    assembler = Assembler(MIB, MIB, 64 * MIB)
    packets = Wire().packet(b"abc", seq=1).packet(back=back, seq=4, flags=flag).packets()
    assembler.feed(packets, packets.trace.flows.protocol, np.ones(2, np.uint8), 0, 2)
    assembler.flush()
    (columns,), _, _ = assembler.take()
    assert columns[10] == expected


def test_nothing_follows_when_both_ends_have_closed() -> None:
    """Late copies say nothing new, nor does what no new connection began."""
    wire = Wire().packet(b"abc", seq=1, flags=FIN | ACK).packet(b"de", back=True, seq=1, ack=5, flags=FIN | ACK)
    assert contents(wire.packet(b"abc", seq=1).packet(b"more", seq=5)) == [(b"abc", ()), (b"de", ())]
