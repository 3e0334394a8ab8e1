"""What a receiver would not accept, and what a capture lost: the rules of `_windows.pxd` and `_claimed.pxd`."""

from __future__ import annotations

import random
from typing import Any

import pytest

SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16
CLIENT, SERVER = 1000, 5000
FAR = (3_000_000_000, 2_000_000_000, 500_000, -100_000)


@pytest.fixture
def opened(wire: Any) -> list[bytes]:
    """A handshake, and a byte each way."""
    return [
        wire.tcp(flags=SYN, seq=CLIENT),
        wire.tcp(flags=SYN | ACK, seq=SERVER, ack=CLIENT + 1, forward=False),
        wire.tcp(seq=CLIENT + 1, ack=SERVER + 1),
        wire.tcp(b"q", seq=CLIENT + 1, ack=SERVER + 1),
        wire.tcp(b"a", seq=SERVER + 1, ack=CLIENT + 2, forward=False),
    ]


def outside(take: Any, files: Any, *frames: bytes) -> list[int]:
    """Places of the frames that are out of window; nothing of them is fresh."""
    taken = take(files.frames(*frames, step_ns=1_000_000))
    found = [i for i, is_outside in enumerate(taken.out_of_window) if is_outside]
    assert {taken.fresh[i] for i in found} <= {0}
    return found


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("flags", [ACK, PSH | ACK, FIN | ACK, RST, RST | ACK])
def test_a_number_far_off_is_out_of_window(
    take: Any, files: Any, wire: Any, opened: list[bytes], flags: int, far: int
) -> None:
    """Injected data, blind RST and FIN; the connection goes on and ends as if nothing had come."""
    payload = b"evil" if flags == PSH | ACK else b""
    injected = wire.tcp(payload, flags=flags, seq=SERVER + 2 + far, ack=CLIENT + 2, forward=False)
    after = [
        wire.tcp(b"more", seq=CLIENT + 2, ack=SERVER + 2),
        wire.tcp(flags=FIN | ACK, seq=SERVER + 2, ack=CLIENT + 6, forward=False),
    ]
    assert outside(take, files, *opened, injected, *after) == [5]


@pytest.mark.parametrize("far", [3_000_000_000, 1_000_000])
def test_data_that_acknowledges_what_was_never_sent_is_out_of_window(
    take: Any, files: Any, wire: Any, opened: list[bytes], far: int
) -> None:
    """RFC 9293 section 3.10.7.4, fifth: also where its own number fits."""
    injected = wire.tcp(b"evil", seq=SERVER + 2, ack=CLIENT + 2 + far, forward=False)
    real = wire.tcp(b"good", seq=SERVER + 2, ack=CLIENT + 2, forward=False)
    taken = take(files.frames(*opened, injected, real))
    assert (taken.out_of_window[5:], taken.fresh[5:]) == ([True, False], [0, 4])


def test_a_refusal_must_acknowledge_the_syn(take: Any, files: Any, wire: Any) -> None:
    """RFC 9293 section 3.10.7.3: else it is nobody's."""
    syn = wire.tcp(flags=SYN, seq=CLIENT)
    refusals = [wire.tcp(flags=RST | ACK, ack=ack, forward=False) for ack in (CLIENT, CLIENT + 2, 77, CLIENT + 1)]
    assert outside(take, files, syn, *refusals) == [1, 2, 3]


@pytest.mark.parametrize("taken_one", [SERVER, 1_600_000_000])
def test_the_client_says_which_answer_counts(take: Any, files: Any, wire: Any, taken_one: int) -> None:
    """Two SYN+ACKs with different numbers, in either order."""
    answers = [wire.tcp(flags=SYN | ACK, seq=n, ack=CLIENT + 1, forward=False) for n in (SERVER, 1_600_000_000)]
    rest = [
        wire.tcp(seq=CLIENT + 1, ack=taken_one + 1),
        wire.tcp(b"hello", seq=taken_one + 1, ack=CLIENT + 1, forward=False),
    ]
    taken = take(files.frames(wire.tcp(flags=SYN, seq=CLIENT), *answers, *rest, *answers))
    assert taken.fresh == [0, 0, 0, 0, 5, 0, 0]
    refused = [taken_one != SERVER, taken_one == SERVER]
    assert taken.out_of_window == [False, *refused, False, False, *refused]
    assert set(taken.flow) == {0}


def test_a_syn_into_an_open_connection_takes_nothing_from_it(
    take: Any, files: Any, wire: Any, opened: list[bytes]
) -> None:
    """RFC 5961 section 4: it is answered by a challenge ACK of the connection that goes on."""
    attempt = wire.tcp(flags=SYN, seq=77_000_000)
    challenge = wire.tcp(seq=SERVER + 2, ack=CLIENT + 2, forward=False)
    data = wire.tcp(b"more", seq=CLIENT + 2, ack=SERVER + 2)
    taken = take(files.frames(*opened, attempt, challenge, data))
    assert taken.flow[5:] == [1, 0, 0]
    assert taken.fresh[-1] == 4


