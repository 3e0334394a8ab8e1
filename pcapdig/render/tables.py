"""Tables as text and as JSON.

In: a `Table`. Out: one string that ends in a newline. Must not know which chisel counted what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.render.data import printable
from pcapdig.render.units import bytes_text, duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pcapdig.render.items import Table, Unit

COLUMN_WIDTH = 10
"""Characters of a column, as in the tutorial's generation of sysdig.

A column with a longer text is as wide as that and one blank.
"""
RULE = "-" * 30
"""The line under the heading, whatever the width of the table."""
_NS = 1_000_000_000
_VALUE_TEXTS: dict[Unit, Callable[[int], str]] = {"bytes": bytes_text, "time": duration_text, "count": str}


def table_text(table: Table) -> str:
    """Lay a table out: headings padded, the last one too; cells padded but for the last key, which is free.

    Nothing is cut.
    """
    value_text = _VALUE_TEXTS[table.unit]
    cells = [(value_text(value), *map(printable, keys)) for value, keys in table.rows]
    headings = (table.value.heading, *(key.heading for key in table.keys))
    padded = len(headings) - 1
    widths = [
        max(COLUMN_WIDTH, len(headings[column]) + 1, *(len(row[column]) + 1 for row in cells))
        for column in range(padded)
    ]
    heading_widths = [*widths, max(COLUMN_WIDTH, len(headings[-1]) + 1)]
    lines = ["".join(map(str.ljust, headings, heading_widths)), RULE]
    lines += ["".join(map(str.ljust, row, widths)) + row[padded] for row in cells]
    return "\n".join(lines) + "\n"


def table_json(table: Table) -> str:
    """Give a table as one object: `ts` (whole second of its last event, in ns, as text), `data` (keys, then the
    number), `info`.

    `info` describes the entries of a `data` row one by one, in their order.
    """
    import json  # only -j needs it

    info = [{"name": key.field, "desc": key.heading, "is_key": True} for key in table.keys]
    info.append({"name": table.value.field, "desc": table.value.heading, "is_key": False})
    whole_second_ns = table.time_ns // _NS * _NS
    data = [[*keys, value] for value, keys in table.rows]
    return json.dumps({"ts": f"{whole_second_ns:019d}", "data": data, "info": info}, indent=2) + "\n"
