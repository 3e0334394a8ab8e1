"""Which socket a tuple belonged to: connections on the same addresses, ports with several holders."""

from __future__ import annotations

from story import (
    BOUND,
    CLIENT,
    CLOSED,
    HELD,
    ICMP,
    LISTENING,
    OTHER,
    RST_ACK,
    SERVER,
    SNAPSHOT,
    SYN,
    UDP,
    Story,
    accepted,
    connected,
    event,
)


def test_a_dual_stack_listener_takes_ipv4():
    """A listener on :: holds connections whose packets are IPv4."""
    story = Story(event(LISTENING, 5, 9, ("::", 80), pid=33), *connected())
    assert story.packet(100, CLIENT, SERVER, SYN) == ("p10", "p33")


def test_port_reuse_belongs_to_the_connection_of_its_syn():
    """The same addresses twice: each connection has its own owners, also for the SYN of the second."""
    story = Story(
        *connected(1, 99, 10),
        *accepted(2, 130, 20),
        event(CLOSED, 300, 1, CLIENT, SERVER),
        event(CLOSED, 310, 2, SERVER, CLIENT),
        *connected(3, 499, 11),
        *accepted(4, 530, 21),
    )
    assert story.packet(100, CLIENT, SERVER, SYN, seq=5) == ("p10", "p20")
    assert story.packet(305, SERVER, CLIENT) == ("p20", "p10")
    assert story.packet(400, SERVER, CLIENT) == ("p20", "p10")
    assert story.packet(500, CLIENT, SERVER, SYN, seq=9) == ("p11", "p21")
    assert story.packet(540, SERVER, CLIENT) == ("p21", "p11")


def test_a_retransmitted_syn_starts_nothing():
    """The same SYN again, after the connection was made, still belongs to it."""
    story = Story(*connected(), *accepted())
    story.packet(100, CLIENT, SERVER, SYN, seq=5)
    assert story.packet(400, CLIENT, SERVER, SYN, seq=5) == ("p10", "p20")


def test_a_connection_whose_syn_was_not_captured():
    """The same addresses again, the second SYN dropped: packets after the new binding are not the old connection's."""
    story = Story(
        *connected(1, 99, 10),
        *accepted(2, 130, 20),
        event(CLOSED, 300, 1, CLIENT, SERVER),
        event(CLOSED, 310, 2, SERVER, CLIENT),
        *connected(3, 499, 11),
        *accepted(4, 530, 21),
    )
    assert story.packet(100, CLIENT, SERVER, SYN, seq=5) == ("p10", "p20")
    assert story.packet(200, CLIENT, SERVER) == ("p10", "p20")
    assert story.packet(540, SERVER, CLIENT) == ("p21", "p11")
    assert story.packet(541, CLIENT, SERVER) == ("p11", "p21")


def test_who_listens_later_did_not_refuse():
    """A SYN answered by RST came to nobody, though someone listens there a moment later."""
    story = Story(*connected(), event(LISTENING, 150, 9, SERVER, pid=33))
    assert story.packet(100, CLIENT, SERVER, SYN, seq=5) == ("p10", "kernel")
    assert story.packet(101, SERVER, CLIENT, RST_ACK) == ("kernel", "p10")


def test_a_datagram_before_its_reader():
    """A datagram to a port that nobody had is not of the process that took the port and met this peer later."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story(event(BOUND, 200, 1, port, peer, 71, protocol=UDP))
    assert story.packet(100, peer, port, protocol=UDP)[1] == "kernel"
    assert story.packet(200, peer, port, protocol=UDP)[1] == "p71"


def test_a_datagram_captured_before_another_namespace_saw_it():
    """On the host's end of a veth a packet is stamped before the namespace beyond stamps it."""
    inside, outside = ("10.9.0.2", 53), ("10.9.0.1", 4000)
    story = Story(event(BOUND, 101, 1, inside, outside, 50, protocol=UDP, netns=OTHER))
    assert story.packet(100, outside, inside, protocol=UDP, loopback=False)[1] == "p50"


