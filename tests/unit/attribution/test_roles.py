"""Which end is the client, by what is known of the sockets, where no SYN says it."""

from __future__ import annotations

import pytest
from story import (
    BOUND,
    CLIENT,
    HELD,
    LISTENING,
    OTHER,
    SERVER,
    SNAPSHOT,
    SYN,
    UDP,
    Story,
    event,
)

PASSIVE, ACTIVE, CHOSEN_PORT = 8, 16, 64
NOBODY, TO_SERVER, TO_CLIENT = (0, 0), (1, 2), (2, 1)
HIGH, LOW = ("127.0.0.1", 51820), ("127.0.0.1", 3100)
REMOTE = ("203.0.113.9", 40000)


def before(cookie, local, remote, flags, *, protocol=UDP, pid=None, **more):
    """A socket that was there when the recording began."""
    pid = pid or cookie * 10
    return event(BOUND, 1, cookie, local, remote, pid, protocol=protocol, flags=flags, evidence=SNAPSHOT, **more)


def roles(story, *packet, **more):
    """(sender, receiver): 1 client, 2 server, 0 not known."""
    story.packet(*packet, **more)
    return story.ledger.roles


def test_a_connection_from_before_has_the_roles_of_its_sockets():
    """Whichever way the packet goes, and though the server has the higher port."""
    story = Story(before(1, LOW, HIGH, ACTIVE, protocol=6), before(2, HIGH, LOW, PASSIVE, protocol=6))
    assert roles(story, 100, LOW, HIGH) == TO_SERVER
    assert roles(story, 101, HIGH, LOW) == TO_CLIENT


def test_one_end_is_enough():
    """The other end's socket does not show its role, or is on another machine."""
    story = Story(before(1, LOW, HIGH, 0, protocol=6), before(2, HIGH, LOW, PASSIVE, protocol=6))
    assert roles(story, 100, LOW, HIGH) == TO_SERVER
    story = Story(before(2, ("192.168.7.1", 51820), REMOTE, PASSIVE, protocol=6))
    assert roles(story, 100, REMOTE, ("192.168.7.1", 51820), loopback=False) == TO_SERVER


def test_a_syn_of_the_recording_needs_no_word():
    """The role is in the packets then."""
    story = Story(
        event(BOUND, 99, 1, CLIENT, SERVER, 10, flags=ACTIVE), event(LISTENING, 5, 9, ("0.0.0.0", 80), pid=33)
    )
    assert roles(story, 100, CLIENT, SERVER, SYN) == NOBODY
    assert roles(story, 101, CLIENT, SERVER) == NOBODY


def test_a_connection_whose_syn_was_not_captured_has_roles():
    """The tracer saw it begin."""
    story = Story(
        event(BOUND, 99, 1, CLIENT, SERVER, 10, flags=ACTIVE),
        event(BOUND, 100, 2, SERVER, CLIENT, flags=PASSIVE),
        event(HELD, 110, 2, SERVER, CLIENT, 20),
    )
    assert roles(story, 150, SERVER, CLIENT) == TO_CLIENT


@pytest.mark.parametrize("flags", [0, ACTIVE, PASSIVE])
def test_two_equal_roles_are_none(flags):
    """A socket that is connected to itself, or both ends connected at once."""
    story = Story(before(1, LOW, HIGH, flags, protocol=6), before(2, HIGH, LOW, flags, protocol=6))
    assert roles(story, 100, LOW, HIGH) == NOBODY
    story = Story(before(1, LOW, LOW, flags, protocol=6))
    assert roles(story, 100, LOW, LOW) == NOBODY


def test_a_connected_datagram_socket_is_the_clients():
    """Though its port is the lower one; what waits at the other end is the server."""
    story = Story(before(1, LOW, HIGH, ACTIVE), before(2, HIGH, ("0.0.0.0", 0), PASSIVE))
    assert roles(story, 100, HIGH, LOW, protocol=UDP) == TO_CLIENT
    assert roles(story, 101, LOW, HIGH, protocol=UDP) == TO_SERVER


def test_a_named_port_serves_a_chosen_one():
    """Neither is connected."""
    story = Story(
        before(1, ("127.0.0.1", 40000), ("0.0.0.0", 0), CHOSEN_PORT), before(2, HIGH, ("0.0.0.0", 0), PASSIVE)
    )
    assert roles(story, 100, HIGH, ("127.0.0.1", 40000), protocol=UDP) == TO_CLIENT


@pytest.mark.parametrize("flags", [PASSIVE, 0, CHOSEN_PORT])
def test_what_could_be_either_has_no_role(flags):
    """Two ports that were named to bind(2) and wait for anyone; two whose port was chosen; one of which nothing is known."""
    other = flags or PASSIVE
    story = Story(before(1, LOW, ("0.0.0.0", 0), flags), before(2, HIGH, ("0.0.0.0", 0), other))
    assert roles(story, 100, HIGH, LOW, protocol=UDP) == NOBODY
    assert roles(story, 101, LOW, HIGH, protocol=UDP) == NOBODY


@pytest.mark.parametrize(
    ("port", "remote_port", "expected"),
    [
        (53, 40000, TO_CLIENT),
        (53, 32768, TO_CLIENT),
        (53, 60999, TO_CLIENT),
        (511, 40000, TO_CLIENT),
        # a client of NFS or an NTP daemon, a peer on another system's ports
        (512, 40000, NOBODY),
        (5000, 51820, NOBODY),
        (123, 123, NOBODY),
        (53, 32767, NOBODY),
        (53, 61000, NOBODY),
    ],
)
def test_a_remote_peer_is_served_only_by_a_systems_port(port, remote_port, expected):
    """What waits below the ports that bindresvport(3) gives to clients; its peer's port is one that a kernel may have chosen."""
    here, there = ("192.168.7.1", port), ("203.0.113.9", remote_port)
    story = Story(before(1, here, ("0.0.0.0", 0), PASSIVE))
    assert roles(story, 100, here, there, protocol=UDP, loopback=False) == expected


def test_another_namespaces_sockets_have_roles_too():
    """Seen on the bridge between them."""
    one, two = ("10.9.0.1", 3100), ("10.9.0.2", 51820)
    story = Story(
        before(1, one, two, ACTIVE, netns=OTHER),
        before(2, two, one, 0, netns=OTHER + 1),
        before(3, one, two, ACTIVE, protocol=6, netns=OTHER),
    )
    assert roles(story, 100, two, one, protocol=UDP, loopback=False) == TO_CLIENT
    assert roles(story, 101, two, one, loopback=False) == TO_CLIENT


def test_later_fragments_have_the_roles_of_the_first():
    """They carry no ports."""
    story = Story(before(1, LOW, HIGH, ACTIVE), before(2, HIGH, ("0.0.0.0", 0), PASSIVE))
    assert roles(story, 100, LOW, HIGH, protocol=UDP, ip_id=9) == TO_SERVER
    assert story.packet(101, LOW, HIGH, protocol=UDP, ip_id=9, later_fragment=True) == ("p10", "p20")
    assert story.ledger.roles == TO_SERVER
