"""Roles of sockets that were there before the recording, by all sockets of a namespace together."""

import itertools
import socket
from pathlib import Path

import pytest

from pcapdig.errors import InputError
from pcapdig.tracer.events import NO_FLAGS, EventProcess, Evidence, Flags, Kind, SocketEvent, mapped, split, unpack
from pcapdig.tracer.roles import Place, Roles, chosen_ports, with_roles

TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
CHOSEN = range(32768, 61000)


def place(
    local_port: int,
    remote_port: int = 0,
    *,
    protocol: int = UDP,
    netns: int = 1,
    local: str = "127.0.0.1",
    listens: bool = False,
    shown: Flags = NO_FLAGS,
) -> Place:
    """A socket."""
    return Place(
        protocol=protocol,
        netns=netns,
        local=mapped(local),
        local_port=local_port,
        remote_port=remote_port,
        is_listening=listens,
        shown=shown,
    )


def role(of: Place, *others: Place, shows_listener: bool = True) -> Flags:
    """What is decided of the first."""
    return Roles([of, *others], CHOSEN, shows_listener=shows_listener).of(of)


@pytest.mark.parametrize("shown", [Flags.ACTIVE, Flags.PASSIVE])
def test_what_the_socket_shows_comes_first(shown: Flags) -> None:
    """Though somebody listens on its port: a peer that listens and connects from one port."""
    connection = place(40000, 51820, protocol=TCP, shown=shown)
    assert role(connection, place(40000, protocol=TCP, listens=True)) == shown


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_connection_on_a_listeners_port_was_accepted(address: str) -> None:
    """On its address or on a wildcard one; the port may be one that the kernel chooses."""
    connection = place(51820, 3000, protocol=TCP)
    assert role(connection, place(51820, protocol=TCP, listens=True, local=address)) == Flags.PASSIVE


@pytest.mark.parametrize(
    "listener",
    [
        place(51820, protocol=TCP, listens=True, local="192.0.2.1"),
        place(51820, protocol=TCP, listens=True, netns=2),
        place(51821, protocol=TCP, listens=True),
        place(51820),
    ],
)
def test_another_listener_says_nothing(listener: Place) -> None:
    """Of another address, namespace, port or protocol."""
    assert role(place(51820, 3000, protocol=TCP), listener, shows_listener=False) == NO_FLAGS


def test_without_a_listener_it_connected_if_it_would_show_otherwise() -> None:
    """And if the kernel may have chosen its port; by sock_diag alone a listener that was closed is not seen."""
    assert role(place(40000, 80, protocol=TCP)) == Flags.ACTIVE
    assert role(place(40000, 80, protocol=TCP), shows_listener=False) == NO_FLAGS
    assert role(place(3000, 80, protocol=TCP)) == NO_FLAGS


def test_a_listener_has_no_role() -> None:
    """It sends and receives no data."""
    assert role(place(80, protocol=TCP, listens=True)) == NO_FLAGS


@pytest.mark.parametrize("port", [3100, 40000])
def test_a_connected_datagram_socket_chose_its_peer(port: int) -> None:
    """Whoever chose its port."""
    assert role(place(port, 51820), place(51820, shown=Flags.FIXED_PORT)) == Flags.ACTIVE


def test_a_server_may_connect_a_socket_to_each_client() -> None:
    """Beside the one that waits on that port, so of such a one nothing is said."""
    assert role(place(4433, 40000), place(4433)) == NO_FLAGS


@pytest.mark.parametrize(
    ("port", "shown", "expected"),
    [
        (53, NO_FLAGS, Flags.PASSIVE),
        (51820, Flags.FIXED_PORT, Flags.PASSIVE),
        (51820, Flags.CHOSEN_PORT, Flags.CHOSEN_PORT),
        (51820, NO_FLAGS, NO_FLAGS),
        (0, Flags.CHOSEN_PORT, NO_FLAGS),
    ],
)
def test_a_datagram_socket_without_a_peer(port: int, shown: Flags, expected: Flags) -> None:
    """It waits where its port was named to bind(2), which a port that the kernel never chooses was in any case."""
    assert role(place(port, shown=shown)) == expected


def test_other_protocols_have_no_roles() -> None:
    """Ping and raw sockets."""
    assert role(place(7, protocol=socket.IPPROTO_ICMP, shown=Flags.CHOSEN_PORT)) == NO_FLAGS


def test_events_of_a_snapshot_are_given_their_roles() -> None:
    """Nothing else of them changes."""
    who = EventProcess(tgid=9, comm=b"server")
    listener, accepted, waits = events = [
        SocketEvent(
            kind=kind,
            time_ns=5,
            cookie=cookie,
            netns=4,
            local="127.0.0.1",
            local_port=51820,
            remote="127.0.0.1",
            remote_port=remote_port,
            protocol=protocol,
            flags=flags,
            evidence=Evidence.SNAPSHOT,
            process=who,
        )
        for cookie, (kind, remote_port, protocol, flags) in enumerate(
            [
                (Kind.SOCKET_LISTENING, 0, TCP, NO_FLAGS),
                (Kind.SOCKET_BOUND, 3000, TCP, NO_FLAGS),
                (Kind.SOCKET_BOUND, 0, UDP, Flags.FIXED_PORT),
            ],
            start=1,
        )
    ]
    packed = [event.pack() for event in events]
    given = list(split(with_roles(b"".join(packed), CHOSEN)))
    flags = [unpack(event).flags & ~Flags.HAS_PROCESS for event in given]  # type: ignore[union-attr]
    assert flags == [NO_FLAGS, Flags.PASSIVE, Flags.PASSIVE]
    assert [event[:45] + event[46:] for event in given] == [event[:45] + event[46:] for event in packed]
    assert {listener.cookie, accepted.cookie, waits.cookie} == {1, 2, 3}


def test_what_is_no_event_is_refused() -> None:
    """A snapshot cut at any byte."""
    packed = SocketEvent(kind=Kind.SOCKET_BOUND, time_ns=1, cookie=1).pack()
    for end in range(1, len(packed)):
        with pytest.raises(InputError, match="is cut"):
            with_roles(packed[:end], CHOSEN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("32768\t60999\n", CHOSEN),
        ("1024 65535", range(1024, 65536)),
        ("40000 50000", CHOSEN),
        ("", CHOSEN),
        ("few", CHOSEN),
        ("7", CHOSEN),
    ],
)
def test_the_kernels_own_ports(tmp_path: Path, text: str, expected: range) -> None:
    """The default ones always belong to them: other namespaces have their own setting, which starts as the default."""
    (tmp_path / "range").write_text(text)
    assert chosen_ports(tmp_path / "range") == expected
    assert chosen_ports(tmp_path / "missing") == CHOSEN


def test_every_pair_of_connected_sockets_agrees() -> None:
    """Of two ends that show opposite things, never both come out the same."""
    for left, right in itertools.product([Flags.ACTIVE, Flags.PASSIVE, NO_FLAGS], repeat=2):
        ends = place(40000, 51820, protocol=TCP, shown=left), place(51820, 40000, protocol=TCP, shown=right)
        decided = [role(ends[0], ends[1], shows_listener=False), role(ends[1], ends[0], shows_listener=False)]
        assert decided == [left, right]
