"""States of a connection that one message opens, and all that closes each: the rows that each protocol's module lists as `STATES`.

In: nothing. Out: `State`. Must not know any protocol. docs/protocol-states.md is made from the rows, and each has a test of its own
(tests/unit/protocols/test_state_listing.py).
"""

from __future__ import annotations

from typing import NamedTuple


class State(NamedTuple):
    """One state. While it is open, the bytes of a side mean something else than requests and answers."""

    name: str
    opened_by: str
    """The message that opens it, with the answer that has to agree."""
    means: str
    """What the bytes mean meanwhile."""
    closed_by: tuple[str, ...]
    """Each message that closes it; the connection's end does so too."""


UNTIL_CLOSE = ("connection closes",)
"""What closes a state that nothing else closes."""
