"""--help, made from the option table.

In: the table. Out: text of at most 100 columns. Must not know what is installed.
"""

from __future__ import annotations

import textwrap

from pcapdig.cli.options import GROUPS, OPTIONS, Option
from pcapdig.cli.scanner import COMMANDS

WIDTH = 100
"""Columns of the text."""
_COLUMN = 28
"""Where descriptions begin."""

USAGE = """\
usage: pcapdig [options] [filter]
       pcapdig CHISEL [arguments] [options] [filter]
       pcapdig doctor

Which process on this server sent what to whom, from packets.
"""

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("pcapdig -w act1.pcapng.gz -z -s 4096", "record until Ctrl-C"),
    ("pcapdig -r act1.pcapng.gz -c topprocs_net", "bytes by process"),
    ("pcapdig -r act1.pcapng.gz -c topconns proc.name=httpd", "bytes by connection of one process"),
    ("pcapdig echo_fds -r act1.pcapng.gz -A fd.cip=192.0.2.7", "what one client and this server said"),
    ("pcapdig -w web.pcapng proc.name=httpd", "record the packets of one process"),
    ("pcapdig topconns", "watch connections live"),
)
"""Commands shown at the end, with what they do."""


def help_text() -> str:
    """Give the whole of --help."""
    parts = [USAGE]
    for group in GROUPS:
        lines = [_entry(_spelling(option), option.help) for option in OPTIONS if option.group == group]
        parts.append("\n".join([f"{group}:", *lines]) + "\n")
    parts.append("\n".join(["Commands:", *(_entry(name, text) for name, text in COMMANDS.items())]) + "\n")
    width = max(len(command) for command, _ in EXAMPLES)
    examples = [f"  {command.ljust(width)}  {meaning}" for command, meaning in EXAMPLES]
    parts.append("\n".join(["Examples:", *examples]) + "\n")
    parts.append("A filter needs no quotes where the shell leaves its words alone. Options may stand after it.\n")
    return "\n".join(parts)


def _spelling(option: Option) -> str:
    """Give how an option is written: `-w, --write FILE`."""
    forms = [f"-{option.short}"] if option.short else []
    if option.long:
        forms.append(f"--{option.long}")
    return ", ".join(forms) + (f" {option.value}" if option.value else "")


def _entry(left: str, text: str) -> str:
    """Give one entry: what is written on the left, what it does on the right, on its own line if the left is long."""
    indent = " " * _COLUMN
    right = textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    start = f"  {left}"
    return f"{start}\n{right}" if len(start) > _COLUMN - 2 else start.ljust(_COLUMN) + right[_COLUMN:]
