"""Both directions in one order: random conversations, seen by taps whose clocks differ, with a known truth."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows

FIN, SYN, RST, ACK = 1, 2, 4, 16
MS = 1_000_000


@dataclass(kw_only=True)
class Segment:
    """What one end sent, when, and what it knew then."""

    forward: bool
    flags: int
    start: int
    """Bytes of its direction before it; -1: the SYN."""
    data: bytes
    known: int
    """Bytes of the other direction that its sender had; -1: not even the SYN."""
    sent_ns: int
    lost_after: int = 2
    """How many taps on its way see it: a segment may be lost before the first, or between them."""


@dataclass
class Talk:
    """One connection as it truly was: segments by the time they were sent, and the bytes of both directions."""

    chance: random.Random
    delay_ns: int
    now_ns: int = 10**18
    segments: list[Segment] = field(default_factory=list)
    streams: dict[bool, bytearray] = field(default_factory=lambda: {True: bytearray(), False: bytearray()})
    needs: dict[bool, list[int]] = field(default_factory=lambda: {True: [], False: []})
    """By byte of a direction: how many of the other direction its sender had."""
    turns: list[tuple[bool, bytes]] = field(default_factory=list)

    def send(self, forward: bool, flags: int, start: int, data: bytes, known: int, **columns: int) -> None:
        """One more segment."""
        self.segments.append(
            Segment(forward=forward, flags=flags, start=start, data=data, known=known, sent_ns=self.now_ns, **columns)
        )

    def say(self, forward: bool, data: bytes, known: int) -> None:
        """A turn, in segments; some of them are lost on the way and sent again, cut elsewhere."""
        stream, start = self.streams[forward], len(self.streams[forward])
        stream += data
        self.needs[forward] += [known] * len(data)
        at = 0
        while at < len(data):
            size = min(len(data) - at, self.chance.choice([1, 3, 7, 40]))
            lost_after = self.chance.choice([0, 1]) if self.chance.random() < 0.05 else 2
            self.send(forward, ACK, start + at, data[at : at + size], known, lost_after=lost_after)
            if lost_after < 2:
                self.now_ns += self.chance.randint(200, 400) * MS
                begin = self.chance.randint(max(0, at - 5), at)
                end = self.chance.randint(at + size, min(len(data), at + size + 9))
                self.send(forward, ACK, start + begin, data[begin:end], known)
                at = end
            else:
                at += size
            self.now_ns += self.chance.choice([0, 1000, 100_000])
        self.now_ns += self.delay_ns
        if self.chance.random() < 0.5:
            self.send(not forward, ACK, len(self.streams[not forward]), b"", len(stream))
        self.turns.append((forward, data))

    def converse(self, turns: int) -> None:
        """Handshake, turns of both ends, FINs."""
        client_first = self.chance.random() < 0.7
        self.send(True, SYN, -1, b"", -1)
        self.now_ns += self.delay_ns
        self.send(False, SYN | ACK, -1, b"", 0)
        self.now_ns += self.delay_ns
        self.send(True, ACK, 0, b"", 0)
        for turn in range(turns):
            self.now_ns += self.chance.choice([1000, MS, 20 * MS, 2000 * MS])
            data = bytes(self.chance.choices(range(256), k=self.chance.choice([1, 5, 60, 300])))
            forward = (turn % 2 == 0) == client_first
            self.say(forward, data, len(self.streams[not forward]))
        ends = self.chance.choice([[True, False], [False, True]])
        for forward in ends:
            known = len(self.streams[not forward]) + (forward is ends[1])
            self.send(forward, FIN | ACK, len(self.streams[forward]), b"", known)
            self.now_ns += self.delay_ns


def seen(talk: Talk, chance: random.Random, *, loss: float, skew_ms: int) -> list[tuple[int, Segment]]:
    """The packets of two taps, one at each end, merged by what their clocks say."""
    packets = []
    for tap in (0, 1):
        clock = chance.randint(-skew_ms * MS, skew_ms * MS) // 2
        for one in talk.segments:
            place = tap if one.forward else 1 - tap
            if place < one.lost_after and chance.random() >= loss:
                jitter = chance.choice([0, 0, 0, 2 * MS])
                packets.append((one.sent_ns + clock + (talk.delay_ns if place else 0) + jitter, one))
    return sorted(packets, key=lambda packet: packet[0])


def columns_of(packets: list[tuple[int, Segment]], isn: dict[bool, int]) -> tuple[list[bytes], dict[str, list[int]]]:
    """Payloads, and the columns of a batch."""
    columns: dict[str, list[int]] = {}
    for time_ns, one in packets:
        row = {
            "flow": 0,
            "time_ns": time_ns,
            "forward": one.forward,
            "tcp_flags": one.flags,
            "seq": (isn[one.forward] + 1 + one.start) % 2**32,
            "ack": (isn[not one.forward] + 1 + one.known) % 2**32 if one.flags & ACK else 0,
            "fresh": len(one.data),
        }
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return [one.data for _, one in packets], columns


Message = tuple[bool, bytes, tuple[tuple[int, int], ...]]


def messages(packets: list[tuple[int, Segment]], chance: random.Random) -> list[Message]:
    """What the reassembler makes of them, in batches of any size."""
    isn = {side: chance.choice([0, 77, 2**31 - 40, 2**32 - 100, 2**32 - 1]) for side in (True, False)}
    flows = Flows.from_records(
        [FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80, protocol=6)]
    )
    reassembler = Reassembler(Tables(flows=flows))
    payloads, columns = columns_of(packets, isn)
    batch = Packets.from_payloads(Tables(flows=flows), payloads, **columns)
    found: list[Message] = []
    edges = sorted({0, len(payloads), *(chance.randint(0, len(payloads)) for _ in range(3))})
    parts = [reassembler.feed(batch, np.ones(1, np.bool_), a, b) for a, b in itertools.pairwise(edges)]
    for rows in (*parts, reassembler.flush()):
        found += [(bool(rows.forward[i]), rows.buffer(i), rows.gaps(i)) for i in range(len(rows))]
    return found


def spread(data: bytes, gaps: tuple[tuple[int, int], ...]) -> list[int | None]:
    """Byte by byte, None where one is missing."""
    out: list[int | None] = []
    done = 0
    for offset, missing in gaps:
        out += [*data[done:offset], *[None] * missing]
        done = offset
    return [*out, *data[done:]]


def check_bytes_and_order(talk: Talk, packets: list[tuple[int, Segment]], found: list[Message]) -> None:
    """Every captured byte is there once and in its place, gaps are what no tap has, and nothing comes before what its sender had."""
    captured = {side: [False] * len(talk.streams[side]) for side in (True, False)}
    for _, one in packets:
        for at in range(one.start, one.start + len(one.data)):
            captured[one.forward][at] = True
    at = {True: 0, False: 0}
    for side in (True, False):
        if not any(one.flags & SYN and (one.forward == side or side) for _, one in packets):
            leading = next((sum(n for at, n in gaps if at == 0) for forward, _, gaps in found if forward == side), 0)
            at[side] = (
                captured[side].index(True) - leading if any(captured[side]) else 0
            )  # nothing says where it begins
            assert at[side] >= 0
    for forward, data, gaps in found:
        need = 0
        for value in spread(data, gaps):
            place = at[forward]
            if place == len(talk.streams[forward]):
                assert value is None  # an acknowledged FIN that no tap has, behind bytes that none has
                continue
            assert value == (talk.streams[forward][place] if captured[forward][place] else None), (forward, place)
            at[forward] += 1
            need = need if value is None else talk.needs[forward][place]
        assert not any(captured[not forward][at[not forward] : need]), "an answer came before what it answers"
    for side in (True, False):
        assert not any(captured[side][at[side] :])


@pytest.mark.parametrize("seed", range(300))
def test_taps_with_other_clocks_lose_and_swap_nothing(seed: int) -> None:
    """Two taps whose clocks differ by up to 50 ms, packets lost on the way: exactly the turns that were."""
    chance = random.Random(seed)
    talk = Talk(chance, delay_ns=chance.choice([10_000, MS, 20 * MS]))
    talk.converse(chance.randint(1, 12))
    packets = seen(talk, chance, loss=0.0, skew_ms=50)
    assert messages(packets, chance) == [(forward, data, ()) for forward, data in talk.turns]


@pytest.mark.parametrize("seed", range(300))
def test_what_no_tap_has_is_a_gap_and_nothing_else_is(seed: int) -> None:
    """Taps that lose some packets, or most."""
    chance = random.Random(1000 + seed)
    talk = Talk(chance, delay_ns=chance.choice([10_000, MS, 20 * MS]))
    talk.converse(chance.randint(1, 12))
    packets = seen(talk, chance, loss=chance.choice([0.02, 0.1, 0.5]), skew_ms=50)
    check_bytes_and_order(talk, packets, messages(packets, chance))


def of_packets(*packets: tuple[int, str, int, int, int, bytes]) -> list[Message]:
    """Messages of segments (ms, who: c or s, flags, sequence number, acknowledged, data), a handshake before them, without a flush."""
    opening = [(0, "c", SYN, 0, 0, b""), (0, "s", SYN | ACK, 0, 1, b"")]
    rows = [*opening, *packets]
    flows = Flows.from_records(
        [
            FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=port, server_port=80, protocol=6)
            for port in (1, 2)
        ]
    )
    trace = Tables(flows=flows)
    batch = Packets.from_payloads(
        trace,
        [row[5] for row in rows],
        flow=[int(row[1] == "other") for row in rows],
        time_ns=[10**18 + row[0] * MS for row in rows],
        forward=[row[1] == "c" for row in rows],
        tcp_flags=[row[2] for row in rows],
        seq=[row[3] for row in rows],
        ack=[row[4] for row in rows],
    )
    found = Reassembler(trace).feed(batch, np.ones(2, np.bool_))
    return [(bool(found.forward[i]), found.buffer(i), found.gaps(i)) for i in range(len(found))]


LATER = (400, "other", ACK, 0, 0, b"")
"""A packet of another connection, when all waits are over."""
BYE = (9, "c", FIN | ACK, 4, 4, b""), (9, "s", FIN | ACK, 4, 5, b"")


def test_an_answer_captured_before_its_request_follows_it() -> None:
    """Each of two answers was captured first."""
    found = of_packets(
        (1, "s", ACK, 1, 3, b"S1"),
        (2, "c", ACK, 1, 1, b"C1"),
        (3, "s", ACK, 3, 5, b"S2"),
        (4, "c", ACK, 3, 3, b"C2"),
        (5, "s", FIN | ACK, 5, 5, b""),
    )
    assert [data for _, data, _ in found] == [b"C1", b"S1", b"C2", b"S2"]


def test_a_hole_filled_after_its_ack_is_none() -> None:
    """The ACK was captured first; then the bytes."""
    packets = (1, "c", ACK, 1, 1, b"a"), (2, "c", ACK, 3, 1, b"c"), (3, "s", ACK, 1, 4, b"")
    assert of_packets(*packets, (53, "c", ACK, 2, 1, b"b"), *BYE, LATER)[0] == (True, b"abc", ())


def test_a_hole_is_given_up_without_another_packet_of_its_connection() -> None:
    """150 ms after its ACK, by the clock of the capture."""
    packets = (1, "c", ACK, 1, 1, b"a"), (2, "c", FIN | ACK, 3, 1, b"c"), (3, "s", ACK, 1, 5, b"")
    assert of_packets(*packets, (153, "other", ACK, 0, 0, b"")) == []
    assert of_packets(*packets, (154, "other", ACK, 0, 0, b"")) == [(True, b"ac", ((1, 1),))]


def test_the_other_end_is_not_waited_for_longer_than_that() -> None:
    """The request was lost: its answer comes all the same, and not later than 150 ms."""
    packets = (1, "s", ACK, 1, 4, b"ans"), (2, "s", FIN | ACK, 4, 4, b"")
    assert of_packets(*packets, (151, "other", ACK, 0, 0, b"")) == []
    assert of_packets(*packets, LATER) == [(False, b"ans", ())]


def test_ends_that_wait_for_each_other_go_on_at_once() -> None:
    """The first copy of a request was lost; the second acknowledges the answer that acknowledges it."""
    packets = (1, "s", ACK, 1, 4, b"ans"), (2, "c", ACK, 1, 4, b"req")
    assert of_packets(*packets, *BYE) == [(True, b"req", ()), (False, b"ans", ())]


@pytest.mark.parametrize("flags", [FIN | ACK, RST | ACK])
def test_an_end_that_overtakes_data_waits_for_it(flags: int) -> None:
    """FIN or RST acknowledges an answer that is captured afterwards."""
    packets = (1, "c", ACK, 1, 1, b"req"), (2, "c", flags, 4, 4, b""), (30, "s", ACK, 1, 4, b"ans")
    assert of_packets(*packets) == [(True, b"req", ())] + [(False, b"ans", ())] * bool(flags & RST)
    late = (1, "c", ACK, 1, 1, b"req"), (2, "c", flags, 4, 4, b"")
    assert of_packets(*late) == []
    assert of_packets(*late, LATER) == [(True, b"req", ())]


def test_data_fills_in_behind_both_fins() -> None:
    """Both FINs were captured first."""
    packets = (1, "c", FIN | ACK, 4, 4, b""), (2, "s", FIN | ACK, 4, 5, b"")
    data = (20, "s", ACK, 1, 4, b"ans"), (40, "c", ACK, 1, 1, b"req")
    assert of_packets(*packets, *data) == [(True, b"req", ()), (False, b"ans", ())]


def test_an_impossible_acknowledgement_is_not_waited_for() -> None:
    """Nobody has a gigabyte more than was captured."""
    packets = (1, "c", ACK, 1, 2**31 - 9, b"req"), (2, "c", FIN | ACK, 4, 1, b"")
    assert of_packets(*packets) == [(True, b"req", ())]


def test_a_lost_tail_before_a_fin_is_a_gap() -> None:
    """The FIN was captured and acknowledged, the bytes before it were not: nothing waits for the flush."""
    packets = (1, "c", ACK, 1, 1, b"abc"), (2, "c", FIN | ACK, 9, 1, b""), (3, "s", ACK, 1, 10, b"")
    assert of_packets(*packets) == []
    assert of_packets(*packets, LATER) == [(True, b"abc", ((3, 5),))]


def test_a_reset_ends_both_directions() -> None:
    """What fills a hole before an RST has been sent: it comes soon, or never."""
    packets = (1, "c", ACK, 1, 1, b"abc"), (2, "c", ACK, 7, 1, b"ghi"), (3, "s", RST, 1, 0, b"")
    assert of_packets(*packets) == []
    assert of_packets(*packets, LATER) == [(True, b"abcghi", ((3, 3),))]
    assert of_packets(*packets, (4, "c", ACK, 4, 1, b"def")) == [(True, b"abcdefghi", ())]


def test_what_an_ack_named_before_the_beginning_is_not_missing() -> None:
    """A connection older than the capture: bytes acknowledged in it, and sent before it, were never to be had."""
    rows = [
        (True, ACK, 500, 693, b""),
        (True, ACK, 500, 709, b""),
        (True, ACK, 500, 709, b"SET"),
        (False, ACK, 709, 503, b"+OK"),
        (True, FIN | ACK, 503, 712, b""),
        (False, FIN | ACK, 712, 504, b""),
    ]
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=1, server_port=2)])
    forward, flags, seq, ack, data = zip(*rows, strict=True)
    batch = Packets.from_payloads(
        Tables(flows=flows), list(data), flow=0, forward=forward, tcp_flags=flags, seq=seq, ack=ack
    )
    reassembler = Reassembler(batch.trace)
    found = [reassembler.feed(batch, np.ones(1, np.bool_)), reassembler.flush()]
    assert [(rows.buffer(i), rows.gaps(i)) for rows in found for i in range(len(rows))] == [(b"SET", ()), (b"+OK", ())]


def test_the_first_ack_of_a_new_connection_says_where_the_other_direction_begins() -> None:
    """Of a SYN+ACK and of the bytes behind it nothing was captured: they are missing."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=1, server_port=2)])
    rows = [(True, SYN, 0, 0, b""), (True, ACK, 1, 901, b""), (False, ACK, 906, 1, b"late")]
    for opening, gaps in ((0, ((0, 5),)), (1, ())):
        forward, flags, seq, ack, data = zip(*rows[opening:], strict=True)
        batch = Packets.from_payloads(
            Tables(flows=flows), list(data), flow=0, forward=forward, tcp_flags=flags, seq=seq, ack=ack
        )
        reassembler = Reassembler(batch.trace)
        reassembler.feed(batch, np.ones(1, np.bool_))
        assert reassembler.flush().gaps(0) == gaps