def test_late_packets_of_an_old_connection_are_its_own(take: Any, files: Any, wire: Any, opened: list[bytes]) -> None:
    """Data and FIN that come in the next connection on the same ports."""
    fins = [
        wire.tcp(flags=FIN | ACK, seq=CLIENT + 2, ack=SERVER + 2),
        wire.tcp(flags=FIN | ACK, seq=SERVER + 2, ack=CLIENT + 3, forward=False),
    ]
    new = [
        wire.tcp(flags=SYN, seq=900_000_000),
        wire.tcp(flags=SYN | ACK, seq=3_000_000_000, ack=900_000_001, forward=False),
        wire.tcp(seq=900_000_001, ack=3_000_000_001),
    ]
    data = wire.tcp(b"new", seq=900_000_001, ack=3_000_000_001)
    taken = take(files.frames(*opened, fins[0], new[0], fins[1], *new[1:], opened[4], data))
    assert taken.flow == [0] * 6 + [1, 0, 1, 1, 0, 1]
    assert (taken.fresh[-2:], [i for i, is_outside in enumerate(taken.out_of_window) if is_outside]) == ([0, 3], [10])


@pytest.mark.parametrize("lost", [100_000, 100_000_000, 900_000_000])
@pytest.mark.parametrize("is_ack_first", [False, True])
def test_a_capture_that_slept_goes_on(
    take: Any, files: Any, wire: Any, opened: list[bytes], lost: int, is_ack_first: bool
) -> None:
    """Both ends agree on the new numbers: nothing was out of window, and what was seen counts."""
    data = [wire.tcp(b"x" * 100, seq=SERVER + 2 + lost + i * 100, ack=CLIENT + 2, forward=False) for i in range(4)]
    acks = [wire.tcp(seq=CLIENT + 2, ack=SERVER + 2 + lost + i * 100) for i in (1, 3)]
    frames = [acks[0], *data, acks[1]] if is_ack_first else [*data[:2], acks[0], *data[2:], acks[1]]
    taken = take(files.frames(*opened, *frames))
    assert sum(taken.fresh[5:]) == 400
    assert (sum(taken.out_of_window), set(taken.flow)) == (0, {0})


@pytest.mark.parametrize("sent", [17_540, 100_000, 900_000_000])
@pytest.mark.parametrize("is_client_last", [False, True])
def test_a_capture_without_data_has_its_ends(take: Any, files: Any, wire: Any, sent: int, is_client_last: bool) -> None:
    """`tcp[tcpflags] & (tcp-syn|tcp-fin) != 0` is a usual filter: that both FINs acknowledge each other shows that all between was sent."""
    opening = [
        wire.tcp(flags=SYN, seq=CLIENT),
        wire.tcp(flags=SYN | ACK, seq=SERVER, ack=CLIENT + 1, forward=False),
    ]
    client, server = CLIENT + 840, SERVER + sent
    fins = [
        wire.tcp(flags=FIN | ACK, seq=server, ack=client + (not is_client_last), forward=False),
        wire.tcp(flags=FIN | ACK, seq=client, ack=server + is_client_last),
    ]
    taken = take(files.frames(*opening, *(fins if is_client_last else fins[::-1])))
    assert (sum(taken.out_of_window), taken.flow, sum(taken.fresh)) == (0, [0] * 4, 0)


@pytest.mark.parametrize("is_ack_first", [False, True])
def test_a_thinned_capture_goes_on(take: Any, files: Any, wire: Any, opened: list[bytes], is_ack_first: bool) -> None:
    """Of hundreds of megabytes a packet is captured now and then: an ACK of the other end that reaches its number is agreement."""
    frames = []
    for at in range(1, 12):
        seq = SERVER + 2 + at * 400_000_000
        pair = [wire.tcp(b"x" * 100, seq=seq, ack=CLIENT + 2, forward=False), wire.tcp(seq=CLIENT + 2, ack=seq)]
        frames += pair[::-1] if is_ack_first else pair
    taken = take(files.frames(*opened, *frames))
    assert (sum(taken.fresh[5:]), sum(taken.out_of_window), set(taken.flow)) == (1100, 0, {0})


def test_one_direction_alone_is_not_judged(take: Any, files: Any, wire: Any) -> None:
    """Nobody acknowledges, nor offers a window."""
    frames = [wire.tcp(flags=SYN, seq=CLIENT)]
    frames += [wire.tcp(b"x" * 10, seq=CLIENT + 1 + i * 1_000_000, ack=SERVER + i * 500_000) for i in range(20)]
    taken = take(files.frames(*frames))
    assert (sum(taken.fresh), sum(taken.out_of_window)) == (200, 0)


