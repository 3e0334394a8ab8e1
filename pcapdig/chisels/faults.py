"""What to say when a chisel that did not come with pcapdig fails: one line, with the place in its author's file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pcapdig.errors import ChiselError, PcapdigError

if TYPE_CHECKING:
    from types import TracebackType

_OWN = "pcapdig.chisels."


def fault_of(chisel: type[Any], error: Exception) -> Exception:
    """The error to raise from `error`, which came out of a chisel's code.

    It is `error` itself where it is meant for the user as it stands, and where the chisel came with pcapdig: then the fault is ours, and
    its traceback is what a report needs.
    """
    if isinstance(error, (PcapdigError, MemoryError)) or chisel.__module__.startswith(_OWN):
        return error
    file = getattr(sys.modules.get(chisel.__module__), "__file__", None) or chisel.__module__
    line = line_in(file, error.__traceback__)
    place = f"{file} line {line}" if line else file
    return ChiselError(
        f"chisel {getattr(chisel, 'name', chisel.__name__)} ({place}): {type(error).__name__}: {error}; "
        "PCAPDIG_DEBUG=1 shows the traceback"
    )


def line_in(file: str, step: TracebackType | None) -> int | None:
    """The line of a file where an error passed last; None: it did not pass it."""
    line = None
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            line = step.tb_lineno
        step = step.tb_next
    return line
