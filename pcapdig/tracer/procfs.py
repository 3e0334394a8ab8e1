"""The tracer without eBPF: sockets listed by sock_diag every 100 ms, their holders looked up under /proc.

What lives shorter than a poll, or is held by several processes, is not named: a guess would be wrong. A thread of its own does the
looking, since it may take longer than the record loop can wait and since it visits other network namespaces.
"""

from __future__ import annotations

import struct
import threading
import time
from typing import TYPE_CHECKING

from pcapdig.errors import HostError
from pcapdig.procs.procdir import ProcDir
from pcapdig.tracer import sockdiag
from pcapdig.tracer.contract import EventSource, TracerName
from pcapdig.tracer.rounds import Rounds

if TYPE_CHECKING:
    from pcapdig.procs import ProcessTable

POLL_NS = 100_000_000
DUTY = 1
"""A look that takes long is followed by a pause this many times as long, so that looking leaves half a processor."""
FIRST_ROUND_S = 30.0


class ProcfsTracer:
    """Polls sock_diag and /proc.

    Args:
        processes: the recorder's table; its /proc is looked at.
    """

    name: TracerName = "procfs"

    def __init__(self, *, processes: ProcessTable | None = None) -> None:
        self.notes = ["procfs: not named: sockets that live shorter than 0.1 s or are held by several processes"]
        self._proc = processes.proc if processes is not None else ProcDir()
        self._looks = Rounds(self._proc)
        self._events = bytearray()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._looked = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def start(self) -> EventSource:
        """Begin to poll.

        Raises:
            HostError: the kernel has no sock_diag.
        """
        try:
            sockdiag.SockDiag().close()
        except OSError as error:
            raise HostError(f"sockets cannot be listed (sock_diag): {error.strerror}") from error
        self._thread = threading.Thread(target=self._run, name="pcapdig-procfs", daemon=True)
        self._thread.start()
        return EventSource(kind="polled")

    def snapshot(self) -> bytes:
        """The events of the first look; waits for it to end.

        Raises:
            HostError: it failed.
        """
        self._looked.wait(FIRST_ROUND_S)
        if self._failure is not None:
            raise HostError(f"sockets cannot be listed: {self._failure}")
        return self.poll()

    def poll(self) -> bytes:
        """Events of the looks since the last call."""
        with self._lock:
            events = bytes(self._events)
            self._events.clear()
        return events

    def lost_events(self) -> int:
        """None: what was missed was never an event."""
        return 0

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                began = time.monotonic_ns()
                try:
                    events = self._looks.look(time.clock_gettime_ns(time.CLOCK_BOOTTIME), began)
                except (OSError, struct.error) as error:
                    self._failure = str(error)
                    self.notes.append(f"procfs: sockets cannot be listed: {error}")
                    return
                finally:
                    self._looked.set()
                with self._lock:
                    self._events += events
                took = time.monotonic_ns() - began
                self._stop.wait(max(POLL_NS - took, DUTY * took if took > POLL_NS // 2 else 0) / 1e9)
        finally:
            if not self._stop.is_set() and self._failure is None:
                self.notes.append("procfs: looking ended early, by a fault of pcapdig")
            self._looks.close()
