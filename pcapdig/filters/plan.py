"""A filter made ready to run: comparisons and how they are joined.

A comparison of fd.* is made once a flow, one of proc.* once a process, and spread over the rows by their ids; the results are kept, and
grow as the trace's tables grow. Joined comparisons run from cheap to dear, and the dear ones look only at rows still undecided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from pcapdig.filters import values
from pcapdig.filters.fields import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pcapdig.filters.comparisons import Test
    from pcapdig.filters.values import Bools
    from pcapdig.trace.rows import Rows


class Step(Protocol):
    """A comparison, or several joined."""

    cost: int
    """Comparisons of one join run in this order."""

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Which rows pass. What it says of rows outside `where` does not count."""

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """For rows that are packets: whether the message one belongs to could pass, and whether it could fail."""

    @property
    def needle(self) -> bytes:
        """Bytes that every payload has that passes; b"" where nothing can be said."""


class Memo:
    """What a test said of each row of a table that grows and never changes what it has."""

    def __init__(self) -> None:
        self._owner: object = None
        self._known = np.zeros(0, dtype=np.bool_)

    def spread(self, owner: object, size: int, ids: NDArray[np.integer], test: Callable[[int, int], Bools]) -> Bools:
        """The results by id, False for id -1. `test(start, stop)` is asked for ids not seen before.

        `owner` is the table; another one starts anew.
        """
        if owner is not self._owner:
            self._owner, self._known = owner, np.zeros(0, dtype=np.bool_)
        seen = max(0, len(self._known) - 1)
        if size > seen or not len(self._known):
            # The last entry, which id -1 picks, stands for no flow or no process.
            self._known = np.concatenate((self._known[:seen], test(seen, size), np.zeros(1, dtype=np.bool_)))
        return self._known.take(ids)


class FlowStep:
    """A comparison made once a flow."""

    needle = b""
    cost = 0

    def __init__(self, field: Field, test: Test) -> None:
        assert field.of_flows is not None
        self._column = field.of_flows
        self._test = test
        self._memo = Memo()

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Which rows pass, of those in `where`."""
        flows = rows.trace.flows
        return self._memo.spread(
            flows.numbering,
            len(flows),
            rows.flow,
            lambda start, stop: self._test(self._column(flows, slice(start, stop))),
        )

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """Whether the message a packet belongs to could pass, and whether it could fail."""
        return _certain(self.mask(rows, _everywhere(rows)))


class EndStep:
    """A comparison of local or remote: one result at the client's end of a flow, another at the server's."""

    needle = b""
    cost = 1

    def __init__(self, at_client: FlowStep, at_server: FlowStep) -> None:
        self._at_client = at_client
        self._at_server = at_server

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Which rows pass, of those in `where`."""
        return np.where(rows.is_client, self._at_client.mask(rows, where), self._at_server.mask(rows, where))

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """Whether the message a packet belongs to could pass, and whether it could fail."""
        return _certain(self.mask(rows, _everywhere(rows)))


class ProcessStep:
    """A comparison made once a process."""

    needle = b""
    cost = 0

    def __init__(self, field: Field, test: Test) -> None:
        assert field.of_process is not None
        self._field = field
        self._test = test
        self._memo = Memo()

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Which rows pass, of those in `where`."""
        trace, count = rows.trace, len(rows.trace.processes)

        def ask(start: int, stop: int) -> Bools:
            return self._test(self._field.column_of(trace, range(start, stop)))

        return self._memo.spread(trace.processes, count, rows.process, ask)

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """Whether the message a packet belongs to could pass, and whether it could fail."""
        return _certain(self.mask(rows, _everywhere(rows)))


class RowStep:
    """A comparison of something each row has for itself."""

    def __init__(self, field: Field, test: Test, needle: bytes = b"") -> None:
        """`needle`: bytes without which a payload never passes."""
        assert field.of_rows is not None
        self._column = field.of_rows
        self._test = test
        self._is_sparing = field.costly
        self._is_uncertain = field.differs_in_message
        self.cost = 4 if field.type is FieldType.BYTES else 3 if field.costly else 2
        self.needle = needle

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Which rows pass, of those in `where`."""
        if not self._is_sparing:
            return self._test(self._column(rows, values.ALL))
        index = np.flatnonzero(where)
        found = np.zeros(len(where), dtype=np.bool_)
        found[index] = self._test(self._column(rows, index))
        return found

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """Whether the message a packet belongs to could pass, and whether it could fail."""
        if self._is_uncertain:
            return _everywhere(rows), _everywhere(rows)
        return _certain(self.mask(rows, _everywhere(rows)))


class NotStep:
    """True where another is not."""

    needle = b""

    def __init__(self, part: Step) -> None:
        self._part = part
        self.cost = part.cost

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Which rows pass, of those in `where`."""
        return ~self._part.mask(rows, where)

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """Whether the message a packet belongs to could pass, and whether it could fail."""
        could_pass, could_fail = self._part.outlook(rows)
        return could_fail, could_pass


class AndStep:
    """True where all others are."""

    def __init__(self, parts: list[Step]) -> None:
        self._parts = sorted(parts, key=lambda part: part.cost)
        self.cost = self._parts[-1].cost
        self.needle = max((part.needle for part in parts), key=len)

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Which rows pass, of those in `where`."""
        passed = where
        for part in self._parts:
            passed = passed & part.mask(rows, passed)
            if not passed.any():
                break
        return passed

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """Whether the message a packet belongs to could pass, and whether it could fail."""
        outlooks = [part.outlook(rows) for part in self._parts]
        could_pass = np.logical_and.reduce([could for could, _ in outlooks])
        could_fail = np.logical_or.reduce([could for _, could in outlooks])
        return could_pass, could_fail


class OrStep:
    """True where any other is."""

    needle = b""

    def __init__(self, parts: list[Step]) -> None:
        self._parts = sorted(parts, key=lambda part: part.cost)
        self.cost = self._parts[-1].cost

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Which rows pass, of those in `where`."""
        passed = np.zeros(len(where), dtype=np.bool_)
        open_still = where
        for part in self._parts:
            passed = passed | part.mask(rows, open_still)
            open_still = open_still & ~passed
            if not open_still.any():
                break
        return passed

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """Whether the message a packet belongs to could pass, and whether it could fail."""
        outlooks = [part.outlook(rows) for part in self._parts]
        could_pass = np.logical_or.reduce([could for could, _ in outlooks])
        could_fail = np.logical_and.reduce([could for _, could in outlooks])
        return could_pass, could_fail


def _everywhere(rows: Rows) -> Bools:
    return np.ones(len(rows), dtype=np.bool_)


def _certain(passed: Bools) -> tuple[Bools, Bools]:
    return passed, ~passed
