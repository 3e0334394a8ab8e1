"""Processes that fork, move between cgroups, exec, end and are looked at, in any order, against what is true of each."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pcapdig.procs import ProcessTable
from pcapdig.procs.events import EventProcess, Kind, ProcessEvent
from pcapdig.procs.procdir import TICK_NS


class FakeProc:
    """A made /proc of shells."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "1").mkdir()

    def add(self, pid: int, *, ppid: int = 1, cgroup: str) -> None:
        """A shell that lives; it starts at the tick of its number."""
        place = self.root / str(pid)
        place.mkdir(exist_ok=True)
        (place / "stat").write_text(f"{pid} (sh) S {ppid} 0 0 0 0 0 {'0 ' * 12}{pid} 0")
        (place / "cmdline").write_text("sh\0")
        (place / "cgroup").write_text(f"0::{cgroup}")

    def remove(self, pid: int) -> None:
        """It ends."""
        for entry in (self.root / str(pid)).iterdir():
            entry.unlink()
        (self.root / str(pid)).rmdir()


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    """Nobody yet."""
    return FakeProc(tmp_path)


@pytest.fixture
def table(proc: FakeProc) -> ProcessTable:
    """A table over it."""
    return ProcessTable(proc.root)


def event(kind: Kind, pid: int, *, parent: int = 1, exec_id: int, cgroup: int) -> bytes:
    """A fork or exec."""
    return ProcessEvent(
        kind=kind,
        time_ns=5,
        process=EventProcess(tgid=pid, tid=pid, exec_id=exec_id, start_boot_ns=pid * TICK_NS + 1, comm=b"sh"),
        parent_tgid=parent,
        parent_start_boot_ns=parent * TICK_NS + 1,
        cgroup_id=cgroup,
        filename=b"/bin/sh" if kind == Kind.PROCESS_EXECED else b"",
        args=(b"sh",) if kind == Kind.PROCESS_EXECED else (),
    ).pack()


@pytest.mark.parametrize("seed", range(25))
def test_no_container_is_ever_wrong(seed: int, proc: FakeProc, table: ProcessTable) -> None:
    """Processes that fork, move between cgroups, exec, end and are looked at in any order: right or not known, never another's."""
    dice = random.Random(seed)
    top = proc.root / "1" / "root" / "cg"
    ids = {}
    for path, container in (("/user", "host"), ("/docker/" + "ab" * 32, "ab" * 6), ("/docker/" + "cd" * 32, "cd" * 6)):
        (top / path[1:]).mkdir(parents=True)
        ids[path] = ((top / path[1:]).stat().st_ino, container)
    (proc.root / "1" / "mountinfo").write_text("41 31 0:38 / /cg rw,relatime - cgroup2 cgroup2 rw\n")
    paths, alive, count, known, pid = list(ids), {}, {}, {}, 7
    for first in (5, 6):
        alive[first], count[first] = dice.choice(paths), 1
        proc.add(first, cgroup=alive[first])
        known[first] = ids[alive[first]][1]
    if dice.random() < 0.7:
        table.snapshot()
    for _step in range(40):
        who_acts, act = dice.choice(list(alive)), dice.choice(["fork", "move", "exec", "end", "look"])
        start_ns = who_acts * TICK_NS + 1
        if act == "fork":
            alive[pid], count[pid] = alive[who_acts], count[who_acts]
            proc.add(pid, ppid=who_acts, cgroup=alive[pid])
            table.apply(event(Kind.PROCESS_FORKED, pid, parent=who_acts, exec_id=count[pid], cgroup=ids[alive[pid]][0]))
            known[pid] = ids[alive[pid]][1]
            pid += 1
        elif act == "move":
            alive[who_acts] = dice.choice(paths)
            proc.add(who_acts, cgroup=alive[who_acts])
        elif act == "exec":
            count[who_acts] += 1
            moved_to = ids[alive[who_acts]][0]
            table.apply(event(Kind.PROCESS_EXECED, who_acts, exec_id=count[who_acts], cgroup=moved_to))
        if act == "end" and len(alive) > 1:
            proc.remove(who_acts)
        if act in ("end", "look", "exec"):
            found = table.describe(
                pid=who_acts, start_boot_ns=start_ns, exec_id=count[who_acts], comm=b"sh", uid=0
            ).container_id
            truth = ids[alive[who_acts]][1]
            assert found == truth or (act == "end" and found in (None, known[who_acts]))
        if act not in ("move", "fork"):
            # A move by itself is no event: until the next, it may stay unknown.
            known[who_acts] = ids[alive[who_acts]][1]
        if act == "end" and len(alive) > 1:
            del alive[who_acts]
