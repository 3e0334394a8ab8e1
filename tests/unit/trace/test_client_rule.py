"""Who is the client: each rule against those below it."""

from __future__ import annotations

from typing import Any

import pytest

from pcapdig.trace._client_rule import Roles

SYN, ACK = 2, 16
REQUEST, ANSWER = b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"


def test_it_needs_a_seed() -> None:
    """No end's place in the table can be foreseen."""
    with pytest.raises(TypeError):
        Roles()  # type: ignore[call-arg]


@pytest.mark.parametrize("ports", [(4000, 80), (80, 4000)])
def test_a_syn_overrules_all(take: Any, files: Any, wire: Any, ports: tuple[int, int]) -> None:
    """Ports and bytes: its sender is the client."""
    taken = take(files.frames(wire.tcp(flags=SYN, ports=ports), wire.tcp(ANSWER, seq=1, ack=1, ports=ports)))
    assert taken.forward == [True, True]


def test_a_listener_overrules_bytes(take: Any, files: Any, wire: Any) -> None:
    """Whoever sent SYN+ACK once serves, whatever a payload looks like."""
    listens = wire.tcp(flags=SYN | ACK, ports=(4000, 50000), forward=False)
    taken = take(files.frames(listens, wire.tcp(REQUEST, ports=(4001, 50000), forward=False)))
    assert taken.forward == [False, False]


@pytest.mark.parametrize(("payload", "forward"), [(REQUEST, True), (ANSWER, False), (b"neither", True)])
@pytest.mark.parametrize("ports", [(31600, 8868), (8868, 31600)])
def test_bytes_overrule_ports(
    take: Any, files: Any, wire: Any, ports: tuple[int, int], payload: bytes, forward: bool
) -> None:
    """What a request or an answer proves counts for the packets before it too; else the first sender is the client."""
    frames = [wire.tcp(ports=ports, seq=1, ack=1), wire.tcp(payload, ports=ports, seq=1, ack=1)]
    assert take(files.frames(*frames)).forward == [forward, forward]


@pytest.mark.parametrize(
    ("ports", "forward"),
    [
        ((443, 40000), False),
        ((40000, 443), True),
        ((700, 2049), True),
        ((2049, 700), False),
        ((2404, 54768), False),
        ((44818, 52593), False),
        ((32768, 32767), True),
    ],
)
def test_a_service_overrules_who_is_first(
    take: Any, files: Any, wire: Any, ports: tuple[int, int], forward: bool
) -> None:
    """Of TCP that began before the capture, whoever is seen first and whoever speaks first."""
    assert take(files.frames(wire.tcp(b"neither", ports=ports))).forward == [forward]
    assert take(files.frames(wire.tcp(ports=ports))).forward == [forward]


@pytest.mark.parametrize("ports", [(31600, 8868), (50000, 40000)])
def test_a_packet_without_payload_does_not_speak(take: Any, files: Any, wire: Any, ports: tuple[int, int]) -> None:
    """Of TCP under way between equal ports whoever sends the first payload is the client, and an ACK before it is its peer's."""
    frames = [wire.tcp(ports=ports, seq=5, ack=9), wire.tcp(b"neither", ports=ports, seq=9, ack=5, forward=False)]
    assert take(files.frames(*frames)).forward == [False, True]
    assert take(files.frames(*frames, wire.tcp(ANSWER, ports=ports, seq=16, ack=5, forward=False))).forward == [
        True,
        False,
        False,
    ]


def test_the_first_proof_holds(take: Any, files: Any, wire: Any) -> None:
    """A proof in a later message counts for all of the flow, and one that contradicts it for nothing."""
    said = [b"neither", b"nor", ANSWER, REQUEST, REQUEST]
    seqs = [1 + sum(map(len, said[:i])) for i in range(5)]
    frames = [wire.tcp(said[i], ports=(31600, 8868), seq=seqs[i], ack=1) for i in range(5)]
    assert take(files.frames(*frames)).forward == [False] * 5


@pytest.mark.parametrize(
    ("ports", "ends", "forward"),
    [
        ((67, 68), ("192.168.119.1", "255.255.255.255"), False),
        ((68, 67), ("0.0.0.0", "255.255.255.255"), True),
        ((40000, 67), ("10.0.0.1", "10.0.0.255"), True),
        ((5247, 12379), ("10.0.0.1", "10.0.0.2"), False),
        ((547, 546), ("fe80::1", "fe80::2"), False),
    ],
)
def test_datagrams_of_services(
    take: Any, files: Any, wire: Any, ports: tuple[int, int], ends: tuple[str, str], forward: bool
) -> None:
    """DHCP's server is the one that answers to a broadcast address; CAPWAP's controller and DHCPv6's server are only ever asked."""
    assert take(files.frames(wire.udp(b"a", ports=ports, ends=ends))).forward == [forward]


@pytest.mark.parametrize("ports", [(40000, 51820), (51820, 40000), (5000, 5000)])
def test_else_the_first_sender_is_the_client(take: Any, files: Any, wire: Any, ports: tuple[int, int]) -> None:
    """The lower port proves nothing."""
    taken = take(files.frames(wire.udp(b"a", ports=ports), wire.udp(b"b", ports=ports, forward=False)))
    assert taken.forward == [True, False]


def test_sums_know_the_same_roles(files: Any, wire: Any, tmp_path: Any) -> None:
    """The summing lane turns flows round too."""
    from pcapdig.trace.trace import Trace

    path = tmp_path / "a.pcapng"
    path.write_bytes(files.frames(wire.tcp(ports=(31600, 8868)), wire.tcp(ANSWER, ports=(31600, 8868))))
    trace = Trace()
    assert list(trace.sum_up([str(path)])) == [2]
    assert trace.flows.name(0) == "10.0.0.2:8868->10.0.0.1:31600"
