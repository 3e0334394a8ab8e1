"""Steps: results kept as tables grow, dear comparisons only where needed, three-valued outlook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pcapdig.filters.plan import AndStep, Memo, NotStep, OrStep
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from pcapdig.filters.values import Bools
    from pcapdig.trace.rows import Rows


class Fixed:
    """A step that answers what it was told, and keeps what it was asked."""

    def __init__(self, *passes: bool, cost: int = 0, unknown: bool = False) -> None:
        self.passes = np.array(passes, dtype=np.bool_)
        self.cost = cost
        self.unknown = unknown
        self.asked: list[list[bool]] = []
        self.needle = b""

    def mask(self, rows: Rows, where: Bools) -> Bools:
        """Its answer; outside of `where` the opposite, which must not matter."""
        self.asked.append(where.tolist())
        return np.where(where, self.passes, ~self.passes)

    def outlook(self, rows: Rows) -> tuple[Bools, Bools]:
        """Certain, unless it was made unknown."""
        both = np.ones(len(self.passes), dtype=np.bool_)
        return (both, both) if self.unknown else (self.passes, ~self.passes)


def some_rows(count: int) -> Rows:
    """Rows of which only the number matters."""
    return rows_of(Packets.from_payloads(Tables(), [b""] * count))


ALL4 = np.ones(4, dtype=np.bool_)
T, F = True, False


class Asked:
    """A test of even ids that keeps which it was asked for."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> Bools:
        """Which of start..stop are even."""
        self.ranges.append((start, stop))
        return np.arange(start, stop) % 2 == 0


def test_an_id_is_tested_once() -> None:
    """Though the table grows, and is asked for again and again."""
    memo, owner, even = Memo(), object(), Asked()
    for size in (2, 2, 5, 5):
        memo.spread(owner, size, np.array([0]), even)
    assert even.ranges == [(0, 2), (2, 5)]


def test_what_was_found_is_kept_when_the_table_grows() -> None:
    """Old ids and new ones are right together."""
    memo, owner, even = Memo(), object(), Asked()
    memo.spread(owner, 3, np.array([0]), even)
    assert memo.spread(owner, 5, np.array([4, 3, 2, 1, 0]), even).tolist() == [T, F, T, F, T]


def test_no_id_never_passes() -> None:
    """-1, with an empty table too."""
    memo = Memo()
    assert memo.spread(object(), 0, np.array([-1, -1]), Asked()).tolist() == [F, F]
    assert memo.spread(object(), 1, np.array([-1, 0]), Asked()).tolist() == [F, T]


def test_another_table_starts_anew() -> None:
    """Ids of two traces are not the same."""
    memo, even = Memo(), Asked()
    memo.spread(object(), 2, np.array([0]), even)
    memo.spread(object(), 1, np.array([0]), even)
    assert even.ranges == [(0, 2), (0, 1)]


def test_and_asks_the_dear_step_only_for_rows_that_can_still_pass() -> None:
    """In whatever order they were written."""
    dear, cheap = Fixed(T, F, T, F, cost=4), Fixed(T, T, F, F)
    assert AndStep([dear, cheap]).mask(some_rows(4), ALL4).tolist() == [T, F, F, F]
    assert dear.asked == [[T, T, F, F]]


def test_or_asks_the_dear_step_only_for_rows_that_have_not_passed() -> None:
    """In whatever order they were written."""
    dear, cheap = Fixed(T, F, T, F, cost=4), Fixed(T, T, F, F)
    assert OrStep([dear, cheap]).mask(some_rows(4), ALL4).tolist() == [T, T, T, F]
    assert dear.asked == [[F, F, T, T]]


def test_a_decided_join_asks_no_further() -> None:
    """No row left: the dear step is not asked at all."""
    for join, cheap in ((AndStep, Fixed(F, F, F, F)), (OrStep, Fixed(T, T, T, T))):
        dear = Fixed(T, T, T, T, cost=4)
        join([dear, cheap]).mask(some_rows(4), ALL4)
        assert dear.asked == []


def test_a_join_costs_what_its_dearest_part_costs() -> None:
    """So a join of joins keeps the order."""
    assert AndStep([Fixed(T, cost=1), NotStep(OrStep([Fixed(T, cost=4), Fixed(T)]))]).cost == 4


def test_joins_inside_joins_keep_to_the_rows_asked_for() -> None:
    """What a part says of other rows does not leak."""
    inner = OrStep([Fixed(F, T, F, T, cost=1), NotStep(Fixed(T, F, F, T, cost=1))])
    outer = AndStep([Fixed(T, T, F, F), inner])
    assert outer.mask(some_rows(4), ALL4).tolist() == [F, T, F, F]


def test_unknown_and_false_is_false_unknown_or_true_is_true() -> None:
    """Kleene's tables, by (could pass, could fail)."""
    unknown = Fixed(F, F, cost=4, unknown=True)
    known = Fixed(T, F)
    rows = some_rows(2)
    for step, could_pass, could_fail in (
        (AndStep([unknown, known]), [T, F], [T, T]),
        (OrStep([unknown, known]), [T, T], [F, T]),
        (NotStep(AndStep([unknown, known])), [T, T], [T, F]),
        (NotStep(unknown), [T, T], [T, T]),
    ):
        assert [each.tolist() for each in step.outlook(rows)] == [could_pass, could_fail]
