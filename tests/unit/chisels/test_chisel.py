"""What all chisels have in common."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from pcapdig.chisels import registry
from pcapdig.chisels.chisel import Arg


@pytest.mark.parametrize("chisel", registry.all(), ids=lambda chisel: chisel.name)
def test_required_arguments_come_first(chisel: type) -> None:
    """Arguments are filled in order, so an optional one before a required one could not be left out."""
    optional = [arg.optional for arg in chisel.args]
    assert optional == sorted(optional)


@pytest.mark.parametrize("chisel", registry.all(), ids=lambda chisel: chisel.name)
def test_texts_are_there(chisel: type) -> None:
    """-cl and -i have something to say: one line, and sentences."""
    assert chisel.short_description
    assert "\n" not in chisel.short_description
    assert chisel.description.endswith(".")


def test_arg_is_frozen() -> None:
    """An argument's description is data."""
    arg = Arg(name="host_ip", type="ipv4", description="the address")
    with pytest.raises(dataclasses.FrozenInstanceError):
        arg.name = "other"  # type: ignore[misc]


def test_listing_loads_no_numpy() -> None:
    """`-cl` must not wait a tenth of a second for numpy."""
    code = "import sys; from pcapdig.chisels import registry; registry.all(); sys.exit('numpy' in sys.modules)"
    root = Path(__file__).resolve().parents[3]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, check=False)
    assert run.returncode == 0
