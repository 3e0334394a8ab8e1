"""Process identities."""

from __future__ import annotations

import pytest
from story import HELD, Story, connected, event

from pcapdig.attribution._ledger import Ledger


def test_an_unknown_process_index_is_refused():
    """Only indexes that were given out can be asked for."""
    with pytest.raises(IndexError):
        Ledger().process(0)


def test_an_execve_makes_another_process_record():
    """The same pid with another comm is told apart; the same identity is one record."""
    story = Story(
        *connected(1, 99, 10),
        event(HELD, 5, 7, ("127.0.0.1", 1), ("127.0.0.1", 2), 10, comm=b"other"),
        *connected(8, 99, 10),
    )
    assert [story.ledger.process(i)["comm"] for i in range(story.ledger.process_count)] == [b"proc", b"other"]
