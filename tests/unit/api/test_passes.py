"""One way through a capture."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

import pcapdig
from pcapdig.api.inputs import inputs_of
from pcapdig.api.passes import Passes, whole
from pcapdig.chisels.registry import find
from pcapdig.dig.plan import Plan
from pcapdig.errors import InputError


def breaking() -> Iterator[int]:
    """One, two, damage."""
    yield 1
    yield 2
    raise InputError("here")


def test_damage_is_set_aside() -> None:
    """What came before is there; other errors pass."""
    damage: list[InputError] = []
    assert list(whole(breaking(), damage)) == [1, 2]
    assert [str(error) for error in damage] == ["here"]


def passes(data: bytes, *, strict: bool = True) -> Passes:
    """Over the bytes of a file."""
    return Passes(inputs=inputs_of(io.BytesIO(data)), strict=strict, decap=False)


def test_a_dig_in_nothing_but_damage_shows_nothing() -> None:
    """As on the command line: no empty table before the error."""
    asked = passes(b"\xd4\xc3\xb2\xa1" + bytes(20))
    chisel = find("topconns")()
    with pytest.raises(pcapdig.InputError):
        list(asked.dig(asked.trace(), Plan(chisels=(chisel,))))


def test_a_dig_stops_after_each_batch(small: bytes) -> None:
    """So that what came of it can be taken; and once at its end."""
    asked = passes(small)
    assert len(list(asked.dig(asked.trace(), Plan()))) == 2


def test_damage_is_noted_where_it_is_not_raised(small: bytes) -> None:
    """And packets end there."""
    asked = passes(small[:-5], strict=False)
    assert sum(map(len, asked.batches(asked.trace()))) == 2
    assert "cut short" in str(asked.damage)
