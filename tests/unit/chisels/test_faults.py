"""A user's chisel that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcapdig.chisels.faults import fault_of, line_in
from pcapdig.chisels.httplog import Httplog
from pcapdig.chisels.library import load_file
from pcapdig.errors import ChiselError, UsageError

MINE = """
from pcapdig.chisels.lines import LineChisel


class Mine(LineChisel):
    name = "mine"
    category = short_description = description = "x"

    def feed(self, rows):
        return {}["x"]
"""


@pytest.fixture
def mine(tmp_path: Path) -> type:
    """A chisel that raises in line 10 of its file."""
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return load_file(path)


def test_one_line_with_the_place(mine: type, tmp_path: Path) -> None:
    """File, line, error."""
    with pytest.raises(KeyError) as raised:
        mine().feed(None)
    fault = fault_of(mine, raised.value)
    assert isinstance(fault, ChiselError)
    assert str(fault).startswith(f"chisel mine ({tmp_path / 'mine.py'} line 10): KeyError: 'x'; ")


def test_errors_for_the_user_stay(mine: type) -> None:
    """They say what to do."""
    error = UsageError("an argument is wrong")
    assert fault_of(mine, error) is error


def test_our_own_faults_stay() -> None:
    """A report needs their traceback."""
    error = KeyError("x")
    assert fault_of(Httplog, error) is error


def test_an_error_that_passed_elsewhere_has_no_line(tmp_path: Path) -> None:
    """Only the file is named."""
    assert line_in(str(tmp_path), None) is None
