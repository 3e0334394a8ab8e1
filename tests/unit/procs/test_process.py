"""The record of a process."""

import dataclasses

import pytest

from pcapdig.procs.process import Process


def test_a_process_cannot_be_changed() -> None:
    """Records are shared by packets, so they stay as they are."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Process(name="x", pid=1).pid = 2  # type: ignore[misc]


def test_what_is_not_known_is_none() -> None:
    """Never empty or zero."""
    process = Process(name="x", pid=1)
    unknown = {field.name: getattr(process, field.name) for field in dataclasses.fields(process)} | {
        "name": 0,
        "pid": 0,
    }
    assert {name for name, value in unknown.items() if value is not None} == {"name", "pid"}


def test_equal_facts_are_one_process() -> None:
    """Usable as a key."""
    assert len({Process(name="x", pid=1), Process(name="x", pid=1), Process(name="x", pid=2)}) == 2
