"""The rows of the table of states."""

from __future__ import annotations

import pytest

from pcapdig.protocols.state_listing import ALL_STATES


@pytest.mark.parametrize("protocol", ALL_STATES)
def test_rows_can_stand_in_a_table(protocol: str) -> None:
    """A state has one row and something that closes it; no text breaks the page's columns."""
    states = ALL_STATES[protocol]
    assert len({state.name for state in states}) == len(states)
    for state in states:
        assert state.closed_by
        assert not any("|" in text or "\n" in text for text in (*state[:3], *state.closed_by))
