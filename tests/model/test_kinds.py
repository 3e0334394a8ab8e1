"""Random members of each kind have right answers, whichever chisel is used. docs/kinds.md lists the kinds.

PCAPDIG_SEEDS=N tries N seeds of each member instead of a few; tests/model/seeds.py prints a table of many.
"""

from __future__ import annotations

import os

import pytest
from judging import differences
from traffic.kinds import KINDS, sample

SEEDS = int(os.environ.get("PCAPDIG_SEEDS", "10"))
MEMBERS = {(kind, member) for kind in KINDS for member in KINDS[kind]}
KNOWN_WRONG: set[tuple[str, str]] = {
    ("A", "many connections"),
    ("A", "many queues"),
    ("A", "much within the skew"),
    ("A", "queue each way"),
    ("B", "capture gap"),
    ("B", "near incarnation"),
    ("B", "old incarnation"),
    ("B", "reset in window"),
    ("B", "syn not captured"),
    ("D", "begun at an answer"),
}
"""Members of which some seeds are wrong. This only shrinks: seeds.py says which ones are right by now."""


@pytest.mark.parametrize(("kind", "member"), sorted(MEMBERS - KNOWN_WRONG))
def test_members_have_right_answers(kind: str, member: str) -> None:
    """Connections, bytes, states, messages and lines of logs are those that the model knows."""
    wrong = {seed: said for seed in range(SEEDS) if (said := differences(sample(kind, member, seed)))}
    assert not wrong, f"seeds.py '{kind}/{member}' tries more seeds and saves the smallest capture"


def test_known_faults_are_members() -> None:
    """What is known to be wrong is still made."""
    assert KNOWN_WRONG <= MEMBERS
