"""The rows of MySQL's states. They are played in test_state_listing.py."""

from __future__ import annotations

from played.mysql import SCENARIOS

from pcapdig.protocols.mysql_states import STATES


def test_each_state_is_tried_together_with_what_comes_after_it() -> None:
    """All but what ends the connection: whatever closes a state, the next exchange has its own answer."""
    for state in STATES:
        if state.closed_by != ("connection closes",):
            played = [each for each in SCENARIOS if each.state == state.name]
            assert {each.closer for each in played} == {*state.closed_by}
            assert any(len(each.said) > 2 for each in played), state.name
