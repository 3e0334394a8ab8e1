"""A scenario: what both ends say, in turns, and the records it has to give."""

from __future__ import annotations

from typing import NamedTuple


class Scenario(NamedTuple):
    """One row of the table, played."""

    state: str
    closer: str
    """One of the row's `closed_by`."""
    said: tuple[tuple[str, bytes], ...]
    """(side, bytes): c, the client; s, the server; C and S: and closes with it."""
    told: tuple[str, ...]
    """The records, as the protocol's `summary` has them."""
    in_pieces: bool = True
    """False: what is opened shows at the beginning of a turn only."""
    survives_loss: bool = True
    """False: a hole can hide what opens or closes the state, so that nobody could know."""
