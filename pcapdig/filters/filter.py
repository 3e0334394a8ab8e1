"""A compiled filter, and how one is made from text. What compiles (compiler.py) is loaded when there is something to compile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pcapdig.filters.plan import Step
    from pcapdig.filters.values import Bools
    from pcapdig.trace.columns import Packets
    from pcapdig.trace.rows import Rows

BLANKS = " \t\r\n\f\v"
"""What parts the words of a filter."""


class Filter:
    """Which rows pass. Made by `compile_filter`; joined with `&`.

    It keeps what it found out of a trace's flows and processes, so one filter is for one thread.
    """

    __slots__ = ("_step", "text", "uses_buffer", "uses_history")

    def __init__(self, text: str, step: Step | None, *, uses_buffer: bool = False, uses_history: bool = False) -> None:
        """`step` None lets all pass. Callers use `compile_filter`."""
        self._step = step
        self.text = text
        """The filter as it was written; blank if all pass."""
        self.uses_buffer = uses_buffer
        """Some comparison needs a payload, so the rows given must be reassembled messages."""
        self.uses_history = uses_history
        """Some comparison looks at earlier packets, so `mask` or `candidates` must be asked about each batch of a trace."""

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"

    def __and__(self, other: Filter) -> Filter:
        """What passes both."""
        if self._step is None:
            return other
        if other._step is None:
            return self
        from pcapdig.filters.plan import AndStep

        text = f"({self.text}) and ({other.text})"
        return Filter(
            text,
            AndStep([self._step, other._step]),
            uses_buffer=self.uses_buffer or other.uses_buffer,
            uses_history=self.uses_history or other.uses_history,
        )

    @property
    def passes_all(self) -> bool:
        """Nothing is asked."""
        return self._step is None

    @property
    def needle(self) -> bytes:
        """Bytes that the payload of every row has that passes; b"" where nothing can be said."""
        return b"" if self._step is None else self._step.needle

    def mask(self, rows: Rows) -> Bools:
        """Which rows pass."""
        if self.uses_history:
            rows.trace.history.see(rows.facts)
        everywhere = np.ones(len(rows), dtype=np.bool_)
        return everywhere if self._step is None else self._step.mask(rows, everywhere)

    def packets_mask(self, packets: Packets) -> Bools:
        """Which packets have an end that passes, each packet looked at by itself."""
        if self._step is None:
            return np.ones(len(packets), dtype=np.bool_)
        from pcapdig.trace.rows import rows_of

        passing = np.zeros(len(packets), dtype=np.bool_)
        rows = rows_of(packets)
        passing[rows.packet[self.mask(rows)]] = True
        return passing

    def candidates(self, rows: Rows) -> Bools:
        """For rows that are packets: which may belong to a message that passes.

        What a message need not share with its packets (payload, size, time, number) counts as unknown; so none is left out that could
        pass, and some are let in that will not.
        """
        if self.uses_history:
            rows.trace.history.see(rows.facts)
        return np.ones(len(rows), dtype=np.bool_) if self._step is None else self._step.outlook(rows)[0]


ALWAYS = Filter("", None)
"""Lets all pass."""


def compile_filter(text: str) -> Filter:
    """The filter that a text means. Blank text is `ALWAYS`.

    Raises:
        FilterError: (a UsageError) any mistake, of syntax, name or type; nothing is left to go wrong when the filter runs.
    """
    if not text.strip(BLANKS):
        return ALWAYS
    from pcapdig.filters.compiler import compile_step

    step, needs = compile_step(text)
    return Filter(text.strip(BLANKS), step, uses_buffer=needs.buffer, uses_history=needs.history)
