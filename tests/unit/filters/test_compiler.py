"""Text to steps: what is refused, and what a filter needs. What steps do is tested through whole filters, in test_filter.py."""

from __future__ import annotations

import pytest

from pcapdig.filters import FilterError, compile_filter
from pcapdig.filters.compiler import compile_step
from pcapdig.filters.plan import AndStep, NotStep, OrStep


@pytest.mark.parametrize("text", ["", "fd.port", "fd.nothing=1", "fd.port=x", "evt.around[x]=1", "evt.around[1]!=2"])
def test_mistakes_are_refused(text: str) -> None:
    """Nothing is left to go wrong when the filter runs."""
    with pytest.raises(FilterError):
        compile_step(text)


def test_only_payload_needs_buffers() -> None:
    """Rows must be reassembled messages as soon as one comparison looks into them, also behind `not`."""
    assert not compile_step("fd.port=80 and evt.buflen>3")[1].buffer
    assert compile_step("fd.port=80 or not evt.buffer contains x")[1].buffer


def test_only_comparisons_with_earlier_packets_need_history() -> None:
    """Also behind `not`; and two filters joined need what one of them does."""
    assert not compile_step("evt.reltime>5")[1].history
    assert compile_step("fd.port=80 or not evt.latency>5")[1].history
    assert (compile_filter("fd.port=80") & compile_filter("evt.deltatime>5")).uses_history


def test_the_tree_is_kept() -> None:
    """`not` binds before `and`, `and` before `or`."""
    assert isinstance(compile_step("fd.port=1 or fd.port=2 and fd.port=3")[0], OrStep)
    assert isinstance(compile_step("not fd.port=1 and fd.port=2")[0], AndStep)
    assert isinstance(compile_step("not (fd.port=1 and fd.port=2)")[0], NotStep)
