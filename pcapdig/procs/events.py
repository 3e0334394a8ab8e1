"""struct process_event of probe/events.h for Python, and the identity that all events share."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from pcapdig.errors import InputError

VERSION = 1
"""PCAPDIG_EVENTS_VERSION."""
HEAD = struct.Struct("=HHIQ")
PROCESS_HEAD = struct.Struct("=HHIQ IIIIQ16s QQIHH")
PROCESS_TEXT_MAX = 768


class Kind(IntEnum):
    """enum event_kind."""

    SOCKET_BOUND = 1
    SOCKET_HELD = 2
    SOCKET_WRITER = 3
    SOCKET_READER = 4
    SOCKET_LISTENING = 5
    SOCKET_CLOSED = 6
    PROCESS_FORKED = 16
    PROCESS_EXECED = 17
    PROCESS_EXITED = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class EventProcess:
    """struct event_process."""

    tgid: int
    """Process id in the initial pid namespace."""
    tid: int = 0
    """Thread id in the initial pid namespace."""
    uid: int = 0
    """Effective user id in the initial user namespace."""
    exec_id: int = 0
    """Counts execve along the line of ancestors; 0 where not known."""
    start_boot_ns: int = 0
    """CLOCK_BOOTTIME; 0 where not known."""
    comm: bytes = b""
    """Of the group leader, without its NUL padding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEvent:
    """struct process_event."""

    kind: Kind
    time_ns: int
    """CLOCK_BOOTTIME."""
    process: EventProcess
    parent_tgid: int = 0
    parent_start_boot_ns: int = 0
    cgroup_id: int = 0
    """Of cgroup v2; 0 where not known."""
    filename: bytes = b""
    """Execed: path of the program, for a script that of its interpreter; empty when not known."""
    args: tuple[bytes, ...] = ()
    """Execed: argv, cut at 512 bytes altogether."""

    def pack(self) -> bytes:
        """The bytes.

        Raises:
            ValueError: the texts do not fit.
        """
        args = b"\0".join(self.args)
        text = self.filename + args
        if len(text) > PROCESS_TEXT_MAX:
            raise ValueError(f"text of {len(text)} bytes; at most {PROCESS_TEXT_MAX} fit")
        who = self.process
        head = PROCESS_HEAD.pack(
            self.kind, PROCESS_HEAD.size + len(text), VERSION, self.time_ns,
            who.tgid, who.tid, who.uid, who.exec_id, who.start_boot_ns, who.comm,
            self.parent_start_boot_ns, self.cgroup_id, self.parent_tgid, len(self.filename), len(args),
        )  # fmt: skip
        return head + text


def unpack_identity(tgid: int, tid: int, uid: int, exec_id: int, start_boot_ns: int, comm: bytes) -> EventProcess:
    """The identity from its unpacked fields."""
    name = comm.split(b"\0", 1)[0]
    return EventProcess(tgid=tgid, tid=tid, uid=uid, exec_id=exec_id, start_boot_ns=start_boot_ns, comm=name)


def unpack_process_event(event: bytes | memoryview) -> ProcessEvent:
    """One process event; bytes after it are not looked at.

    Raises:
        InputError: cut, of another version or kind, or with texts longer than itself.
    """
    if len(event) < PROCESS_HEAD.size:
        raise InputError(f"process event of {len(event)} bytes is cut")
    fields = PROCESS_HEAD.unpack_from(event)
    kind, size, version, time_ns = fields[:4]
    if version != VERSION or not Kind.PROCESS_FORKED <= kind <= Kind.PROCESS_EXITED:
        raise InputError(f"not a process event of version {VERSION}: version {version}, kind {kind}")
    parent_start_boot_ns, cgroup_id, parent_tgid, filename_size, args_size = fields[10:]
    if size > len(event) or PROCESS_HEAD.size + filename_size + args_size > size:
        raise InputError(f"process event of {len(event)} bytes is too short for its texts")
    text = bytes(event[PROCESS_HEAD.size : PROCESS_HEAD.size + filename_size + args_size])
    args = text[filename_size:]
    return ProcessEvent(
        kind=Kind(kind),
        time_ns=time_ns,
        process=unpack_identity(*fields[4:10]),
        parent_tgid=parent_tgid,
        parent_start_boot_ns=parent_start_boot_ns,
        cgroup_id=cgroup_id,
        filename=text[:filename_size],
        args=tuple(args.removesuffix(b"\0").split(b"\0")) if args else (),
    )
