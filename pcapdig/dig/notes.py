"""What a dig says beside its output: sentences for stderr, without their `note:`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.render.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.render.items import Table


def notes_of_table(chisel: str, table: Table) -> Iterator[str]:
    """That a table stops at its rows, where it does."""
    shown = len(table.rows)
    if table.found is None or table.found <= shown:
        return
    how = f"; {table.all_of}" if table.all_of else ""
    yield f"{chisel} shows {shown:,} of {table.found:,} {table.things}{how}"


def notes_on_order(chisel: str, late: int, late_ns: int) -> Iterator[str]:
    """That lines came too late for their place, where some did. `late_ns`: how far the furthest went back."""
    if late:
        lines = "1 line" if late == 1 else f"{late:,} lines"
        yield f"{lines} of {chisel} came too late for the order of time, by up to {duration_text(late_ns)}"
