"""The table of programs: what its rows may say."""

from __future__ import annotations

import pytest

from pcapdig.procs.secret_options import NOTHING, PROGRAMS, WRAPPERS


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_rows_do_not_contradict_themselves(name: str) -> None:
    """A letter has one meaning, a part has a separator, names are as they are compared."""
    program = PROGRAMS[name]
    letters = program.next_or_joined + program.joined
    assert not set(letters) & set(program.flags)
    assert len(set(letters)) == len(letters)
    assert bool(program.parts) <= bool(program.part_after)
    assert name == name.lower()
    assert "/" not in name


def test_wrappers_are_no_programs_with_secrets() -> None:
    """They would end at the first."""
    assert not WRAPPERS & set(PROGRAMS)
    assert NOTHING not in [PROGRAMS["mysql"], PROGRAMS["curl"]]
