"""Random members of the kinds of issue 7, each with its right answers. docs/kinds.md says what each kind is."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from traffic.kinds.both_ends import BOTH_ENDS
from traffic.kinds.drawing import Sample
from traffic.kinds.identity import IDENTITY
from traffic.kinds.mail_states import MAIL_MODES
from traffic.kinds.pairing import PAIRING
from traffic.kinds.roles import ROLES
from traffic.kinds.sql_states import SQL_MODES
from traffic.kinds.states import EXPECTATIONS, MODES
from traffic.kinds.window import WINDOW

Member = Callable[[Random], Sample]

KINDS: dict[str, dict[str, Member]] = {
    "A": PAIRING,
    "B": WINDOW,
    "C": IDENTITY,
    "D": ROLES,
    "E": EXPECTATIONS,
    "F": MODES | SQL_MODES | MAIL_MODES,
    "H": BOTH_ENDS,
}
"""Members by kind and name."""


def sample(kind: str, member: str, seed: int) -> Sample:
    """A member of a kind; the same for the same seed."""
    return KINDS[kind][member](Random(f"{kind} {member} {seed}"))
