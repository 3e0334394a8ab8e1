"""No events: packets only."""

from __future__ import annotations

from pcapdig.tracer.contract import EventSource, TracerName


class NoTracer:
    """The tracer that tells nothing."""

    name: TracerName = "none"

    def __init__(self) -> None:
        self.notes: list[str] = []

    def start(self) -> EventSource:
        """No source."""
        return EventSource(kind="none")

    def snapshot(self) -> bytes:
        """Nothing."""
        return b""

    def poll(self) -> bytes:
        """Nothing."""
        return b""

    def lost_events(self) -> int:
        """None."""
        return 0

    def close(self) -> None:
        """Nothing to undo."""
