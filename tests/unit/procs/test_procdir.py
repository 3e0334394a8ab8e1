"""/proc/PID read from a made tree and from the real one."""

import os
import subprocess
from pathlib import Path

import pytest

from pcapdig.procs.procdir import TICK_NS, Image, ProcDir


def make(root: Path, pid: int, stat: bytes, **files: bytes) -> None:
    """One process of a made /proc."""
    place = root / str(pid)
    place.mkdir(parents=True)
    (place / "stat").write_bytes(stat)
    for name, text in files.items():
        (place / name).write_bytes(text)


def stat_of(comm: bytes, *, ppid: int = 1, flags: int = 0x400000, start: int = 777) -> bytes:
    """The text of stat."""
    return b"%d (%s) S %d 5 5 0 -1 %d %s %d 0 0\n" % (9, comm, ppid, flags, b"0 " * 11 + b"20", start)


@pytest.mark.parametrize("text", [b"", b"9", b"9 (x", b"9 (x) S 1", b"9 (x) " + b"y " * 30])
def test_a_broken_stat_is_no_process(tmp_path: Path, text: bytes) -> None:
    """Cut or foreign text: not known, and no exception."""
    make(tmp_path, 9, text)
    assert ProcDir(tmp_path).stat(9) is None


def test_what_is_gone_is_none(tmp_path: Path) -> None:
    """Every question about a process that is not there."""
    proc = ProcDir(tmp_path)
    assert (proc.stat(9), proc.cgroup(9), proc.effective_uid(9)) == (None, None, None)
    assert proc.image(9) == Image(exepath=None, args=None)
    assert list(ProcDir(tmp_path / "nowhere").pids()) == []


@pytest.mark.parametrize("comm", [b"httpd", b"a b", b"x) S 1 (y", b"()", b"\xff\n", b""])
def test_a_name_may_hold_anything(tmp_path: Path, comm: bytes) -> None:
    """Brackets, blanks and bytes in the name do not move the other fields."""
    make(tmp_path, 9, stat_of(comm, ppid=3, start=777))
    stat = ProcDir(tmp_path).stat(9)
    assert stat is not None
    assert (stat.comm, stat.ppid, stat.start_ticks, stat.is_kernel_thread) == (comm, 3, 777, False)


def test_kernel_threads_are_told_by_their_flag(tmp_path: Path) -> None:
    """PF_KTHREAD, bit 21 of the flags."""
    make(tmp_path, 9, stat_of(b"kworker", flags=0x208040))
    stat = ProcDir(tmp_path).stat(9)
    assert stat is not None
    assert stat.is_kernel_thread


def test_a_deleted_program_keeps_its_path(tmp_path: Path) -> None:
    """The kernel's mark is not part of the path; empty arguments in the middle stay."""
    make(tmp_path, 9, stat_of(b"x"), cmdline=b"x\0\0y z\0")
    (tmp_path / "9" / "exe").symlink_to("/opt/x (deleted)")
    assert ProcDir(tmp_path).image(9) == Image(exepath="/opt/x", args=(b"x", b"", b"y z"))


def test_the_effective_user_is_the_second_number(tmp_path: Path) -> None:
    """Real, effective, saved, file system."""
    make(tmp_path, 9, stat_of(b"x"), status=b"Name:\tx\nUid:\t1000\t33\t1000\t1000\nGid:\t1\t2\t3\t4\n")
    assert ProcDir(tmp_path).effective_uid(9) == 33


def test_other_entries_are_no_processes(tmp_path: Path) -> None:
    """self, sys, names with digits."""
    for name in ("self", "sys", "12a", "7", "1234"):
        (tmp_path / name).mkdir()
    assert sorted(ProcDir(tmp_path).pids()) == [7, 1234]


def test_it_agrees_with_ps() -> None:
    """Parent, name and start of this very process."""
    shown = subprocess.run(
        ["ps", "-o", "ppid=,comm=,etimes=", "-p", str(os.getpid())], capture_output=True, text=True, check=True
    ).stdout.split()
    stat = ProcDir().stat(os.getpid())
    assert stat is not None
    assert [stat.ppid, stat.comm] == [int(shown[0]), shown[1].encode()]
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert uptime - stat.start_ticks * TICK_NS / 1e9 == pytest.approx(int(shown[2]), abs=2)