def test_a_member_that_left_a_port_group():
    """Of a SO_REUSEPORT group the last to meet this peer closed: the peer is its older socket's."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story(
        event(BOUND, 100, 1, port, peer, 71, protocol=UDP),
        event(BOUND, 200, 2, port, peer, 72, protocol=UDP),
        event(CLOSED, 300, 2, port, peer, protocol=UDP),
        event(BOUND, 350, 3, port, ("127.0.0.1", 7), 73, protocol=UDP),
    )
    assert story.packet(250, peer, port, protocol=UDP)[1] == "p72"
    assert story.packet(400, peer, port, protocol=UDP)[1] == "p71"


def test_a_peer_that_returns_to_an_earlier_socket():
    """Told again that a socket met this peer: from then on the peer is that socket's, however often it moves."""
    port, peer = ("127.0.0.1", 53), ("127.0.0.1", 5001)
    story = Story(
        *(event(BOUND, 100 * turn, 1 + turn % 2, port, peer, 71 + turn % 2, protocol=UDP) for turn in range(1, 400))
    )
    for turn in range(1, 400):
        assert story.packet(100 * turn, peer, port, protocol=UDP)[1] == f"p{71 + turn % 2}"


def test_udp_ends_are_bound_per_peer():
    """Two sockets of a SO_REUSEPORT group: each peer's datagrams went to the socket that took them."""
    peer, other = ("127.0.0.1", 5001), ("127.0.0.1", 5002)
    port = ("127.0.0.1", 53)
    story = Story(
        event(BOUND, 100, 1, port, peer, 71, protocol=UDP), event(BOUND, 101, 2, port, other, 72, protocol=UDP)
    )
    assert story.packet(110, peer, port, protocol=UDP)[1] == "p71"
    assert story.packet(110, other, port, protocol=UDP)[1] == "p72"
    assert story.packet(110, ("127.0.0.1", 5003), port, protocol=UDP)[1] == "unknown", (
        "two holders of the port: not known which"
    )


def test_a_wildcard_udp_socket_owns_its_port_here_only():
    """Port 53 on the wildcard address is ours at our addresses, not at a remote server's."""
    story = Story(event(HELD, 10, 1, ("0.0.0.0", 53), pid=71, protocol=UDP))
    assert story.packet(100, ("192.168.7.9", 999), ("192.168.7.1", 53), protocol=UDP, loopback=False) == (
        "remote",
        "p71",
    )
    assert story.packet(100, ("192.168.7.1", 999), ("8.8.8.8", 53), protocol=UDP, loopback=False) == (
        "unknown",
        "remote",
    )


def test_two_namespaces_with_the_same_addresses_are_not_guessed():
    """The same addresses in two other namespaces: no name."""
    inside, outside = ("10.9.0.2", 80), ("10.9.0.1", 4000)
    story = Story(
        event(HELD, 10, 1, inside, outside, 50, netns=OTHER), event(HELD, 10, 2, inside, outside, 51, netns=OTHER + 1)
    )
    assert story.packet(100, outside, inside, loopback=False)[1] == "unknown"


def test_a_raw_socket_open_before_owns_no_echo_of_others():
    """A monitor's raw ICMP socket, held at start, is given copies: requests are the kernel's to answer, replies their asker's."""
    here = "127.0.0.1"
    story = Story(
        event(HELD, 10, 1, ("0.0.0.0", 0), pid=50, protocol=ICMP, evidence=SNAPSHOT),
        event(BOUND, 99, 2, (here, 4242), (here, 0), 60, protocol=ICMP),
    )
    assert story.packet(100, (here, 4242), (here, 0), protocol=ICMP) == ("p60", "kernel")
    assert story.packet(101, (here, 0), (here, 4242), protocol=ICMP) == ("kernel", "p60")
