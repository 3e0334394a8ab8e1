"""Tables of sockets that grow, are bounded and forget."""

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
    SERVER,
    TCP,
    UDP,
    Story,
    accepted,
    connected,
    event,
    mapped,
)

from pcapdig.attribution._ledger import Ledger

PEERS_KEPT = 1 << 18
"""Of all datagram sockets together, as _sockets.pyx has it."""


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
