"""Offline and live assembly of a dig: trace -> filter -> streams -> chisel -> render.

    Plan(filter=..., chisels=..., show=..., format=..., limit=..., quiet=..., summary=...)      # plan.py: what is asked
    dig(batches: Iterable[Packets], trace, plan, out) -> None          # offline.py: writes text to `out`
    LiveDig(trace, plan, out, is_terminal=...)                         # live.py: the same machine fed by the recorder
        .feed(blocks) -> rows that passed  .pass_time(time_ns)  .done  .end()
    Summing(trace, parts), dig_sums(summing, plan, out)                # summing.py: tables alone, without columns, read aside
    BlockFilter(trace, filter, limit=...).keep(blocks) -> pieces that pass; .kept   # block_filter.py: -w with a filter
Nothing is written before the whole plan has been found right. A damaged capture is dug up to the damage, results are written, and then
InputError is raised. What chisels hand out as `Extract` goes into files (extracts.py).
Callers: cli. The only room that knows both traces and chisels. Knows nothing of probes or capture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcapdig.dig.block_filter import BlockFilter
    from pcapdig.dig.live import LiveDig
    from pcapdig.dig.offline import dig
    from pcapdig.dig.plan import Plan

__all__ = ["BlockFilter", "LiveDig", "Plan", "dig"]

_MODULES = {"BlockFilter": "block_filter", "LiveDig": "live", "Plan": "plan", "dig": "offline"}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is: start-up is most of a small dig, and a dig of tables begins to read before numpy is there."""
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f"pcapdig.dig.{_MODULES[name]}"), name)
    raise AttributeError(name)
