"""A dig of tables alone shows what the same dig by columns shows."""

from __future__ import annotations

import io
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from pcapdig.chisels import registry
from pcapdig.chisels.tables import FlowTable, ProcessTable
from pcapdig.dig import Plan
from pcapdig.dig.summing import Summing, adds_up, dig_sums, load_tables
from pcapdig.errors import InputError, UsageError
from pcapdig.trace.sums import Sums
from pcapdig.trace.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from pcapdig.render.items import Column, Item
    from pcapdig.trace.rows import Rows

TOPPROCS = registry.find("topprocs_net")


class Summed(Trace):
    """A trace whose sums are given."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.sizes = sizes

    def sums(self) -> Sums:
        sums = super().sums()
        total = sum(self.sizes)
        return sums._replace(packets=len(self.sizes), by_process=total.to_bytes(8, sys.byteorder))


def parts(trace: Summed, *, damaged: bool = False, went: list[int] | None = None) -> Generator[int]:
    """A part a size; then damage, if there is any."""
    for size in trace.sizes:
        if went is not None:
            went.append(size)
        yield 1
    if damaged:
        raise InputError("f.pcapng: damaged at byte 512")


def shown(summing: Summing, *, aside: bool) -> str:
    """What a table of it says, InputError included."""
    out = io.StringIO()
    if aside:
        summing.begin()
    try:
        dig_sums(summing, Plan(chisels=(TOPPROCS(),)), out)
    except InputError as error:
        out.write(str(error))
    finally:
        summing.end()
    return out.getvalue()


ASIDE = pytest.mark.parametrize("aside", [False, True])
HEAD = "Bytes     Process   \n------------------------------\n"


def test_a_wrong_plan_writes_nothing() -> None:
    """Never a table after an error."""
    trace = Summed(3)
    out = io.StringIO()
    with pytest.raises(UsageError):
        dig_sums(Summing(trace, parts(trace)), Plan(chisels=(TOPPROCS(),), format="%"), out)
    assert out.getvalue() == ""


@ASIDE
def test_damage_is_told_after_what_came_before_it(aside: bool) -> None:
    """And alone where nothing did."""
    trace, nothing = Summed(3, 4), Summed()
    damage = "f.pcapng: damaged at byte 512"
    assert shown(Summing(trace, parts(trace, damaged=True)), aside=aside) == f"{HEAD}7B        <NA>\n{damage}"
    assert shown(Summing(nothing, parts(nothing, damaged=True)), aside=aside) == damage


@ASIDE
def test_a_capture_without_packets(aside: bool) -> None:
    """An empty table."""
    nothing = Summed()
    assert shown(Summing(nothing, parts(nothing)), aside=aside) == HEAD


def test_what_is_not_wanted_any_more_stops() -> None:
    """After the part at hand, and the thread is over when `end` returns; Python's switching of threads is as before."""
    reached, leave = threading.Event(), threading.Event()
    went: list[int] = []

    def slow() -> Generator[int]:
        try:
            for i in range(3):
                went.append(i)
                reached.set()
                leave.wait(10)
                yield 1
        finally:
            went.append(-1)

    before_s = sys.getswitchinterval()
    summing = Summing(Summed(), slow())
    summing.begin()
    reached.wait(10)
    summing._is_unwanted = True
    leave.set()
    summing.end()
    assert went == [0, -1]
    summing.end()
    assert sys.getswitchinterval() == before_s


@ASIDE
def test_somebody_looks(aside: bool) -> None:
    """At the end at least."""
    trace, looks = Summed(1, 2), []
    summing = Summing(trace, parts(trace))
    if aside:
        summing.begin()
    summing.wait(lambda: looks.append(1))
    summing.end()
    assert looks


class _Doubled(ProcessTable):
    """Counts in a way of its own."""

    keys: ClassVar[tuple[Column, ...]] = TOPPROCS.keys  # type: ignore[attr-defined]

    def _count(self, rows: Rows) -> None:
        self._totals.add(rows.process, rows.size * 2)


class _Watching(FlowTable):
    """Looks at each batch."""

    keys: ClassVar[tuple[Column, ...]] = TOPPROCS.keys  # type: ignore[attr-defined]

    def feed(self, rows: Rows) -> Iterable[Item]:
        return super().feed(rows)


@pytest.mark.parametrize(
    ("chisels", "expected"),
    [
        ([], False),
        (["topconns"], True),
        (["topprocs_net", "topports_server", "topconns"], True),
        (["topconns", "httplog"], False),
        (["iobytes_net"], False),
        (["topcontainers_net"], False),
    ],
)
def test_which_chisels_add_up(chisels: list[str], expected: bool) -> None:
    """Tables by flow and by process."""
    assert adds_up([registry.find(name)() for name in chisels]) is expected


@pytest.mark.parametrize("kind", [_Doubled, _Watching])
def test_a_table_of_the_users_that_counts_otherwise(kind: Any) -> None:
    """It gets rows."""
    assert not adds_up([kind()])


def test_under_v_and_pc() -> None:
    """Processes at the ends of connections, and containers, are told by packets."""
    topconns: Any = registry.find("topconns")
    assert not adds_up([topconns(verbose=True)])
    assert not adds_up([topconns.with_containers()])
    assert adds_up([TOPPROCS(verbose=True)])


def test_what_tables_need_is_loaded_before() -> None:
    """So that nothing is left to load when all is summed."""
    load_tables()
    assert {"numpy", "pcapdig.filters.catalogue", "pcapdig.dig.digger"} <= set(sys.modules)
