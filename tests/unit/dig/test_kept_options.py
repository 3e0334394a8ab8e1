"""What a packet's options refer to, and how it is numbered anew."""

from __future__ import annotations

import struct

import pytest

from pcapdig.dig import kept_options
from pcapdig.dig.kept_options import KeptOptions, References, renumbered
from pcapdig.pcapng.layout import option


def options(order: str) -> bytes:
    """Options of each kind."""
    return (
        option(1, b"a comment", order)
        + option(8, struct.pack(f"{order}II", 5, 9), order)
        + option(0x8001, struct.pack(f"{order}I", 7), order)
        + option(8, struct.pack(f"{order}II", 0, 0), order)
        + option(0x8003, struct.pack(f"{order}I", 3), order)
        + bytes(4)
    )


def test_references_of_wrong_lengths_are_none() -> None:
    """They stay as they are, since nobody knows what they mean."""
    odd = option(0x8001, b"abc", "<") + option(8, b"abcdef", "<") + bytes(4)
    assert KeptOptions().read(odd, "<") == References((), ())
    assert renumbered(odd, "<", {}) == odd


@pytest.mark.parametrize("order", ["<", ">"])
def test_each_reference_is_found(order: str) -> None:
    """In both byte orders; process 0 is nobody."""
    reader = KeptOptions()
    assert reader.read(options(order), order) == References((7, 3), (5,))
    assert reader.read(options(order), order) == References((7, 3), (5,))
    assert KeptOptions().read(b"", order) == References((), ())


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_change_and_what_is_gone_is_left_out(order: str) -> None:
    """All else is the same."""
    changed = renumbered(options(order), order, {7: 0, 3: None})
    expected = options(order).replace(option(0x8003, struct.pack(f"{order}I", 3), order), b"")
    assert changed == expected.replace(struct.pack(f"{order}I", 7), struct.pack(f"{order}I", 0))
    only = option(0x8001, bytes(4), order) + bytes(4)
    assert renumbered(only, order, {0: None}) == b""


def test_memory_of_options_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, the answer is right."""
    monkeypatch.setattr(kept_options, "MOST_CACHED", 4)
    reader = KeptOptions()
    for number in range(20):
        one = option(0x8001, struct.pack("<I", number), "<")
        assert reader.read(one, "<").indexes == (number,)
    assert len(reader._cached) <= 4
