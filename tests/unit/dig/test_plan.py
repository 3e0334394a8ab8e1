"""What a dig is asked to do."""

from __future__ import annotations

import dataclasses

import pytest

from pcapdig.dig import Plan


def test_a_plan_cannot_be_changed() -> None:
    """A dig under way is not asked for something else."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Plan().limit = 3  # type: ignore[misc]


def test_nothing_asked() -> None:
    """The plain plan shows every event."""
    plan = Plan()
    assert (plan.filter.passes_all, plan.chisels, plan.limit, plan.quiet) == (True, (), None, False)
