"""The table of processes: fed by events and /proc, asked for descriptions.

A process is (pid, start), so a pid that is used again is another process. Events tell the start in ns, /proc in clock ticks; one
learnt from /proc takes on the exact start of the first event that agrees. Within its life it runs one program (image) after the other,
told apart by the count of execve calls (`exec_id`). A child begins with its parent's image and count.
"""

from __future__ import annotations

import os
import pwd
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from pcapdig.errors import InputError
from pcapdig.procs.cgroups import Cgroups
from pcapdig.procs.containers import HOST, container_of
from pcapdig.procs.events import Kind, ProcessEvent, unpack_process_event
from pcapdig.procs.procdir import TICK_NS, Image, ProcDir, Stat
from pcapdig.procs.process import Process
from pcapdig.procs.secret_arguments import hide

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
"""pid and start in ticks; more than one life only where a pid was used again within a tick."""
_Ref = tuple[int, int, int | None]
"""pid, start in ticks, and in ns where that is known. Not the life itself: a chain of parents would never be forgotten."""


@dataclass(slots=True)
class _Life:
    """What is known of one process from fork to exit."""

    pid: int
    ticks: int
    start_boot_ns: int | None
    """None: known from /proc only."""
    comm: bytes
    ppid: int | None = None
    parent: _Ref | None = None
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
        full_cmdline: command lines keep the secrets that are starred otherwise.
    """

    def __init__(self, proc: str | Path = "/proc", *, boot_offset_ns: int = 0, full_cmdline: bool = False) -> None:
        self._full_cmdline = full_cmdline
        self.boot_offset_ns = boot_offset_ns
        self.proc = ProcDir(proc)
        """Where facts are read."""
        self._lives: dict[_Key, list[_Life]] = {}
        self._dead: deque[tuple[int, _Life]] = deque()
        self._cgroups = Cgroups(self.proc.root)
        self._containers: dict[int, str] = {}
        self._users: dict[int, str | None] = {}
        self._real_paths: dict[str, str] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lives.values()))

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
        who = told.process
        if told.kind == Kind.PROCESS_FORKED:
            self._fork(told)
        else:
            life = self._get(who.tgid, who.start_boot_ns // TICK_NS, who.start_boot_ns)
            if told.kind == Kind.PROCESS_EXECED:
                life = life or self._add(self._unseen(told))
                life.comm = who.comm
                if life.cgroup_id != told.cgroup_id:  # it was moved: what was true of the cgroup before says nothing
                    life.cgroup_id, life.container = told.cgroup_id, self._container_of_cgroup(told.cgroup_id)
                life.images[who.exec_id] = Image(exepath=_text(told.filename) or None, args=told.args or None)
            elif life is not None:
                self._dead.append((told.time_ns, life))
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
        life = self._find(pid, start_boot_ns) if start_boot_ns else None
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
            cmdline=self._cmdline(image.args) if image and image.args else None,
        )

    # -- lives -------------------------------------------------------------------------------------------------------

    def _add(self, life: _Life) -> _Life:
        self._lives.setdefault((life.pid, life.ticks), []).append(life)
        return life

    def _get(self, pid: int, ticks: int, start_boot_ns: int | None) -> _Life | None:
        """The life with that start; one known from /proc only takes the exact start on. Without an exact start the latest."""
        lives = self._lives.get((pid, ticks))
        if not lives:
            return None
        if start_boot_ns is None:
            return lives[-1]
        for life in reversed(lives):
            if life.start_boot_ns == start_boot_ns:
                return life
        for life in lives:
            if life.start_boot_ns is None:
                life.start_boot_ns = start_boot_ns
                return life
        return None

    def _learn(self, stat: Stat) -> _Life:
        """The life that /proc shows."""
        life = self._get(stat.pid, stat.start_ticks, None)
        if life is None:
            life = self._add(_Life(pid=stat.pid, ticks=stat.start_ticks, start_boot_ns=None, comm=stat.comm))
        if life.ppid is None:
            life.ppid = stat.ppid
            parent = self.proc.stat(stat.ppid)
            life.parent = (stat.ppid, parent.start_ticks, None) if parent else None
        if life.first_image is None and not life.images:
            image = self.proc.image(stat.pid)
            if self._shown(life):
                life.first_image = image
        self._read_container(life)
        return life

    def _shown(self, life: _Life) -> Stat | None:
        """What /proc says of this life now: None when it is over. Of several in one tick, only the last can be there."""
        stat = self.proc.stat(life.pid)
        if stat is None or stat.start_ticks != life.ticks or self._get(life.pid, life.ticks, None) is not life:
            return None
        return stat

    def _find(self, pid: int, start_boot_ns: int) -> _Life | None:
        ticks = start_boot_ns // TICK_NS
        life = self._get(pid, ticks, start_boot_ns)
        if life is not None or (pid, ticks) in self._lives:
            return life
        stat = self.proc.stat(pid)
        if stat is None or stat.start_ticks != ticks:
            return None
        life = self._learn(stat)
        life.start_boot_ns = start_boot_ns
        return life

    def _fork(self, told: ProcessEvent) -> None:
        who = told.process
        life = self._get(who.tgid, who.start_boot_ns // TICK_NS, who.start_boot_ns)
        if life is not None:  # read from /proc before its event came
            return
        life = self._add(self._unseen(told))
        parent = self._get(*life.parent) if life.parent else None
        if parent is not None:
            life.first_image = parent.image(who.exec_id)
            if not parent.cgroup_id:
                self._read_container(parent)
                parent.cgroup_id = parent.cgroup_id or told.cgroup_id  # a child begins where its parent is
            if parent.container is not None and parent.cgroup_id == told.cgroup_id:
                life.container = parent.container
        life.container = life.container or self._container_of_cgroup(told.cgroup_id)

    @staticmethod
    def _unseen(told: ProcessEvent) -> _Life:
        who, parent_ns = told.process, told.parent_start_boot_ns
        return _Life(
            pid=who.tgid,
            ticks=who.start_boot_ns // TICK_NS,
            start_boot_ns=who.start_boot_ns,
            comm=who.comm,
            ppid=told.parent_tgid or None,
            parent=(told.parent_tgid, parent_ns // TICK_NS, parent_ns) if told.parent_tgid else None,
            cgroup_id=told.cgroup_id,
        )

    def _bury(self, now_ns: int) -> None:
        """Forget who died long ago, and the oldest dead when they are too many."""
        while self._dead and (now_ns - self._dead[0][0] > DEAD_KEPT_NS or len(self._dead) > DEAD_KEPT_MOST):
            _died_ns, life = self._dead.popleft()
            key = (life.pid, life.ticks)
            left = [other for other in self._lives.get(key, ()) if other is not life]
            if left:
                self._lives[key] = left
            else:
                self._lives.pop(key, None)

    # -- facts -------------------------------------------------------------------------------------------------------

    def _image(self, life: _Life, exec_id: int, comm: bytes) -> Image | None:
        """The program run at that count of execve, completed from /proc where that still shows it."""
        image = life.image(exec_id)
        if image is not None and image.exepath and image.args and (exec_id or comm == life.comm):
            return image
        if exec_id and life.images and exec_id != max(life.images):
            return image
        before = self._shown(life)
        if before is None or (comm and before.comm != comm):
            return image if exec_id else None
        found = self.proc.image(life.pid)
        after = self._shown(life)
        if after is None or after.comm != before.comm:
            return image if exec_id else None
        if image is not None and exec_id:
            found = Image(exepath=image.exepath or found.exepath, args=image.args or found.args)
        if exec_id in life.images:
            life.images[exec_id] = found
        else:
            life.first_image = found
        life.comm = before.comm
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
        parent = self._get(*life.parent)
        if parent is not None:
            stat = self._shown(parent)
            return _text(stat.comm if stat is not None else parent.comm)
        stat = self.proc.stat(life.parent[0])
        return _text(stat.comm) if stat is not None and stat.start_ticks == life.parent[1] else None

    def _user(self, uid: int | None) -> str | None:
        if uid is None:
            return None
        if uid not in self._users:
            try:
                self._users[uid] = pwd.getpwuid(uid).pw_name
            except (KeyError, OverflowError):
                self._users[uid] = None
        return self._users[uid]

    def _cmdline(self, args: tuple[bytes, ...]) -> str:
        """Arguments joined by blanks, without secrets, at most CMDLINE_BYTES of UTF-8, cut between characters."""
        words = [_text(word) for word in args]
        text = " ".join(words if self._full_cmdline else hide(words))
        return text.encode()[:CMDLINE_BYTES].decode("utf-8", "ignore")

    # -- containers --------------------------------------------------------------------------------------------------

    def _read_container(self, life: _Life) -> None:
        """The container by /proc, which knows of v1 and v2; what is found is remembered for all of that cgroup."""
        text = self.proc.cgroup(life.pid)
        if text is None or self._shown(life) is None:
            return
        life.container = container_of(text)
        life.cgroup_id = self._cgroups.id_of(text) or life.cgroup_id
        if life.cgroup_id > ROOT_CGROUP_ID:
            self._containers[life.cgroup_id] = life.container

    def _container_of_cgroup(self, cgroup_id: int) -> str | None:
        """The container of all that are in a cgroup of v2, while that is there. None: not known, or only v1 could say."""
        if cgroup_id <= ROOT_CGROUP_ID:
            return None
        if cgroup_id not in self._containers:
            text = self._cgroups.text_of(cgroup_id)
            if text is None:
                return None
            self._containers[cgroup_id] = container_of(text)
        return self._containers[cgroup_id]

    def _container(self, life: _Life) -> str | None:
        """Of a living process by its own cgroup; of a dead one by its cgroup's other members, else by its ancestors in the same cgroup."""
        self._read_container(life)
        ancestor: _Life | None = life
        for _step in range(ANCESTORS_ASKED):
            if ancestor is None or ancestor.cgroup_id != life.cgroup_id:
                return None
            if ancestor.container is None:
                self._read_container(ancestor)
            if ancestor.container is not None and ancestor.cgroup_id == life.cgroup_id:
                return ancestor.container
            known = self._container_of_cgroup(life.cgroup_id)
            if known is not None:
                return known
            ancestor = self._get(*ancestor.parent) if ancestor.parent and life.cgroup_id else None
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
