"""Who holds which socket, by the descriptors under /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from pcapdig.procs.events import EventProcess, Kind, ProcessEvent
from pcapdig.procs.procdir import TICK_NS, ProcDir


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that holds sockets."""

    pid: int
    start_ticks: int
    comm: bytes
    ppid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one process holds."""

    holder: Holder
    inodes: frozenset[int]
    """Of the files of its sockets."""
    netns: int | None
    """Inode of its network namespace; None where it may not be read."""
    child_faults: int
    """See procdir.Stat: changes when a child of it came and went."""


def look_at(proc: ProcDir, pid: int) -> Held | None:
    """Look at every descriptor of a process; None when it is gone. What may not be read is left out."""
    place = proc.root / str(pid)
    inodes = _socket_inodes(f"{place}/fd")
    stat = proc.stat(pid)
    if stat is None:
        return None
    holder = Holder(pid=pid, start_ticks=stat.start_ticks, comm=stat.comm, ppid=stat.ppid)
    return Held(
        holder=holder, inodes=frozenset(inodes), netns=_namespace(f"{place}/ns/net"), child_faults=stat.child_faults
    )


def by_inode(looked: Iterable[Held]) -> dict[int, list[Holder]]:
    """Inode of a socket's file -> who holds it, the oldest first (earliest start, then lowest pid)."""
    found: dict[int, list[Holder]] = {}
    for held in looked:
        for inode in held.inodes:
            found.setdefault(inode, []).append(held.holder)
    for holders in found.values():
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
