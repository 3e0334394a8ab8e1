"""Ports, tuples, process ids and addresses that are used again, at the same time or one after the other: nobody is taken for another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest
from captured import PROCESS_BLOCK, read_blocks, read_packets
from judge import Facts, judge
from namespace import Namespace, connect
from program import program, record_while

pytestmark = pytest.mark.live


def test_one_tuple_used_by_many_processes(folder: Path, namespace: Namespace) -> None:
    """17 clients and servers take turns on one and the same pair of addresses and ports."""
    with program(folder, "same_tuple", namespace=namespace) as running:
        packets = read_packets(record_while(folder, namespace, running))
    streams = {
        stream: list(mine)
        for stream, mine in groupby(
            sorted(packets, key=lambda packet: packet.stream or 0), key=lambda packet: packet.stream
        )
    }
    assert len(streams) == 17
    assert len({frozenset((packet.source, packet.destination)) for packet in packets}) == 1
    for turn, mine in enumerate(streams.values()):
        verdict = judge(Facts.read(running.truth.with_suffix(f".{turn}")), mine)
        assert verdict.is_perfect, f"turn {turn}: {verdict}"


def test_one_udp_port_used_by_many_processes(folder: Path, namespace: Namespace) -> None:
    """43 processes ask from one UDP port, one after the other."""
    with program(folder, "udp_port_used_again", namespace=namespace) as running:
        packets = read_packets(record_while(folder, namespace, running))
    verdict = judge(Facts.read(running.truth), packets)
    assert verdict.is_perfect, str(verdict)
    assert len({packet.source for packet in packets}) == 2


def test_one_process_id_used_by_many_programs(folder: Path, namespace: Namespace, shortlived: Path) -> None:
    """Eleven programs that get one process id after the other: name, path and command line are each one's own."""
    with program(folder, "pid_used_again", str(shortlived), namespace=namespace) as running:
        file = record_while(folder, namespace, running)
    packets = read_packets(file)
    verdict = judge(Facts.read(running.truth), packets)
    assert verdict.is_perfect, str(verdict)
    ends = {end.name: end for packet in packets for end in packet.ends if end.name.startswith("again")}
    assert len(ends) == 11
    assert len({end.pid for end in ends.values()}) < 11, "no process id was given out again: the test has tried nothing"
    for name, end in ends.items():
        assert end.values["proc.exepath"] == str(folder / name)
        assert end.values["proc.cmdline"].startswith(f"{name} ")
    blocks = [block for block in read_blocks(file) if block.kind == PROCESS_BLOCK]
    assert len({block.options for block in blocks if re.match(rb"again", block.option(2) or b"")}) == 11


@contextmanager
def three_places() -> Iterator[tuple[Namespace, Namespace, Namespace, str]]:
    """A near and a far namespace joined by veth, a third with both addresses on its loopback, and the near interface."""
    with Namespace("near") as near, Namespace("far") as far, Namespace("other") as other:
        interface, _ = connect(near, far, left_address="10.99.0.1/24", right_address="10.99.0.2/24")
        for address in ("10.99.0.1/32", "10.99.0.2/32"):
            other.ip("address", "add", address, "dev", "lo")
        yield near, far, other, interface


def test_same_addresses_in_another_namespace(folder: Path) -> None:
    """Others use the very same tuples at the same time in a namespace that is not recorded: they are not named."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    with (
        three_places() as (near, far, other, interface),
        program(folder, "serve_same", "10.99.0.2", namespace=far) as server,
        program(folder, "ask_same", "10.99.0.2", namespace=near) as client,
        program(elsewhere, "serve_same", "10.99.0.2", namespace=other) as other_server,
        program(elsewhere, "ask_same", "10.99.0.2", namespace=other) as other_client,
    ):
        file = record_while(folder, near, server, client, other_server, other_client, interface=interface)
    verdict = judge(Facts.read(server.truth, client.truth), read_packets(file))
    assert verdict.wrong == [], str(verdict)
    assert verdict.is_perfect, str(verdict)


@pytest.mark.parametrize(("left", "right"), [("10.99.0.1/24", "10.99.0.2/24"), ("fd99::1/64", "fd99::2/64")])
def test_fragments_belong_to_their_datagram(left: str, right: str, folder: Path) -> None:
    """Datagrams of 20,000 bytes over Ethernet: every fragment is named like the first, though only that one has ports."""
    with Namespace("near") as near, Namespace("far") as far:
        interface, _ = connect(near, far, left_address=left, right_address=right)
        addresses = [text.split("/")[0] for text in (left, right)]
        with (
            program(folder, "answer_large", addresses[1], namespace=far) as server,
            program(folder, "send_large", addresses[1], namespace=near) as client,
        ):
            file = record_while(folder, near, server, client, interface=interface)
    whole = ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]
    packets = [packet for packet in read_packets(file, *whole) if packet.length > 500]
    assert len(packets) == 2 * 13 * 14
    for packet in packets:
        names = (packet.writer and packet.writer.name, packet.reader and packet.reader.name)
        assert names == (("client", "server") if packet.source[0] == addresses[0] else ("server", "client")), packet
