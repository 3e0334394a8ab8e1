"""What is recorded when the user asks for nothing in particular."""

from __future__ import annotations

import dataclasses

import pytest

from pcapdig.record.options import MAX_SNAP_LENGTH, RecordOptions


def test_the_defaults_are_those_of_the_help() -> None:
    """Every interface, whole packets, a ring of the usual size, 200 ms of hold-back."""
    options = RecordOptions()
    assert options.interfaces == ()
    assert options.snap_length == MAX_SNAP_LENGTH
    assert options.ring_kib is None
    assert options.holdback_ms == 200


def test_options_do_not_change() -> None:
    """A recorder can rely on what it was given."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        RecordOptions().snap_length = 1  # type: ignore[misc]
