"""Which rows of the flow table stay, and what they are called then: what whoever keeps something by flow moves along with.

A live trace would grow for ever, so rows that nobody needs go, and the others move together in their order. It happens between two batches:
first everyone who keeps something by flow gives up what belongs to rows that go and moves the rest, then the table itself does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Value = TypeVar("Value")


class Renumbering:
    """Old rows of the flow table, and new ones."""

    __slots__ = ("dropped", "kept", "new")

    def __init__(self, stays: NDArray[np.bool_]) -> None:
        """`stays`: a mark for each row there is."""
        self.kept: NDArray[np.intp] = np.flatnonzero(stays)
        """Old rows that stay, ascending; the first becomes row 0."""
        self.dropped: NDArray[np.intp] = np.flatnonzero(~stays)
        """Old rows that go, ascending."""
        self.new: NDArray[np.int32] = np.where(stays, np.cumsum(stays) - 1, -1).astype(np.int32)
        """By old row: the new one, -1 where it goes."""

    def column(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values of the rows that stay, of an array by row that may end early or be longer than there are rows. A copy."""
        return values[self.kept[: np.searchsorted(self.kept, len(values))]]

    def keys(self, by_flow: dict[int, Value]) -> dict[int, Value]:
        """The entries of the rows that stay, by their new numbers, in the same order."""
        new = self.new.tolist()
        return {new[flow]: value for flow, value in by_flow.items() if new[flow] >= 0}

    def goes(self, flow: int) -> bool:
        """Whether an old row goes."""
        return int(self.new[flow]) < 0
