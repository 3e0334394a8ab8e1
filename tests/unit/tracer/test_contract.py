"""What a tracer promises."""

import dataclasses

import pytest

from pcapdig.tracer import EventSource


def test_a_source_without_a_map_has_no_descriptor() -> None:
    """-1, which no system call takes for a map."""
    assert EventSource(kind="polled").map_fd == -1


def test_a_source_stays_as_it_is() -> None:
    """It is handed to native code."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        EventSource(kind="none").map_fd = 3  # type: ignore[misc]
