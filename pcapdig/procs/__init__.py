"""The process table: what a process was called, who ran it, and where it came from, at the moment it mattered.

In: fork, exec and exit events (`struct process_event` of probe/events.h, as bytes), and /proc under a root that is an argument.
Out: `Process` records (process.py), immutable, one per (pid, start time, exec count, comm).
Callers: record/ (asks `ProcessTable.describe` once for each new identity), tracer/ (snapshot, procfs polling), pcapng/ and trace/ (the
`Process` type only). Must not know packets or sockets.

    ProcessTable(proc="/proc", boot_offset_ns=...)      # wall = boot + offset; .proc reads /proc/PID (procdir.py)
      .snapshot() -> int                                # read every process once; number read
      .apply(event: bytes | memoryview) -> None         # one process_event; the last 60 s of the dead stay known, bounded in count
      .describe(pid=, start_boot_ns=, exec_id=, comm=, uid=) -> Process
                                                        # never raises, never guesses: what is not known is None. Reads /proc/PID only
                                                        # if it is still that process (start time agrees), else uses events and parents
    container id: 64 hex digits in the cgroup path shortened to 12, "host" when there is none, None when the cgroup is not known.
    user name: from the password database, cached; None when the uid has no entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.procs.process import Process

if TYPE_CHECKING:
    from pcapdig.procs.table import ProcessTable

__all__ = ["Process", "ProcessTable"]


def __getattr__(name: str) -> object:
    """Import the table only for who records: a dig needs Process alone, and start-up is most of a small dig."""
    if name == "ProcessTable":
        from pcapdig.procs.table import ProcessTable

        return ProcessTable
    raise AttributeError(name)
