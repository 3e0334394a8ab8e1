"""Who holds which socket, on a made /proc."""

from pathlib import Path

import pytest

from pcapdig.procs.procdir import TICK_NS, ProcDir
from pcapdig.tracer.holders import Held, Holder, by_inode, identity, look_at, process_event


def add(root: Path, pid: int, *targets: str, start: int = 100, netns: Path | None = None) -> None:
    """A process with these descriptors."""
    place = root / str(pid)
    (place / "fd").mkdir(parents=True)
    for number, target in enumerate(targets):
        (place / "fd" / str(number)).symlink_to(target)
    (place / "stat").write_text(f"{pid} (httpd) S 1 0 0 0 0 0 {'0 ' * 12}{start} 0")
    (place / "status").write_text("Uid:\t0\t33\t0\t0\n")
    (place / "cmdline").write_bytes(b"httpd\0-k\0")
    if netns is not None:
        (place / "ns").mkdir()
        (place / "ns" / "net").symlink_to(netns)


def look(root: Path, pid: int) -> Held:
    """One process that is there."""
    held = look_at(ProcDir(root), pid)
    assert held is not None
    return held


@pytest.mark.parametrize("target", ["/dev/null", "pipe:[5]", "socket:[]", "socket:[x]", "anon_inode:[5]", "socket:5"])
def test_other_descriptors_are_no_sockets(tmp_path: Path, target: str) -> None:
    """Files, pipes, broken names."""
    add(tmp_path, 9, target)
    assert look(tmp_path, 9).inodes == frozenset()


def test_the_oldest_holder_comes_first(tmp_path: Path) -> None:
    """By start, then by pid."""
    add(tmp_path, 30, "socket:[5]", start=7)
    add(tmp_path, 20, "socket:[5]", start=7)
    add(tmp_path, 10, "socket:[5]", "socket:[5]", start=9)
    assert [one.pid for one in by_inode(look(tmp_path, pid) for pid in (10, 20, 30))[5]] == [20, 30, 10]


def test_the_namespace_is_noted(tmp_path: Path) -> None:
    """By its inode; None where it may not be read."""
    space = tmp_path / "space"
    space.write_text("")
    add(tmp_path, 8, netns=space)
    add(tmp_path, 9)
    assert (look(tmp_path, 8).netns, look(tmp_path, 9).netns) == (space.stat().st_ino, None)


def test_one_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    """No process, no answer."""
    assert look_at(ProcDir(tmp_path), 9) is None


def test_a_holder_is_named_as_events_do(tmp_path: Path) -> None:
    """Effective user, start in ns, arguments."""
    add(tmp_path, 9, "socket:[5]")
    proc = ProcDir(tmp_path)
    holder: Holder = look(tmp_path, 9).holder
    who = identity(proc, holder)
    assert who is not None
    assert (who.tgid, who.uid, who.start_boot_ns, who.comm) == (9, 33, 100 * TICK_NS, b"httpd")
    assert process_event(proc, holder, who, 5).args == (b"httpd", b"-k")


def test_one_that_is_gone_has_no_identity(tmp_path: Path) -> None:
    """Its user is not made up."""
    add(tmp_path, 9, "socket:[5]")
    proc = ProcDir(tmp_path)
    holder: Holder = look(tmp_path, 9).holder
    (tmp_path / "9" / "status").unlink()
    assert identity(proc, holder) is None
