"""Where socket and process events come from. Every tracer tells the same story in the same bytes (probe/events.h).

    core     CO-RE programs through libbpf                     needs BTF
    bcc      probe/socktrace.bcc.c compiled when recording starts   needs kernel headers and Debian's python3-bpfcc
    procfs   sock_diag (pyroute2) joined with /proc/PID/fd, polled    needs no eBPF; short-lived sockets are missed and not guessed
    replay   events from a file, for tests and bug reports
    none     no events: packets only

Contract (types in contract.py, open_tracer in choice.py; each tracer is one module of its own name):

    open_tracer(name: str, *, processes: ProcessTable) -> Tracer      # "auto" tries core, bcc, procfs and says why one was left out;
                                                                      # "replay:FILE" plays a file
    class Tracer(Protocol):
        name: str                                  # which one it is
        notes: list[str]                           # one line each: a program left out and why, a tracer that could not be had and why
        def start(self) -> EventSource             # from now on events flow. Raises HostError
        def snapshot(self) -> bytes                # events (SNAPSHOT or PROCFS evidence) of every socket held right now
        def poll(self) -> bytes                    # polled kinds: events since the last call; b"" for the others
        def lost_events(self) -> int               # events the kernel could not hand over
        def close(self) -> None                    # detach, unload; safe to call twice
    EventSource(kind: "ringbuf" | "perf" | "polled" | "none", map_fd: int)

The record loop reads ringbuf and perf maps natively by `map_fd`, by polling: the probes wake nobody. No event passes through Python on those
(tests and doctor may read them with _bpf.MapReader).
Callers: record/ and cli/doctor. Must not know packets, files or attribution.
"""

from pcapdig.tracer.choice import CHOICES, open_tracer
from pcapdig.tracer.contract import EventSource, Tracer

__all__ = ["CHOICES", "EventSource", "Tracer", "open_tracer"]
