"""Events from a file: packed structures of probe/events.h one after the other, for tests and bug reports."""

from __future__ import annotations

from pathlib import Path

from pcapdig.errors import HostError, InputError
from pcapdig.tracer.contract import EventSource, TracerName
from pcapdig.tracer.events import split


class ReplayTracer:
    """Gives a file's events at the first poll; their times are as recorded."""

    name: TracerName = "replay"

    def __init__(self, path: str | Path) -> None:
        self.notes: list[str] = []
        self._path = Path(path)
        self._events = b""

    def start(self) -> EventSource:
        """Read and check the file.

        Raises:
            HostError: it cannot be read.
            InputError: it is not a file of events.
        """
        try:
            packed = self._path.read_bytes()
        except OSError as error:
            raise HostError(f"{self._path}: {error.strerror}") from error
        try:
            for _event in split(packed):
                pass
        except InputError as error:
            raise InputError(f"{self._path}: {error}") from error
        self._events = packed
        return EventSource(kind="polled")

    def snapshot(self) -> bytes:
        """Nothing: what was held is in the file."""
        return b""

    def poll(self) -> bytes:
        """All events, once."""
        events, self._events = self._events, b""
        return events

    def lost_events(self) -> int:
        """None."""
        return 0

    def close(self) -> None:
        """Forget the events."""
        self._events = b""
