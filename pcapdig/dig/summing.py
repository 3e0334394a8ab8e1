"""A dig of nothing but tables: bytes are added up where packets are read, and no columns are made.

That may go on in a thread while the caller still loads what shows the tables, numpy above all: loading takes as long as reading a
few hundred megabytes. Loads no numpy itself.
"""

from __future__ import annotations

import _thread
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from pcapdig.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pcapdig.chisels.chisel import Chisel
    from pcapdig.dig.offline import Output
    from pcapdig.dig.plan import Plan
    from pcapdig.trace.sums import Sums
    from pcapdig.trace.trace import Trace

SWITCH_S = 0.0002
"""How long one thread may have to wait for Python while the other loads modules; else 5 ms, for each comment that is new."""
LOOK_S = 0.02
"""Between two looks at how far it is, where somebody wants to know."""


class Summing:
    """Adds up the packets of a trace, in a thread once that is begun, else when they are waited for."""

    __slots__ = ("_failure", "_is_unwanted", "_over", "_parts", "_switch_s", "trace")

    def __init__(self, trace: Trace, parts: Generator[int]) -> None:
        """`parts`: `trace.sum_up`, or what goes on with it."""
        self.trace = trace
        self._parts = parts
        self._failure: BaseException | None = None
        self._is_unwanted = False
        self._over: _thread.LockType | None = None

    def begin(self) -> None:
        """Go on in a thread. `end` must follow, whatever happens."""
        self._over = _thread.allocate_lock()
        self._over.acquire()
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        _thread.start_new_thread(self._run_aside, (self._over,))

    def wait(self, look: Callable[[], None] | None = None) -> None:
        """Return when all is added up. `look` is called from time to time, and at the end.

        Raises:
            InputError: a capture cannot be read, or is damaged; what came before the damage has been added up.
        """
        if self._over is None:
            self._run(look)
        else:
            while not self._over.acquire(timeout=-1 if look is None else LOOK_S):
                if look is not None:
                    look()
            self._over.release()
            if look is not None:
                look()
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Have the thread stop before its next part, and return when it has."""
        self._is_unwanted = True
        if self._over is not None:
            with self._over:
                self._over = None
            sys.setswitchinterval(self._switch_s)

    def _run(self, look: Callable[[], None] | None = None) -> None:
        try:
            for _ in self._parts:
                if self._is_unwanted:
                    break
                if look is not None:
                    look()
            self._parts.close()
        except Exception as error:  # noqa: BLE001  # told to who waits
            self._failure = error

    def _run_aside(self, over: _thread.LockType) -> None:
        self._run()
        over.release()


def adds_up(chisels: Sequence[Chisel]) -> bool:
    """Do sums of all packets tell these chisels what they show of a file?"""
    return bool(chisels) and all(getattr(chisel, "adds_up", False) for chisel in chisels)


def load_tables() -> None:
    """Load what `dig_sums` and the tables will need."""
    for name in ("socket", "pcapdig.chisels.totals", "pcapdig.dig.digger", "pcapdig.filters.catalogue"):
        import_module(name)


def dig_sums(summing: Summing, plan: Plan, out: Output, look: Callable[[], None] | None = None) -> Sums:
    """Write to `out` the tables of a plan without filter and limit, all of whose chisels add up. Returns what they show.

    Raises:
        UsageError, InputError: as `dig`, in the same cases.
    """
    from pcapdig.dig.digger import Digger

    digger = Digger(summing.trace, plan, out.write)
    damage: InputError | MemoryError | None = None
    try:
        summing.wait(look)
    except (InputError, MemoryError) as error:
        damage = error
    sums = summing.trace.sums()
    if sums.packets:
        digger.feed_sums(sums)
    if damage is None or sums.packets:
        digger.end()
    if damage is not None:
        raise damage
    return sums
