"""A packet without a flow is of a kind: a number below 8 << 16. Their names are tried in tests/unit/trace/test_unread.py."""

from __future__ import annotations

import pytest
from header_packets import MACS, PACKETS
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.packets._unread import kind_of

CUT_LINK = 7 << 16


@pytest.mark.parametrize("case", PACKETS)
def test_a_packet_cut_before_its_addresses_is_cut(case: str) -> None:
    """At each byte before there is a network header; of what carries no IP, as soon as its type is there, that type."""
    link_type, data = PACKETS[case]
    kinds = [kind_of(data[:captured], len(data), link_type) for captured in range(len(data) + 1)]
    if case in ("arp", "llc", "snap of another organisation"):
        assert kinds[-1] == {"arp": 0x0806, "llc": 1 << 16 | 0x4242, "snap of another organisation": 2 << 16}[case]
    assert kinds[0] == CUT_LINK or link_type in (228, 229)


def test_an_ethertype_is_that_behind_all_tags() -> None:
    """Not that of the first tag."""
    assert kind_of(MACS + b"\x81\0\0\5\x88\xa8\0\6\x88\xcc" + bytes(30), 60, 1) == 0x88CC


@given(st.binary(max_size=120), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_any_bytes_are_of_a_kind(data: bytes, original: int, link_type: int) -> None:
    """The place in the table of counts."""
    assert 0 <= kind_of(data, original, link_type) < 8 << 16
