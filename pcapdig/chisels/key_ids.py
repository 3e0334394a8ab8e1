"""Values of any field as small numbers, so that rows can be counted by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pcapdig.errors import UsageError
from pcapdig.filters.catalogue import lookup
from pcapdig.filters.fields import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pcapdig.filters.values import Value
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.rows import Rows

MOST_VALUES = 1 << 18
"""Values that are counted one by one; further ones are counted together, as OTHERS."""
OTHERS = "(others)"


def key_field(name: str) -> Field:
    """The field of that name, if it can be a key.

    Raises:
        UsageError: there is none, or it has no single value that could be compared.
    """
    field = lookup(name)
    if field.filter_only or field.print_only or field.indexed or field.type is FieldType.BYTES:
        raise UsageError(f"field {name} has no single value to count by")
    return field


class KeyIds:
    """Numbers the values of one field in the order they are met, from 0 without holes. -1: no value.

    Values of flows and processes are made once each, those of events once a row.
    """

    __slots__ = ("_field", "_numbering", "_of_id", "_others", "_parts", "_shown", "values")

    def __init__(self, field: Field) -> None:
        """`field` is one that `key_field` gave."""
        self.values: list[Value] = []
        """The values by id."""
        self._field = field
        self._shown: dict[Value, int] = {}
        self._others = -1
        self._numbering: object = None  # that `_of_id` is of
        self._parts = field.ends if field.ends is not None else (field,)
        self._of_id = [np.zeros(0, np.intp) for _ in self._parts]  # by flow or process

    def anew(self) -> KeyIds:
        """The same for the same field, with no value yet."""
        return KeyIds(self._field)

    @property
    def by_flow(self) -> bool:
        """All packets of a flow have the same value, at both of their ends."""
        return self._field.domain == "flow"

    def of(self, rows: Rows) -> NDArray[np.intp]:
        """The id of each row's value."""
        if self._field.domain == "event":
            return np.array([self._number(value) for value in self._field.values(rows)], np.intp).reshape(-1)
        ids = rows.process if self._field.domain == "process" else rows.flow
        columns = [self._column(position, rows.trace)[ids] for position in range(len(self._parts))]
        if len(columns) == 1:
            return columns[0]
        return np.where(rows.is_client, columns[0], columns[1])

    def text(self, number: int) -> str | None:
        """A value as shown, by its id; None for -1."""
        if number >= 0 and number == self._others:
            return OTHERS
        return None if number < 0 else self._field.text(self.values[number])

    def order(self, number: int) -> tuple[bool, Value]:
        """Sorts ids by their values: numbers as numbers, what has no value last."""
        if number >= 0 and number == self._others:
            return True, 1
        return (True, 0) if number < 0 else (False, self.values[number])

    def others(self) -> int:
        """The id that stands for all values beyond the first MOST_VALUES."""
        if self._others < 0:
            self._others = len(self.values)
            self.values.append(OTHERS)
        return self._others

    @property
    def has_others(self) -> bool:
        """There were more values than are counted one by one."""
        return self._others >= 0

    def _column(self, position: int, trace: Dimensions) -> NDArray[np.intp]:
        """Ids of the values of all flows or processes there are, and -1 at the end, where index -1 finds it."""
        known = self._of_id[position]
        field = self._parts[position]
        if self._numbering is not trace.flows.numbering:  # rows of flows have gone, and others have their numbers
            self._numbering = trace.flows.numbering
            if self._field.domain != "process":
                self._of_id = [np.zeros(0, np.intp) for _ in self._parts]
                known = self._of_id[position]
        total = len(trace.processes) if self._field.domain == "process" else len(trace.flows)
        if len(known) < total + 1:
            begun = max(0, len(known) - 1)
            fresh = [self._number(value) for value in field.values_of(trace, range(begun, total))]
            known = np.concatenate([known[:begun], np.array([*fresh, -1], np.intp)])
            self._of_id[position] = known
        return known

    def _number(self, value: Value | None) -> int:
        if value is None:
            return -1
        number = self._shown.get(value)
        if number is None:
            if len(self._shown) >= MOST_VALUES:
                return self.others()
            number = self._shown[value] = len(self.values)
            self.values.append(value)
        return number


def note_of_others(keys: Sequence[KeyIds], *, had_others: bool = False) -> Iterator[str]:
    """That some values have no row of their own, where it is so. `had_others`: it was so before the keys began anew."""
    if had_others or any(key.has_others for key in keys):
        yield f"values beyond the first {MOST_VALUES:,} are counted together, in the row {OTHERS}"
