"""Captures with bit errors in their packets, or without their end.

Of a damaged packet tshark and pcapdig may show different things, but each packet is there, with its time and its lengths, and belongs
to the addresses in its header.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path

from by_pcapdig import pcapdig
from by_tshark import tshark


def test_packets_are_those_of_tshark(damaged: Path) -> None:
    """Each whole packet is there with its time, its length on the wire and its length in the file; then the damage is told."""
    ours = pcapdig(damaged)
    expected = [(f.time_ns, f.number("frame.len"), f.number("frame.cap_len")) for f in tshark(damaged).frames]
    columns = [ours.column(name).tolist() for name in ("time_ns", "original", "captured")]
    assert list(zip(*columns, strict=True)) == expected
    assert (ours.damage is not None) == damaged.name.startswith("cut") == (tshark(damaged).complaint is not None)


def test_addresses_are_those_of_tshark(damaged: Path) -> None:
    """A packet's flow has the addresses that tshark reads in its first IP header; with --decap, those of one of its IP headers."""
    for decap in (False, True):
        ours = pcapdig(damaged, decap=decap)
        flow, forward = ours.column("flow"), ours.column("forward")
        for index, frame in enumerate(tshark(damaged).frames):
            pairs = [
                pair
                for layer in ("ip", "ipv6")
                for pair in zip(frame[f"{layer}.src"], frame[f"{layer}.dst"], strict=False)
            ]
            if flow[index] == -1:
                continue
            flows, number = ours.trace.flows, int(flow[index])
            ends = [str(ipaddress.ip_address(end)) for end in (flows.client_ip(number), flows.server_ip(number))]
            assert tuple(ends if forward[index] else ends[::-1]) in (pairs if decap else pairs[:1]), (
                f"packet {index + 1}"
            )


def test_chisels_survive(damaged: Path) -> None:
    """Each log reads what it can."""
    for chisel in ("conns", "httplog", "dnslog", "sqllog", "tlslog"):
        pcapdig(damaged, decap=True).records(chisel)
