"""The escapes written to a terminal, and only to one. ECMA-48 select graphic rendition, erase and cursor sequences."""

from __future__ import annotations

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
