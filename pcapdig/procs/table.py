"""The table of processes: fed by events and /proc, asked for descriptions.

A process is (pid, start); its start is compared in /proc's clock ticks, the coarser of the two sources, so a pid that is used again is another
process. Within its life it runs one program (image) after the other, told apart by the count of execve calls (`exec_id`). A child
begins with its parent's image and count.
"""

from __future__ import annotations

import os
import pwd
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from pcapdig.errors import InputError
from pcapdig.procs.containers import HOST, container_of
from pcapdig.procs.events import Kind, ProcessEvent, unpack_process_event
from pcapdig.procs.procdir import TICK_NS, Image, ProcDir, Stat
from pcapdig.procs.process import Process

DEAD_KEPT_NS = 60_000_000_000
"""The dead stay known this long: packets wait for their owner's name, but not longer."""
DEAD_KEPT_MOST = 65_536
"""... and at most so many, which bounds memory where processes come and go by the thousand."""
CMDLINE_BYTES = 512
ANCESTORS_ASKED = 8
"""How far up a short-lived process's container is looked for."""
ROOT_CGROUP_ID = 1
"""Everyone's cgroup where only cgroup v1 is used for containers: says nothing."""

_Key = tuple[int, int]
"""pid and start in ticks."""


@dataclass(slots=True)
class _Life:
    """What is known of one process from fork to exit."""

    pid: int
    ticks: int
    comm: bytes
    ppid: int | None = None
    parent: _Key | None = None
    cgroup_id: int = 0
    container: str | None = None
    first_image: Image | None = None
    """Of before the first execve that was seen."""
    images: dict[int, Image] = field(default_factory=dict)
    """By exec_id, of each execve that was seen."""

    def image(self, exec_id: int) -> Image | None:
        """The program it ran at that count of execve; an unknown count (0) means the latest."""
        if not self.images:
            return self.first_image
        if exec_id == 0:
            return self.images[max(self.images)]
        if exec_id in self.images:
            return self.images[exec_id]
        return self.first_image if exec_id < min(self.images) else None


