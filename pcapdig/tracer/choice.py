"""Choosing a tracer by name, or the best this machine allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.errors import HostError, UsageError
from pcapdig.tracer.contract import EventSource, Tracer, TracerName

if TYPE_CHECKING:
    from pcapdig.procs import ProcessTable

AUTO_ORDER: tuple[TracerName, ...] = ("core", "bcc", "procfs")
CHOICES = ("auto", *AUTO_ORDER, "none")


def open_tracer(name: str, *, processes: ProcessTable) -> Tracer:
    """The tracer of that name, not started; "auto" tries core, bcc and procfs when it is started. "replay:FILE" plays a file.

    Args:
        name: one of CHOICES, or replay:FILE.
        processes: the recorder's process table, for tracers that must look processes up.

    Raises:
        UsageError: no such tracer.
    """
    if name == "auto":
        return _FirstThatStarts(processes)
    if name == "core":
        from pcapdig.tracer.core import CoreTracer

        return CoreTracer(processes=processes)
    if name == "bcc":
        from pcapdig.tracer.bcc import BccTracer

        return BccTracer()
    if name == "procfs":
        from pcapdig.tracer.procfs import ProcfsTracer

        return ProcfsTracer(processes=processes)
    if name == "none":
        from pcapdig.tracer.none import NoTracer

        return NoTracer()
    if name.startswith("replay:"):
        from pcapdig.tracer.replay import ReplayTracer

        return ReplayTracer(name.removeprefix("replay:"))
    raise UsageError(f"no tracer named {name}; there are: {', '.join(CHOICES)}")


class _FirstThatStarts:
    """Tries the tracers in order and then is the one that started; the notes say why others were not."""

    def __init__(self, processes: ProcessTable) -> None:
        self._processes = processes
        self._refused: list[str] = []
        self._tracer: Tracer | None = None

    @property
    def name(self) -> TracerName:
        """The chosen one's; "none" before start."""
        return "none" if self._tracer is None else self._tracer.name

    @property
    def notes(self) -> list[str]:
        """Why tracers before it were refused, then its own."""
        return [*self._refused, *([] if self._tracer is None else self._tracer.notes)]

    def start(self) -> EventSource:
        """Start the best.

        Raises:
            HostError: none can be had; with the reasons.
        """
        for name in AUTO_ORDER:
            tracer = open_tracer(name, processes=self._processes)
            try:
                source = tracer.start()
            except HostError as error:
                tracer.close()
                self._refused.append(f"{name}: {error}")
            else:
                self._tracer = tracer
                return source
        raise HostError(f"no tracer works here; {'; '.join(self._refused)}")

    def snapshot(self) -> bytes:
        """The chosen tracer's."""
        return self._started.snapshot()

    def poll(self) -> bytes:
        """The chosen tracer's."""
        return self._started.poll()

    def lost_events(self) -> int:
        """The chosen tracer's."""
        return 0 if self._tracer is None else self._tracer.lost_events()

    def close(self) -> None:
        """Close the chosen tracer."""
        if self._tracer is not None:
            self._tracer.close()

    @property
    def _started(self) -> Tracer:
        if self._tracer is None:
            raise HostError("the tracer is not started")
        return self._tracer
