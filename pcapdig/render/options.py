"""How the user wants things shown. Made by cli from the command line, read by the other modules of this room."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class DataStyle(Enum):
    """How captured bytes are shown."""

    DOTTED = "dotted"
    """One line, what is not printable ASCII as a dot."""
    ASCII = "ascii"
    """-A: text with its line ends, what is not printable left out."""
    HEX = "hex"
    """-x: offset and hexadecimal."""
    HEX_ASCII = "hexascii"
    """-X: offset, hexadecimal and ASCII."""
    BASE64 = "base64"
    """-b: base64 on one line."""


class TimeStyle(Enum):
    """What -t takes."""

    CLOCK = "h"
    """Local time of day, HH:MM:SS.nnnnnnnnn."""
    ABSOLUTE = "a"
    """Seconds since 1970, nine decimals."""
    RELATIVE = "r"
    """Seconds since the first event of the trace, shown or not."""
    LATENCY = "d"
    """Seconds an answer took, 0 for what answers nothing."""
    DELTA = "D"
    """Seconds since the event shown before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything that changes how an item looks."""

    data: DataStyle = DataStyle.DOTTED
    """Rendering of captured bytes."""
    json: bool = False
    """-j: JSON in place of text."""
    verbose: bool = False
    """-v: process in headers, no clipping of data."""
    colour: bool = False
    """Whether escapes may be written; only true when the stream is a terminal."""
    time: TimeStyle = TimeStyle.CLOCK
    """-t: time column of event lines."""
    containers: bool = False
    """-pc: the container in headers and event lines."""
