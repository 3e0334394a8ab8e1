"""What tells connections with equal addresses apart: the networks they lie in, and their windows."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from pcapdig.packets._headers import read
from pcapdig.packets._tunnels import read as read_inner

ETHERNET, SLL = 1, 113
V4 = IP(src="192.0.2.1", dst="198.51.100.2")
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
SEGMENT = TCP(sport=40001, dport=40002, flags="PA") / Raw(b"segment")
SLL_HEAD = struct.pack(">HHH8s", 0, 1, 6, bytes(8))


def tags(*vlans: int, link_type: int = ETHERNET, priority: int = 0) -> int:
    """The number of a stack of VLANs."""
    layers = b"".join(struct.pack(">HH", 0x8100, priority << 13 | vlan) for vlan in vlans)
    head = bytes(ETHER)[:12] if link_type == ETHERNET else SLL_HEAD
    packet = head + layers + b"\x08\x00" + bytes(V4 / SEGMENT)
    return read(packet, len(packet), link_type).tags


def test_stacks_of_vlans_are_told_apart() -> None:
    """By each VLAN's number and place; without any the number is 0. VLAN 0 is a priority alone, which one direction may have."""
    stacks = [(), (10,), (20,), (10, 20), (20, 10), (10, 10), (10, 20, 30)]
    assert tags() == tags(0) == 0
    assert tags(10, 0, 20) == tags(10, 20)
    assert len({tags(*stack) for stack in stacks}) == len(stacks)


def test_a_stack_has_one_number_on_each_link() -> None:
    """Also in cooked captures; a tag's priority does not count."""
    assert tags(10, 20) == tags(10, 20, link_type=SLL) == tags(10, 20, priority=5)


def test_networks_in_a_tunnel_are_told_apart() -> None:
    """Two tenants may have equal addresses; their VXLAN numbers differ."""
    inner = bytes(ETHER / V4 / SEGMENT)
    packets = [
        bytes(ETHER / V4 / UDP(sport=1, dport=4789) / Raw(b"\x08\0\0\0" + struct.pack(">I", number << 8) + inner))
        for number in (7, 8, 7)
    ]
    first, other, again = (read_inner(packet, len(packet), ETHERNET) for packet in packets)
    assert first.source_port == 40001
    assert first.tags == again.tags != other.tags
    assert read(packets[0], len(packets[0]), ETHERNET).tags == 0


@pytest.mark.parametrize("kind", ["service", "nvgre"])
def test_customers_of_a_provider_are_told_apart(kind: str) -> None:
    """By the service number of an I-TAG (24 bits), and by NVGRE's network number, whose last byte only spreads streams."""

    def numbered(number: int, rest: int) -> int:
        frame = bytes(ETHER / V4 / SEGMENT)
        if kind == "nvgre":
            packet = bytes(ETHER / IP(proto=47) / Raw(struct.pack(">II", 0x20006558, number << 8 | rest) + frame))
            return read_inner(packet, len(packet), ETHERNET).tags
        packet = frame[:12] + struct.pack(">HI", 0x88E7, rest << 24 | number) + frame
        return read(packet, len(packet), ETHERNET).tags

    assert numbered(7, 1) == numbered(7, 2) != numbered(8, 1)


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ([], None),
        ([("MSS", 1460), ("WScale", 0)], 0),
        ([("NOP", None), ("WScale", 7)], 7),
        ([("WScale", 15)], 14),
        ([("SAckOK", b""), ("Timestamp", (1, 2)), ("NOP", None), ("WScale", 9)], 9),
    ],
)
def test_window_and_scale_of_a_syn(options: list[tuple[str, object]], scale: int | None) -> None:
    """RFC 7323 section 2.3: more than 14 is taken as 14. Other segments have no scale."""
    syn = bytes(ETHER / V4 / TCP(flags="S", window=4321, options=options))
    found = read(syn, len(syn), ETHERNET)
    assert (found.window, found.window_scale) == (4321, scale)
    segment = bytes(ETHER / V4 / TCP(flags="A", window=4321, options=options))
    assert read(segment, len(segment), ETHERNET).window_scale is None


def test_a_scale_that_was_cut_off_is_none() -> None:
    """At each place in the options."""
    syn = bytes(ETHER / V4 / TCP(flags="S", options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]))
    scales = [read(syn[:size], len(syn), ETHERNET).window_scale for size in range(len(syn) + 1)]
    assert scales == [None] * len(syn) + [7]
