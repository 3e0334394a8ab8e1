"""`fresh`: each payload byte of a TCP direction counts once. Checked byte by byte against a set of the bytes seen."""

from __future__ import annotations

import random
from typing import Any

import pytest

SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16


def fresh(take: Any, files: Any, wire: Any, *segments: tuple[Any, ...]) -> list[int]:
    """Fresh bytes of segments (seq, payload size, flags) sent by the client."""
    frames = [wire.tcp(b"x" * size, seq=seq, flags=flags[0] if flags else ACK) for seq, size, *flags in segments]
    taken = take(files.frames(*frames))
    assert taken.error is None
    assert len(taken.trace.flows) == 1
    return list(taken.fresh)


@pytest.mark.parametrize("base", [1000, 2**32 - 7, 2**31 - 3, 0])
def test_a_retransmission_counts_nothing(take: Any, files: Any, wire: Any, base: int) -> None:
    """The same bytes again, whole, in part and with more behind them; also where sequence numbers wrap."""
    segments = [(base - 1, 0, SYN), (base, 10), (base, 10), (base + 4, 3), (base + 5, 10), (base, 20)]
    assert fresh(take, files, wire, *segments) == [0, 10, 0, 0, 5, 5]


@pytest.mark.parametrize("base", [1000, 2**32 - 7])
def test_late_segments_fill_their_holes(take: Any, files: Any, wire: Any, base: int) -> None:
    """A segment overtaken by others counts when it comes, and once."""
    segments = [(base - 1, 0, SYN), (base + 10, 10), (base + 30, 10), (base, 10), (base + 5, 30), (base, 40)]
    assert fresh(take, files, wire, *segments) == [0, 10, 10, 10, 10, 0]


def test_bytes_from_before_the_capture_count_when_seen(take: Any, files: Any, wire: Any) -> None:
    """A capture that begins mid-way has not seen what is sent again, so that counts, once."""
    assert fresh(take, files, wire, (1000, 10), (990, 15), (980, 5), (985, 5), (980, 30)) == [10, 10, 5, 5, 0]


def test_syn_and_fin_take_a_number(take: Any, files: Any, wire: Any) -> None:
    """Neither is payload, what follows is not out of order, and a probe of the FIN's number is no data."""
    segments = [(99, 0, SYN), (100, 5), (105, 3, FIN | ACK), (105, 3, FIN | ACK), (109, 0), (108, 1)]
    assert fresh(take, files, wire, *segments) == [0, 5, 3, 0, 0, 0]


def test_payload_on_a_syn_counts_once(take: Any, files: Any, wire: Any) -> None:
    """TCP Fast Open: the data begins one after the SYN's number, and is sent again when it was not taken."""
    assert fresh(take, files, wire, (99, 7, SYN), (100, 7), (107, 1)) == [7, 0, 1]


@pytest.mark.parametrize("first", [(99, 0, SYN), (100, 0), (95, 5)])
def test_keep_alives_count_nothing(take: Any, files: Any, wire: Any, first: tuple[Any, ...]) -> None:
    """A probe repeats one byte below the next, or none, whatever of the flow was seen before."""
    assert fresh(take, files, wire, first, (99, 1), (99, 0), (99, 1), (100, 4))[1:] == [0, 0, 0, 4]


def test_a_fin_overtaking_its_data(take: Any, files: Any, wire: Any) -> None:
    """Data before a FIN that came first is not lost."""
    assert fresh(take, files, wire, (99, 0, SYN), (110, 0, FIN | ACK), (100, 10), (100, 10)) == [0, 0, 10, 0]


def test_text_on_a_reset_counts_once(take: Any, files: Any, wire: Any) -> None:
    """RFC 1122 section 4.2.2.12 lets a RST explain itself; tshark shows that text in the stream. Without text its number may be any."""
    assert fresh(take, files, wire, (99, 0, SYN), (100, 20, RST), (100, 20, RST), (100, 5)) == [0, 20, 0, 0]
    assert fresh(take, files, wire, (99, 0, SYN), (7, 0, RST), (100, 5)) == [0, 0, 5]


def test_an_acknowledgement_ahead_is_no_hole_filled(take: Any, files: Any, wire: Any) -> None:
    """A segment without payload does not move on, so data that it overtook counts."""
    assert fresh(take, files, wire, (99, 0, SYN), (101, 0), (100, 1)) == [0, 0, 1]


def test_directions_are_counted_apart(take: Any, files: Any, wire: Any) -> None:
    """Equal numbers in both directions have nothing to do with each other."""
    frames = [wire.tcp(b"abc", seq=5, forward=forward) for forward in (True, False, True, False)]
    assert take(files.frames(*frames)).fresh == [3, 3, 0, 0]


def test_copies_on_other_interfaces_count_once(take: Any, files: Any, wire: Any) -> None:
    """One segment on veth, bridge and NIC is one segment."""
    data = files.section() + files.interface() * 3
    for seq in (100, 105):
        for interface in range(3):
            data += files.packet(wire.tcp(b"hello", seq=seq), interface=interface)
    assert take(data).fresh == [5, 0, 0, 5, 0, 0]


def test_a_stream_longer_than_the_sequence_space(take: Any, files: Any, wire: Any) -> None:
    """Five times around: each gigabyte step is new, the byte after it too."""
    segments = [(i << 30, 1) for i in range(20)]
    assert fresh(take, files, wire, (2**32 - 1, 0, SYN), *segments) == [0] + [1] * 20


def test_many_holes_are_bounded(take: Any, files: Any, wire: Any) -> None:
    """256 holes a direction are remembered; of more, the oldest are forgotten and their bytes count nothing later."""
    every_other = [(100 + 2 * i, 1) for i in range(1, 301)]
    filling = [(101 + 2 * i, 1) for i in range(300)]
    counts = fresh(take, files, wire, (99, 0, SYN), (100, 1), *every_other, *filling)
    assert counts[2:302] == [1] * 300
    assert counts[302:] == [0] * 44 + [1] * 256


@pytest.mark.parametrize("seed", range(23))
def test_any_order_of_segments(take: Any, files: Any, wire: Any, seed: int) -> None:
    """Random segments around a wrap: `fresh` is what a set of byte numbers says is new."""
    dice = random.Random(seed)
    base = dice.choice([1000, 2**32 - 150, 2**31 - 150])
    has_syn = dice.random() < 0.5
    segments: list[tuple[Any, ...]] = [(base - 1, 0, SYN)] if has_syn else []
    segments += [(base + dice.randrange(300), dice.randrange(2, 40)) for _ in range(97)]
    seen: set[int] = set()
    expected = []
    for seq, size, *_ in segments:
        covered = set(range(seq, seq + size))
        expected.append(len(covered - seen))
        seen |= covered
    assert fresh(take, files, wire, *segments) == expected
