"""Timelines of owners: by sequence number, by time, folded when no packet waits for them."""

from __future__ import annotations

from story import (
    BOUND,
    CLIENT,
    READER,
    SERVER,
    UDP,
    WRITER,
    Story,
    accepted,
    connected,
    event,
)

PEERS_KEPT = 1 << 18
"""Of all datagram sockets together, as _sockets.pyx has it."""


def test_a_passed_socket_changes_owner_at_a_sequence_number():
    """From seq 1000 on the bytes are another writer's, whatever the packets' times; retransmissions stay with the first."""
    story = Story(*connected(), event(WRITER, 700, 1, CLIENT, SERVER, 11, seq=1000))
    assert story.packet(650, CLIENT, SERVER, seq=1000)[0] == "p11"
    assert story.packet(800, CLIENT, SERVER, seq=999)[0] == "p10"
    assert story.packet(900, CLIENT, SERVER, seq=5000)[0] == "p11"
    assert story.packet(600, SERVER, CLIENT)[1] == "p10"


def test_an_empty_segment_at_the_change_goes_by_time():
    """An acknowledgement has no byte of its own."""
    story = Story(*connected(), event(WRITER, 700, 1, CLIENT, SERVER, 11, seq=1000))
    assert story.packet(650, CLIENT, SERVER, seq=1000, length=0)[0] == "p10"
    assert story.packet(750, CLIENT, SERVER, seq=1000, length=0)[0] == "p11"


def test_sequence_numbers_wrap():
    """A change just before 2^32 holds after it, and still holds 3 GiB later."""
    story = Story(*connected(), event(WRITER, 700, 1, CLIENT, SERVER, 11, seq=0xFFFFFF00))
    assert story.packet(600, CLIENT, SERVER, seq=0xFFFFFE00)[0] == "p10"
    for step in range(12):
        assert story.packet(800 + step, CLIENT, SERVER, seq=(0x100 + step * 0x10000000) & 0xFFFFFFFF)[0] == "p11"


def test_readers_and_writers_are_apart():
    """One process reads what comes, another writes what goes."""
    story = Story(*connected(), *accepted(), event(WRITER, 700, 2, SERVER, CLIENT, 21, seq=50))
    assert story.packet(800, SERVER, CLIENT, seq=50) == ("p21", "p10")
    assert story.packet(810, CLIENT, SERVER, seq=9000) == ("p10", "p20")


def test_many_changes_of_hands_keep_the_latest():
    """A socket shared by workers: memory is bounded, the owner still right."""
    story = Story(*connected(), *(event(WRITER, 1000 + i, 1, CLIENT, SERVER, 100 + i, seq=10 * i) for i in range(500)))
    assert story.packet(9000, CLIENT, SERVER, seq=4990)[0] == "p599"
    assert story.packet(9000, CLIENT, SERVER, seq=4985)[0] == "p598"


def test_the_udp_reader_after_the_last_read_of_the_one_before():
    """A datagram that came after the old reader's last read is the new reader's, though its read came later."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story(
        event(BOUND, 100, 1, port, peer, 71, protocol=UDP),
        event(READER, 500, 1, port, peer, 72, protocol=UDP, previous=300),
    )
    assert story.packet(250, peer, port, protocol=UDP)[1] == "p71"
    assert story.packet(350, peer, port, protocol=UDP)[1] == "p72"


def test_a_socket_that_changes_hands_with_each_datagram():
    """Workers that take turns on one socket: every change is kept while packets from before it wait."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story(event(BOUND, 100, 1, port, peer, 70, protocol=UDP))
    for turn in range(1, 400):
        pid, at = 70 + turn % 4, 100 + 10 * turn
        story.happens(
            event(READER, at + 2, 1, port, peer, pid, protocol=UDP, previous=at - 8),
            event(WRITER, at + 4, 1, port, peer, pid, protocol=UDP),
        )
    for turn in range(1, 400):
        pid, at = f"p{70 + turn % 4}", 100 + 10 * turn
        assert story.packet(at, peer, port, protocol=UDP)[1] == pid
        assert story.packet(at + 5, port, peer, protocol=UDP)[0] == pid


def test_a_stream_that_changes_hands_often():
    """Programs that write to one connection by turns, and read it: each byte is its own writer's and reader's."""
    story = Story(*connected(), *accepted())
    for turn in range(1, 300):
        story.happens(
            event(WRITER, 200 + turn, 1, CLIENT, SERVER, 100 + turn, seq=10 * turn),
            event(READER, 200 + turn, 2, SERVER, CLIENT, 500 + turn, seq=10 * turn),
        )
    for turn in range(1, 300):
        assert story.packet(200 + turn, CLIENT, SERVER, seq=10 * turn) == (f"p{100 + turn}", f"p{500 + turn}")


def test_changes_of_the_past_take_no_room():
    """What holds for every packet to come is folded; a stream keeps some for bytes sent again."""
    story = Story(*connected())
    for turn in range(1, 1000):
        story.happens(event(WRITER, 200 + turn, 1, CLIENT, SERVER, 100 + turn % 7, seq=10 * turn))
        story.packet(200 + turn, CLIENT, SERVER, seq=10 * turn)
    assert story.ledger.sizes["changes"] <= 64
    assert story.packet(2000, CLIENT, SERVER, seq=9950)[0] == f"p{100 + 995 % 7}"


def test_a_later_told_change_from_an_earlier_moment():
    """Two readers at once: the change told last wins wherever it holds."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story(
        event(BOUND, 100, 1, port, peer, 71, protocol=UDP),
        event(READER, 500, 1, port, peer, 72, protocol=UDP, previous=300),
        event(READER, 501, 1, port, peer, 73, protocol=UDP, previous=250),
    )
    assert story.packet(240, peer, port, protocol=UDP)[1] == "p71"
    assert story.packet(260, peer, port, protocol=UDP)[1] == "p73"
    assert story.packet(350, peer, port, protocol=UDP)[1] == "p73"
