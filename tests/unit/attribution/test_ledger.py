"""The ledger: which process owned which end of a packet."""

from __future__ import annotations

import struct

import pytest
from story import (
    ANY,
    BOUND,
    CLIENT,
    CLOSED,
    HELD,
    ICMP,
    LISTENER,
    LISTENING,
    MS,
    OTHER,
    PASSIVE,
    RST,
    SERVER,
    SNAPSHOT,
    SOCKET,
    SYN,
    SYN_ACK,
    UDP,
    WALL_CLOCK,
    Story,
    accepted,
    connected,
    event,
)

from pcapdig.attribution._ledger import Ledger


@pytest.mark.parametrize("cut", [1, 15, 16, 119])
def test_a_cut_event_is_refused(cut):
    """A socket event that ends early is an error, not a shorter event."""
    with pytest.raises(ValueError, match="cut"):
        Ledger().apply(event(HELD, 1, 1, SERVER, CLIENT, 7)[:cut], 0)


@pytest.mark.parametrize(
    "head", [struct.pack("=HHIQ", 9, 120, 1, 0), struct.pack("=HHIQ", 2, 119, 1, 0), struct.pack("=HHIQ", 2, 120, 2, 0)]
)
def test_a_foreign_event_is_refused(head):
    """Another kind, size or version is an error."""
    with pytest.raises(ValueError, match="not a socket event"):
        Ledger().apply(head + bytes(104), 0)


def test_an_address_has_sixteen_bytes():
    """Short addresses are refused."""
    with pytest.raises(ValueError, match="16 expected"):
        Ledger().set_addresses([b"\x7f\0\0\1"])


def test_both_ends_of_a_connection_are_named_from_its_first_packet():
    """SYN, SYN+ACK and data of a loopback connection: each end its own process, though the accept came later."""
    story = Story(*connected(), *accepted())
    assert story.packet(100, CLIENT, SERVER, SYN, length=0) == ("p10", "p20")
    assert story.packet(110, SERVER, CLIENT, SYN_ACK, length=0) == ("p20", "p10")
    assert story.packet(140, CLIENT, SERVER) == ("p10", "p20")
    assert story.evidence == (SOCKET, SOCKET)


def test_never_accepted_is_the_listeners():
    """A connection that no process ever took belongs to the listening socket's holder, and says so."""
    story = Story(
        event(LISTENING, 5, 9, ANY, pid=33), *connected(), event(BOUND, 130, 2, SERVER, CLIENT, flags=PASSIVE)
    )
    assert story.packet(100, CLIENT, SERVER, SYN) == ("p10", "p33")
    assert story.evidence == (SOCKET, LISTENER)
    assert story.packet(140, CLIENT, SERVER) == ("p10", "p33")


def test_a_refused_connection_has_one_owner():
    """Nobody listens: the SYN's sender is named, the RST is the kernel's."""
    story = Story(*connected(), event(CLOSED, 120, 1, CLIENT, SERVER))
    assert story.packet(100, CLIENT, SERVER, SYN) == ("p10", "kernel")
    assert story.packet(110, SERVER, CLIENT, RST) == ("kernel", "p10")


def test_without_a_whole_tracer_nothing_is_the_kernels():
    """A tracer that misses sockets cannot say that there was none."""
    story = Story(*connected(), complete=False)
    assert story.packet(100, CLIENT, SERVER, SYN) == ("p10", "unknown")


def test_a_listener_does_not_own_stray_segments():
    """Data for a connection whose socket was never told of is not given to the port's listener."""
    story = Story(event(LISTENING, 5, 9, ANY, pid=33))
    assert story.packet(100, CLIENT, SERVER) == ("unknown", "unknown")


def test_a_received_datagram_carries_its_own_time():
    """An event stamped with the packet's wall-clock time is not moved by the boot offset."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story()
    old = event(BOUND, 100, 1, port, peer, 71, protocol=UDP, flags=WALL_CLOCK)
    new = event(BOUND, 200, 2, port, peer, 72, protocol=UDP, flags=WALL_CLOCK)
    story.ledger.apply(old + new + event(CLOSED, 190 - 50, 1, port, peer, protocol=UDP), 50 * MS)
    assert story.packet(150, peer, port, protocol=UDP)[1] == "p71"
    assert story.packet(200 + 10, peer, port, protocol=UDP)[1] == "p72"


def test_tcp_and_udp_on_one_port_are_apart():
    """The protocol is part of the key."""
    story = Story(event(LISTENING, 5, 9, ANY, pid=33), event(HELD, 5, 8, ANY, pid=44, protocol=UDP))
    assert story.packet(100, CLIENT, SERVER, protocol=UDP)[1] == "p44"
    assert story.packet(100, CLIENT, SERVER, SYN)[1] == "p33"


def test_ping_is_its_process_and_the_answer_the_kernels():
    """Echo request and reply by identifier; nobody sends the reply."""
    story = Story(event(BOUND, 90, 1, ("127.0.0.1", 77), ("127.0.0.2", 0), 12, protocol=ICMP))
    assert story.packet(100, ("127.0.0.1", 77), ("127.0.0.2", 0), protocol=ICMP) == ("p12", "kernel")
    assert story.packet(110, ("127.0.0.2", 0), ("127.0.0.1", 77), protocol=ICMP) == ("kernel", "p12")


def test_a_containers_socket_is_found_off_loopback_only():
    """Another namespace's socket owns packets seen on a bridge, never those of our own loopback."""
    inside, outside = ("10.9.0.2", 80), ("10.9.0.1", 4000)
    story = Story(
        event(HELD, 10, 1, inside, outside, 50, netns=OTHER), event(HELD, 10, 2, SERVER, CLIENT, 51, netns=OTHER)
    )
    assert story.packet(100, outside, inside, loopback=False)[1] == "p50"
    assert story.packet(100, CLIENT, SERVER)[1] == "unknown"


def test_a_first_use_after_the_snapshot_takes_over():
    """Who was found holding a socket under /proc gives way to who then uses it; the packets before stay."""
    story = Story(event(BOUND, 50, 1, CLIENT, SERVER, 10, evidence=SNAPSHOT), event(HELD, 200, 1, CLIENT, SERVER, 11))
    assert story.packet(100, CLIENT, SERVER)[0] == "p10"
    assert story.packet(300, CLIENT, SERVER)[0] == "p11"
    assert story.evidence[0] == SOCKET
