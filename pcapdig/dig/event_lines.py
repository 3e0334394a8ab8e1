"""Event lines: what is shown when no chisel is chosen, and the count of event types at the end (-S).

The default line is sysdig's `*%evt.num %evt.outputtime %evt.cpu %proc.name (%thread.tid) %evt.dir %evt.type %evt.info`, as far as packets
have it: no processor (evt.cpu), and the process id in place of the thread's.

    139 12:00:00.000000000 httpd (15457) < read res=551 data=GET / HTTP/1.1.. tuple=127.0.0.1:41135->127.0.0.1:80
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pcapdig.filters.catalogue import lookup
from pcapdig.filters.event_fields import TYPES, type_codes
from pcapdig.filters.format import compile_format
from pcapdig.render.items import Event, Gap
from pcapdig.render.options import TimeStyle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.render.renderer import Renderer
    from pcapdig.trace.rows import Rows

DEFAULT_FORMAT = "*%evt.num %evt.outputtime %proc.name (%proc.pid) %evt.dir %evt.type %evt.info"
"""What -pp prints: the default line as -p takes it. Under -v they show the same; without it only the default line clips data."""
_AT_ONCE = 1024
"""Rows whose columns are made at once: the first line must not wait for a batch of a million."""


class EventLines:
    """Rows as lines of text, a JSON object each with -j."""

    def __init__(self, renderer: Renderer, format: str | None) -> None:
        """`format` None: the default line.

        Raises:
            FormatError: (a UsageError) -p cannot be understood.
        """
        self._renderer = renderer
        self._shows_latency = renderer.options.time is TimeStyle.LATENCY
        self._format = None
        if format is not None:
            self._format = compile_format(format, data=self._data, time=self._time)

    def lines(self, rows: Rows) -> Iterator[str]:
        """One text a row, line end included; with -p none where a field has no value."""
        for start in range(0, len(rows), _AT_ONCE):
            part = rows.select(np.arange(start, min(start + _AT_ONCE, len(rows))))
            if self._format is None:
                for event in events(part, with_latency=self._shows_latency):
                    yield self._renderer.text(event)
                continue
            for i in range(len(part)):
                text = self._format.json(part, i) if self._renderer.options.json else self._format.line(part, i)
                if text is not None:
                    yield f"{text}\n"

    @property
    def uses_history(self) -> bool:
        """It shows what a packet is to those before it, so `trace.history` must see each batch."""
        return self._shows_latency or (self._format is not None and self._format.uses_history)

    def _time(self, rows: Rows, i: int) -> str:
        latency_ns = _latencies(rows.select(np.array([i])))[0] if self._shows_latency else None
        return self._renderer.time_column.text(int(rows.time_ns[i]), latency_ns)

    def _data(self, payload: bytes, gaps: tuple[tuple[int, int], ...]) -> str:
        return self._renderer.data(payload, tuple(Gap(offset, missing) for offset, missing in gaps))


def _latencies(rows: Rows) -> list[int | None]:
    return [wait if isinstance(wait, int) else None for wait in lookup("evt.latency").values(rows)]


def events(rows: Rows, *, with_latency: bool = False) -> Iterator[Event]:
    """The default event of each row; latency_ns only if asked for."""
    latencies = _latencies(rows) if with_latency else [None] * len(rows)
    columns = (rows.number, rows.time_ns, rows.process, rows.flow, rows.is_io, rows.size, type_codes(rows))
    lists = (column.tolist() for column in columns)
    processes, flows = rows.trace.processes, rows.trace.flows
    for i, (number, time_ns, process_id, flow, is_io, size, code) in enumerate(zip(*lists, strict=True)):
        process = processes[process_id] if process_id >= 0 else None
        yield Event(
            number=number,
            time_ns=time_ns,
            process=process.name if process else None,
            pid=process.pid if process else None,
            direction="<",
            type=TYPES[code],
            arguments=(("res", size),) if is_io else (),
            buffer=rows.buffer(i) if is_io else None,
            gaps=tuple(Gap(offset, missing) for offset, missing in rows.gaps(i)) if is_io else (),
            connection=flows.name(flow) if flow >= 0 else None,
            container_id=process.container_id if process else None,
            latency_ns=latencies[i],
        )


class TypeCounts:
    """How many rows of each event type there were."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(TYPES), np.int64)

    def add(self, rows: Rows) -> None:
        """Count these rows."""
        self._counts += np.bincount(type_codes(rows), minlength=len(TYPES))

    def text(self) -> str:
        """sysdig's -S: rules of 22 dashes, then `DIR type count`, most frequent first."""
        rule = "-" * 22
        ranked = sorted((-count, name) for count, name in zip(self._counts.tolist(), TYPES, strict=True) if count)
        lines = [rule, "Event           #Calls", rule, *(f"< {name:<16}{-count}" for count, name in ranked)]
        return "\n".join(lines) + "\n"
