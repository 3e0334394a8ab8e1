"""What a field is. The fields themselves are in event_fields.py, flow_fields.py and process_fields.py; catalogue.py joins them."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pcapdig.filters import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pcapdig.filters.values import Column, Index, Value
    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.flows import Flows
    from pcapdig.trace.rows import Rows

Domain = Literal["flow", "end", "process", "event"]
"""What a value belongs to: a flow, one end of a flow (local and remote fields), a process, or a single row."""


class FieldType(enum.Enum):
    """How values are compared and shown. The value is the word of `-lv`."""

    TEXT = "CHARBUF"
    BYTES = "BYTEBUF"
    BOOL = "BOOL"
    UNSIGNED = "UINT64"
    SIGNED = "INT64"
    ABSOLUTE_TIME = "ABSTIME"
    """ns since 1970."""
    RELATIVE_TIME = "RELTIME"
    """A duration in ns."""
    ADDRESS = "IPADDR"
    NETWORK = "IPNET"
    """An address, compared with ADDRESS/BITS."""
    PORT = "PORT"

    @property
    def is_number(self) -> bool:
        """Values are integers, ports left out."""
        return self in (self.UNSIGNED, self.SIGNED, self.ABSOLUTE_TIME, self.RELATIVE_TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One row of the catalogue. Exactly one of `of_flows`, `of_process`, `of_rows`, `of_argument`, `ends`, `either` gives
    its values; none does for a print_only field."""

    name: str
    type: FieldType
    domain: Domain
    help: str
    """What it means for packets."""
    of_flows: Callable[[Flows, Index], Column] | None = None
    of_process: Callable[[Process], str | int | None] | None = None
    of_rows: Callable[[Rows, Index], Column] | None = None
    of_argument: Callable[[Rows, Index, int], Column] | None = None
    """With `argument`: the distance from it, so that `=` N means at most N."""
    ends: tuple[Field, Field] | None = None
    """The field that gives the value at the client's end, and the one that gives it at the server's."""
    either: tuple[Field, Field] | None = None
    """Two fields of which either may match; `!=` wants both to differ."""
    argument: str | None = None
    """For `field[ARGUMENT]`: what the argument is. None: takes none."""
    filter_only: bool = False
    """It has no single value, so it cannot be shown."""
    print_only: bool = False
    """It depends on how the output is asked for, so it cannot be compared."""
    choices: tuple[str, ...] = ()
    """All values there are: `=`, `!=` and `in` refuse others. Empty: any."""
    uses_history: bool = False
    """It looks at packets before this one, so `trace.history` must have seen them."""
    differs_in_message: bool = False
    """A reassembled message may have another value than its packets."""
    costly: bool = False
    """Values are made one by one in Python: only for rows that other comparisons left undecided."""
    digits: int = 1
    """Numbers are shown with at least so many digits."""

    @property
    def indexed(self) -> bool:
        """Takes an argument in square brackets."""
        return self.argument is not None

    def values(self, rows: Rows) -> list[Value | None]:
        """One value a row, None where there is none. Addresses are text.

        Raises:
            TypeError: the field is filter_only or print_only (ask first).
        """
        if self.ends is not None:
            client, server = (field.values(rows) for field in self.ends)
            return [
                c if is_client else s for c, s, is_client in zip(client, server, rows.is_client.tolist(), strict=True)
            ]
        if self.of_rows is not None:
            return values.to_list(self.of_rows(rows, values.ALL))
        ids = rows.process if self.domain == "process" else rows.flow
        distinct, positions = np.unique(ids, return_inverse=True)
        known = self.values_of(rows.trace, distinct[distinct >= 0].tolist())
        of_id: list[Value | None] = [None] * (len(distinct) - len(known)) + known
        return [of_id[position] for position in positions.tolist()]

    def value(self, rows: Rows, i: int) -> Value | None:
        """The value of one row. `values` is much faster for many."""
        return self.values(rows.select(np.array([i], dtype=np.intp)))[0]

    def values_of(self, trace: Dimensions, ids: Sequence[int]) -> list[Value | None]:
        """One value for each of some flows or processes (by `domain`) of a trace.

        Raises:
            TypeError: the field belongs neither to flows nor to processes, or is filter_only.
        """
        if self.of_process is not None:
            processes = trace.processes
            return [self.of_process(processes[i]) for i in ids]
        if self.of_flows is not None and not self.filter_only:
            return values.to_list(self.of_flows(trace.flows, np.array(ids, dtype=np.intp)))
        raise TypeError(f"{self.name} has no value of its own for a flow or a process")

    def column_of(self, trace: Dimensions, ids: Iterable[int]) -> Column:
        """The values of some processes, to be compared."""
        assert self.of_process is not None
        processes = trace.processes
        found = [self.of_process(processes[i]) for i in ids]
        if self.type.is_number:
            return values.numbers_of([value if isinstance(value, int) else None for value in found])
        return values.Texts([value if isinstance(value, str) else None for value in found])

    def text(self, value: Value) -> str:
        """A value as shown. Bytes are for the caller to render."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return f"{value:0{self.digits}d}"
        return value if isinstance(value, str) else value.decode("ascii", "replace")


Getter = Callable[["Rows", "Index"], "Column"]
"""Gives the values of some rows."""


def varying(
    name: str,
    kind: FieldType,
    column: Getter,
    meaning: str,
    *,
    digits: int = 1,
    costly: bool = False,
    uses_history: bool = False,
) -> Field:
    """What a message does not share with its packets."""
    return Field(
        name=name,
        type=kind,
        domain="event",
        help=meaning,
        of_rows=column,
        differs_in_message=True,
        digits=digits,
        costly=costly,
        uses_history=uses_history,
    )


def shown(name: str, meaning: str) -> Field:
    """What depends on how the output is asked for."""
    return Field(name=name, type=FieldType.TEXT, domain="event", help=meaning, print_only=True)
