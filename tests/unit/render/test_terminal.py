"""The escapes: all of them are ECMA-48 control sequences."""

import re

import pytest

from pcapdig.render import terminal

NAMES = [name for name in vars(terminal) if name.isupper()]


@pytest.mark.parametrize("name", NAMES)
def test_escapes_are_whole_control_sequences(name: str) -> None:
    """Nothing is left open that would swallow the text after it."""
    assert re.fullmatch(r"(\x1b\[[0-9;?]*[A-Za-z])+", getattr(terminal, name))


def test_the_cursor_comes_back() -> None:
    """What a live run hides it shows again."""
    assert ("?25l" in terminal.LIVE_START, "?25h" in terminal.LIVE_END) == (True, True)
