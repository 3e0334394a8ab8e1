"""The escapes written to a terminal, and only to one. ECMA-48 select graphic rendition, erase and cursor sequences."""

from __future__ import annotations

import os
from typing import TextIO

RED = "\x1b[31m"
GREEN = "\x1b[32m"
BLUE = "\x1b[34m"
CYAN = "\x1b[36m"
BOLD_GREEN = "\x1b[01;32m"
BOLD_BLUE = "\x1b[01;34m"
BOLD_CYAN = "\x1b[01;36m"
RESET = "\x1b[0m"

LIVE_START = "\x1b[2J\x1b[?25l"
"""Before the first table of a live run: clear, hide the cursor."""
LIVE_REFRESH = "\x1b[2J\x1b[0;0H"
"""Before each table: clear, cursor home."""
LIVE_END = "\x1b[2J\x1b[0;0H\x1b[?25h"
"""After the run: clear, cursor home and visible again."""


def columns(stream: TextIO) -> int:
    """The width of the terminal that a stream leads to, at this moment; 80 where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def rewritten(stream: TextIO, line: str) -> str:
    """What shows a line in place of the one before, cut so that it never wraps: a wrapped one cannot be taken back."""
    return f"\r{line[: columns(stream) - 1]}\x1b[K"
