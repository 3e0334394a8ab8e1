"""What every tracer is: a name, notes, a source of events, a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

TracerName = Literal["core", "bcc", "procfs", "replay", "none"]
SourceKind = Literal["ringbuf", "perf", "polled", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """Where a started tracer's events come from."""

    kind: SourceKind
    """ringbuf, perf: a map to be read natively, by polling (nobody is woken). polled: ask `Tracer.poll`. none: no events."""
    map_fd: int = -1
    """Descriptor of that map; it stays the tracer's. -1 for polled and none."""


class Tracer(Protocol):
    """Tells of sockets and processes, in the bytes of probe/events.h."""

    @property
    def name(self) -> TracerName:
        """Which one it is."""

    @property
    def notes(self) -> list[str]:
        """One line each: a program left out and why, a tracer that could not be had and why."""

    def start(self) -> EventSource:
        """From now on events flow.

        Raises:
            HostError: the machine refuses; says what is missing.
        """

    def snapshot(self) -> bytes:
        """Events of every socket held right now, with SNAPSHOT or PROCFS evidence. Call it after start, so that nothing is missed.

        Raises:
            HostError: the sockets cannot be listed.
        """

    def poll(self) -> bytes:
        """Events since the last call, for polled sources; b"" for the others."""

    def lost_events(self) -> int:
        """Events the kernel could not hand over since start."""

    def close(self) -> None:
        """Detach and unload. Safe to call twice, and without start."""
