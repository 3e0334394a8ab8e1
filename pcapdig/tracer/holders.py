"""Who holds which socket, by the descriptors under /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from pcapdig.procs.events import EventProcess, Kind, ProcessEvent
from pcapdig.procs.procdir import TICK_NS, ProcDir


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that holds sockets."""

    pid: int
    start_ticks: int
    comm: bytes
    ppid: int


@dataclass(slots=True)
class Holders:
    """One look over all processes."""

    by_inode: dict[int, list[Holder]] = field(default_factory=dict)
    """Inode of a socket's file -> who holds it, the oldest first (earliest start, then lowest pid)."""
    namespaces: dict[int, int] = field(default_factory=dict)
    """Inode of a network namespace -> some process in it."""


def find_holders(proc: ProcDir) -> Holders:
    """Look at every descriptor of every process. What vanishes or may not be read is left out."""
    found = Holders()
    for pid in proc.pids():
        place = proc.root / str(pid)
        inodes = _socket_inodes(f"{place}/fd")
        namespace = _namespace(f"{place}/ns/net")
        if namespace is not None:
            found.namespaces.setdefault(namespace, pid)
        if not inodes:
            continue
        stat = proc.stat(pid)
        if stat is None:
            continue
        holder = Holder(pid=pid, start_ticks=stat.start_ticks, comm=stat.comm, ppid=stat.ppid)
        for inode in inodes:
            found.by_inode.setdefault(inode, []).append(holder)
    for holders in found.by_inode.values():
        holders.sort(key=lambda holder: (holder.start_ticks, holder.pid))
    return found


def _socket_inodes(place: str) -> set[int]:
    inodes: set[int] = set()
    try:
        descriptors = os.listdir(place)
    except OSError:
        return inodes
    for descriptor in descriptors:
        try:
            target = os.readlink(f"{place}/{descriptor}")
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1].isdigit():
            inodes.add(int(target[8:-1]))
    return inodes


def _namespace(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def identity(proc: ProcDir, holder: Holder) -> EventProcess | None:
    """The holder as events name it; None when it is gone."""
    uid = proc.effective_uid(holder.pid)
    if uid is None:
        return None
    return EventProcess(
        tgid=holder.pid,
        tid=holder.pid,
        uid=uid,
        start_boot_ns=holder.start_ticks * TICK_NS,
        comm=holder.comm,
    )


def process_event(proc: ProcDir, holder: Holder, who: EventProcess, now_ns: int) -> ProcessEvent:
    """What /proc knows of the holder's program, told as if it were started now, so that it is known even when it ends at once."""
    image = proc.image(holder.pid)
    parent = proc.stat(holder.ppid)
    args = b"\0".join(image.args or ())[:512]
    return ProcessEvent(
        kind=Kind.PROCESS_EXECED,
        time_ns=now_ns,
        process=who,
        parent_tgid=holder.ppid,
        parent_start_boot_ns=parent.start_ticks * TICK_NS if parent else 0,
        filename=os.fsencode(image.exepath)[:255] if image.exepath and len(image.exepath) < 256 else b"",
        args=tuple(args.split(b"\0")) if args else (),
    )
