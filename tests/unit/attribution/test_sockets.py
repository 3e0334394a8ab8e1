"""Timelines of owners, and tables that grow and forget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from story import (
    BOUND,
    CLIENT,
    CLOSED,
    HELD,
    MS,
    NAMED,
    OWN,
    READER,
    SERVER,
    TCP,
    UDP,
    WRITER,
    Story,
    accepted,
    connected,
    event,
    mapped,
)

from pcapdig.attribution._ledger import Ledger

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


def test_peers_of_a_name_server_are_bounded():
    """Of ever new peers of open sockets the latest are kept, and those that are still asked for."""
    port, regular, seldom = ("127.0.0.1", 53), ("9.9.9.9", 9), ("9.9.9.8", 9)
    story = Story(
        event(BOUND, 1, 2, port, seldom, 72, protocol=UDP),
        event(BOUND, 2, 1, port, regular, 71, protocol=UDP),
    )
    template = bytearray(event(BOUND, 3, 1, port, ("10.0.0.0", 9), 71, protocol=UDP))
    remote_at = template.rindex(mapped("10.0.0.0")) + 13
    for number in range(PEERS_KEPT + 60_000):
        template[remote_at : remote_at + 3] = number.to_bytes(3, "big")
        story.ledger.apply(bytes(template), 0)
        if number % 50_000 == 0:
            assert story.packet(4 + number, regular, port, protocol=UDP)[1] == "p71"
            story.ledger.forget_before((4 + number) * MS)
    assert story.packet(4_000_000, regular, port, protocol=UDP)[1] == "p71"
    story.ledger.forget_before(4_000_000 * MS)
    assert story.ledger.sizes["peers"] == PEERS_KEPT
    assert story.ledger.sizes["tuples"] <= PEERS_KEPT + 2
    assert story.packet(4_000_001, regular, port, protocol=UDP)[1] == "p71"
    assert story.packet(4_000_001, seldom, port, protocol=UDP)[1] == "unknown", (
        "forgotten, and two sockets have the port"
    )
    story.happens(event(CLOSED, 4_000_002, 1, port, protocol=UDP), event(CLOSED, 4_000_002, 2, port, protocol=UDP))
    story.ledger.forget_before(4_070_000 * MS)
    assert story.ledger.sizes == {"sockets": 0, "tuples": 0, "peers": 0, "changes": 0, "processes": 2}


def test_closed_sockets_are_forgotten_in_the_end():
    """After time-wait nothing is left of a closed socket; open ones stay."""
    story = Story(*connected(), *accepted(), event(CLOSED, 1000, 1, CLIENT, SERVER))
    story.ledger.forget_before((1000 + 59_000) * MS)
    assert story.ledger.sizes["sockets"] == 2
    story.ledger.forget_before((1000 + 61_000) * MS)
    assert story.ledger.sizes == {"sockets": 1, "tuples": 1, "peers": 0, "changes": 0, "processes": 2}
    assert story.packet(62_000, SERVER, CLIENT) == ("p20", "unknown")


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5), st.booleans()), max_size=300))
def test_tables_survive_any_order_of_making_and_forgetting(steps):
    """Open-addressing tables against a plain dict: what is open is found with its owner, what is forgotten is gone."""
    ledger = Ledger(own_netns=OWN, complete=True)
    alive: dict[int, int] = {}
    time, cookie_of, next_cookie = 1000, {}, 1
    for port, pid, close in steps:
        time += 100_000
        local, remote = ("10.0.0.1", port), ("10.0.0.2", 9)
        if close and port in alive:
            ledger.apply(event(CLOSED, time, cookie_of[port], local, remote), 0)
            del alive[port]
        elif port not in alive:
            cookie_of[port], alive[port] = next_cookie, pid + 1
            ledger.apply(event(HELD, time, next_cookie, local, remote, pid + 1), 0)
            next_cookie += 1
        ledger.forget_before((time + 61_000) * MS)
    assert ledger.sizes["sockets"] == len(alive)
    for port in range(1, 61):
        sender, _ = ledger.owners(
            protocol=TCP,
            source=mapped("10.0.0.1"),
            source_port=port,
            destination=mapped("10.0.0.2"),
            destination_port=9,
            time_ns=(time + 1000) * MS,
        )
        assert (sender[3] == NAMED) == (port in alive)
        if port in alive:
            assert ledger.process(sender[0])["tgid"] == alive[port]
