"""Which socket a tuple belonged to: connections on the same addresses, ports with several holders."""

from __future__ import annotations

from story import BOUND, CLIENT, CLOSED, HELD, LISTENING, OTHER, SERVER, SYN, UDP, Story, accepted, connected, event


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
