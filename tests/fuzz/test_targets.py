"""Each fuzz target takes the inputs it begins with, and those that once were findings (saved/TARGET), in the ordinary build."""

from __future__ import annotations

from pathlib import Path

import pytest
from targets import TARGETS

SAVED = Path(__file__).resolve().parent / "saved"


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    """What a target begins with meets its rules."""
    for seed in TARGETS[name].seeds():
        TARGETS[name].run(seed)


@pytest.mark.parametrize("path", sorted(SAVED.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_saved(path: Path) -> None:
    """An input that broke a rule once does so no more."""
    TARGETS[path.parent.name].run(path.read_bytes())


def test_saved_inputs_have_targets() -> None:
    """A renamed target takes its inputs along."""
    assert {path.name for path in SAVED.iterdir()} <= set(TARGETS)