def test_a_keep_alive_carries_no_payload(take: Any, files: Any, wire: Any, opened: list[bytes]) -> None:
    """RFC 9293 section 3.8.4: one byte of garbage before all that is acknowledged. Sent before it is acknowledged it is data again."""
    probe = wire.tcp(b"\0", seq=CLIENT + 1, ack=SERVER + 2)
    taken = take(files.frames(*opened, probe, probe))
    assert taken.payload_length[3:] == [1, 1, 0, 0]
    assert take(files.frames(*opened[:4], probe)).payload_length[3:] == [1, 1]


def test_whoever_goes_on_did_not_end(take: Any, files: Any, wire: Any, opened: list[bytes]) -> None:
    """After a blind RST with a number that fits, a SYN with another number is a new flow all the same, and data is the old one's."""
    forged = wire.tcp(flags=RST, seq=SERVER + 50, forward=False)
    more = wire.tcp(b"real" * 30, seq=SERVER + 2, ack=CLIENT + 2, forward=False)
    taken = take(files.frames(*opened, forged, more))
    assert (taken.fresh[-1], sum(taken.out_of_window)) == (120, 0)


def test_any_order_of_a_small_window_is_accepted(take: Any, files: Any, wire: Any, opened: list[bytes]) -> None:
    """Losses, repetitions and reordering within a window: each byte counts once, and nothing is out of window."""
    dice = random.Random(11)
    for _ in range(40):
        pieces = [(i * 50, 50) for i in range(20)]
        sent = dice.sample(pieces, dice.randrange(1, 20))
        sent += dice.choices(sent, k=5)
        dice.shuffle(sent)
        frames = [wire.tcp(b"x" * size, seq=CLIENT + 2 + at, ack=SERVER + 2) for at, size in sent]
        taken = take(files.frames(*opened, *frames))
        assert sum(taken.fresh[5:]) == 50 * len(set(sent))
        assert not any(taken.out_of_window)


@pytest.mark.parametrize(("later_ns", "is_over"), [(500_000, False), (5_000_000, True)])
def test_an_rst_ahead_of_all_data_ends_nothing_when_its_end_goes_on(
    take: Any, files: Any, wire: Any, opened: list[bytes], later_ns: int, is_over: bool
) -> None:
    """RFC 5961 section 3.2: only the very next number resets. Data that comes with it may lie in the capture behind it."""
    forged = wire.tcp(flags=RST, seq=SERVER + 3000, forward=False)
    more = wire.tcp(b"real", seq=SERVER + 2, ack=CLIENT + 2, forward=False)
    again = wire.tcp(flags=SYN, seq=CLIENT)
    times = [i * 1_000_000 for i in range(6)] + [5_000_000 + later_ns, 900_000_000]
    frames = [*opened, forged, more, again]
    taken = take(files.pcapng(*(files.packet(frame, ticks=at) for frame, at in zip(frames, times, strict=True))))
    assert taken.flow[-1] == (0 if is_over else 1)


@pytest.mark.parametrize("last", [b"a", b""])
def test_what_an_old_connection_repeats_is_out_of_window(
    take: Any, files: Any, wire: Any, opened: list[bytes], last: bytes
) -> None:
    """After a new one has begun between its ends nobody takes it. It stays a packet of its own connection."""
    fins = [
        wire.tcp(flags=FIN | ACK, seq=SERVER + 2, ack=CLIENT + 2, forward=False),
        wire.tcp(flags=FIN | ACK, seq=CLIENT + 2, ack=SERVER + 3),
    ]
    again = [
        wire.tcp(flags=SYN, seq=900_000),
        wire.tcp(flags=SYN | ACK, seq=7_000_000, ack=900_001, forward=False),
        wire.tcp(seq=900_001, ack=7_000_001),
    ]
    late = wire.tcp(last, seq=SERVER + 1, ack=CLIENT + 2, forward=False) if last else fins[0]
    assert outside(take, files, *opened, *fins, *again, late) == [10]
    taken = take(files.frames(*opened, *fins, *again, late, step_ns=1_000_000))
    assert (taken.flow[7:], sum(taken.fresh)) == ([1, 1, 1, 0], 2)
    assert outside(take, files, *opened, *fins, late) == []


def test_whoever_gave_up_waiting_for_an_answer_resets_from_where_it_began(take: Any, files: Any, wire: Any) -> None:
    """A SYN that nobody answers, again, and the RST of its sender, as Android's connect() ends."""
    syn = wire.tcp(flags=SYN, seq=CLIENT)
    assert outside(take, files, syn, syn, wire.tcp(flags=RST, seq=CLIENT)) == []