class ProcessTable:
    """What processes were called, who ran them and where they came from.

    Args:
        proc: where /proc is mounted.
        boot_offset_ns: CLOCK_REALTIME - CLOCK_BOOTTIME, to turn a process's start into wall-clock time.
    """

    def __init__(self, proc: str | Path = "/proc", *, boot_offset_ns: int = 0) -> None:
        self.boot_offset_ns = boot_offset_ns
        self.proc = ProcDir(proc)
        """Where facts are read."""
        self._lives: dict[_Key, _Life] = {}
        self._dead: deque[tuple[int, _Key]] = deque()
        self._containers: dict[int, str] = {}
        self._users: dict[int, str | None] = {}
        self._real_paths: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._lives)

    def snapshot(self) -> int:
        """Read every process of /proc once, kernel threads excepted; how many there were."""
        count = 0
        for pid in self.proc.pids():
            stat = self.proc.stat(pid)
            if stat is not None and not stat.is_kernel_thread:
                self._learn(stat)
                count += 1
        return count

    def apply(self, event: bytes | memoryview) -> None:
        """Take in one process_event. Anything else is not looked at: the event's own room checks what it hands on."""
        try:
            told = unpack_process_event(event)
        except InputError:
            return
        key = (told.process.tgid, told.process.start_boot_ns // TICK_NS)
        if told.kind == Kind.PROCESS_FORKED:
            self._lives[key] = self._forked(key, told)
        elif told.kind == Kind.PROCESS_EXECED:
            life = self._lives.get(key) or self._lives.setdefault(key, self._unseen(key, told))
            life.comm = told.process.comm
            life.cgroup_id = told.cgroup_id
            life.images[told.process.exec_id] = Image(exepath=_text(told.filename) or None, args=told.args or None)
        elif key in self._lives:
            self._dead.append((told.time_ns, key))
        self._bury(told.time_ns)

    def describe(
        self, *, pid: int, start_boot_ns: int, exec_id: int = 0, comm: bytes | str = b"", uid: int | None = None
    ) -> Process:
        """The process of that identity. What is not known is None; never raises.

        Args:
            pid: thread group id in the initial pid namespace.
            start_boot_ns: its start, CLOCK_BOOTTIME; 0 where not known, then only the arguments are told.
            exec_id: count of execve calls; 0 where not known.
            comm: its name at the moment it mattered, which wins over any other.
            uid: effective user id; None where not known.
        """
        name = comm.encode("utf-8", "surrogateescape") if isinstance(comm, str) else comm
        life = self._find(pid, start_boot_ns, name) if start_boot_ns else None
        if life is None:
            return Process(
                name=_text(name), pid=pid, start_boot_ns=start_boot_ns or None, uid=uid, user=self._user(uid)
            )
        image = self._image(life, exec_id, name)
        container = self._container(life)
        return Process(
            name=_text(name or life.comm),
            pid=pid,
            start_boot_ns=start_boot_ns,
            uid=uid,
            user=self._user(uid),
            ppid=life.ppid,
            pname=self._parent_name(life),
            exepath=self._exepath(image, container) if image else None,
            container_id=container,
            cmdline=_cmdline(image.args) if image and image.args else None,
        )

    # -- lives -------------------------------------------------------------------------------------------------------

    def _learn(self, stat: Stat) -> _Life:
        """A life from /proc, unless it is known already."""
        key = (stat.pid, stat.start_ticks)
        life = self._lives.get(key)
        if life is None:
            life = self._lives[key] = _Life(pid=stat.pid, ticks=stat.start_ticks, comm=stat.comm)
        if life.ppid is None:
            life.ppid = stat.ppid
            parent = self.proc.stat(stat.ppid)
            life.parent = (stat.ppid, parent.start_ticks) if parent else None
        if life.first_image is None and not life.images:
            image = self.proc.image(stat.pid)
            if self._same(stat.pid, stat.start_ticks):
                life.first_image = image
        self._read_container(life)
        return life

    def _same(self, pid: int, ticks: int) -> Stat | None:
        """The process of /proc/PID now, if it is still that one."""
        stat = self.proc.stat(pid)
        return stat if stat is not None and stat.start_ticks == ticks else None

    def _find(self, pid: int, start_boot_ns: int, comm: bytes) -> _Life | None:
        ticks = start_boot_ns // TICK_NS
        life = self._lives.get((pid, ticks))
        if life is not None:
            return life
        stat = self._same(pid, ticks)
        return self._learn(stat) if stat is not None else None

    def _forked(self, key: _Key, told: ProcessEvent) -> _Life:
        parent_key = (told.parent_tgid, told.parent_start_boot_ns // TICK_NS)
        life = self._unseen(key, told)
        parent = self._lives.get(parent_key)
        if parent is not None:
            life.first_image = parent.image(told.process.exec_id)
            if parent.container is not None and (parent.cgroup_id in (0, told.cgroup_id)):
                life.container = parent.container
        return life

    def _unseen(self, key: _Key, told: ProcessEvent) -> _Life:
        return _Life(
            pid=key[0],
            ticks=key[1],
            comm=told.process.comm,
            ppid=told.parent_tgid or None,
            parent=(told.parent_tgid, told.parent_start_boot_ns // TICK_NS) if told.parent_tgid else None,
            cgroup_id=told.cgroup_id,
        )

    def _bury(self, now_ns: int) -> None:
        """Forget who died long ago, and the oldest dead when they are too many."""
        while self._dead and (now_ns - self._dead[0][0] > DEAD_KEPT_NS or len(self._dead) > DEAD_KEPT_MOST):
            self._lives.pop(self._dead.popleft()[1], None)

    # -- facts -------------------------------------------------------------------------------------------------------

    def _image(self, life: _Life, exec_id: int, comm: bytes) -> Image | None:
        image = life.image(exec_id)
        if image is not None and (exec_id or comm == life.comm):
            return image
        # Nothing told of this program, or nobody tells of execve: /proc has the present one, which is the wanted one if the names agree.
        stat = self._same(life.pid, life.ticks)
        if stat is None or (comm and stat.comm != comm):
            return image if exec_id else None
        found = self.proc.image(life.pid)
        after = self._same(life.pid, life.ticks)
        if after is None or after.comm != stat.comm:
            return image if exec_id else None
        life.first_image, life.comm = found, stat.comm
        return found

    def _exepath(self, image: Image, container: str | None) -> str | None:
        """Absolute, symbolic links resolved outside containers (inside, they are another file system's); None for a relative one."""
        path = image.exepath
        if path is None or not path.startswith("/"):
            return None
        if container != HOST:
            return path
        if path not in self._real_paths:
            self._real_paths[path] = os.path.realpath(path)
        return self._real_paths[path]

    def _parent_name(self, life: _Life) -> str | None:
        if life.parent is None:
            return None
        pid, ticks = life.parent
        stat = self._same(pid, ticks)
        if stat is not None:
            return _text(stat.comm)
        parent = self._lives.get(life.parent)
        return _text(parent.comm) if parent is not None else None

    def _user(self, uid: int | None) -> str | None:
        if uid is None:
            return None
        if uid not in self._users:
            try:
                self._users[uid] = pwd.getpwuid(uid).pw_name
            except (KeyError, OverflowError):
                self._users[uid] = None
        return self._users[uid]

    # -- containers --------------------------------------------------------------------------------------------------

    def _read_container(self, life: _Life) -> None:
        """The container by /proc, which knows of v1 and v2; what is found is remembered for all of that cgroup."""
        text = self.proc.cgroup(life.pid)
        if text is None or not self._same(life.pid, life.ticks):
            return
        life.container = container_of(text)
        if life.cgroup_id > ROOT_CGROUP_ID:
            self._containers[life.cgroup_id] = life.container

    def _container(self, life: _Life) -> str | None:
        """Of a living process by its own cgroup; of a dead one by its cgroup's other members, else by its ancestors in the same cgroup."""
        self._read_container(life)
        ancestor: _Life | None = life
        for _step in range(ANCESTORS_ASKED):
            if ancestor is None or ancestor.cgroup_id not in (0, life.cgroup_id):
                return None
            if ancestor.container is None:
                self._read_container(ancestor)
            if ancestor.container is not None:
                return ancestor.container
            if life.cgroup_id in self._containers:
                return self._containers[life.cgroup_id]
            ancestor = self._lives.get(ancestor.parent) if ancestor.parent else None
        return None


def _text(raw: bytes) -> str:
    """Readable on one line: undecodable bytes and control characters become U+FFFD, white space a blank."""
    decoded = raw.decode("utf-8", "replace")
    return "".join(_printable(character) for character in decoded) if not decoded.isprintable() else decoded


def _printable(character: str) -> str:
    if character in "\t\n\v\f\r\u2028\u2029\x85":
        return " "
    code = ord(character)
    return "\N{REPLACEMENT CHARACTER}" if code < 32 or 127 <= code < 160 else character


def _cmdline(args: tuple[bytes, ...]) -> str:
    """Arguments joined by blanks, at most CMDLINE_BYTES of UTF-8, cut between characters."""
    text = _text(b" ".join(args))
    return text.encode()[:CMDLINE_BYTES].decode("utf-8", "ignore")
