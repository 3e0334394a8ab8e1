"""The escapes: all of them are ECMA-48 control sequences; a line is cut to its terminal."""

import fcntl
import io
import pty
import re
import struct
import termios

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


@pytest.mark.parametrize("width", [1, 2, 40, 80])
def test_a_rewritten_line_never_wraps(width: int) -> None:
    """On a real terminal, whose width is looked up for each line: it may have been resized since."""
    ours, theirs = pty.openpty()
    with open(ours, "rb"), open(theirs, "w") as stream:
        for columns in (200, width):
            fcntl.ioctl(stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            assert terminal.rewritten(stream, "x" * 300) == f"\r{'x' * (columns - 1)}\x1b[K"


def test_without_a_width_it_is_80() -> None:
    """A stream of a test, a terminal that does not say."""
    assert terminal.columns(io.StringIO()) == 80
    ours, theirs = pty.openpty()
    with open(ours, "rb"), open(theirs, "w") as stream:
        assert terminal.columns(stream) == 80
