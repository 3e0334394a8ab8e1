"""Who holds which socket, on a made /proc."""

from pathlib import Path

import pytest

from pcapdig.procs.procdir import TICK_NS, ProcDir
from pcapdig.tracer.holders import find_holders, identity, process_event


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


@pytest.mark.parametrize("target", ["/dev/null", "pipe:[5]", "socket:[]", "socket:[x]", "anon_inode:[5]", "socket:5"])
def test_other_descriptors_are_no_sockets(tmp_path: Path, target: str) -> None:
    """Files, pipes, broken names."""
    add(tmp_path, 9, target)
    assert find_holders(ProcDir(tmp_path)).by_inode == {}


def test_the_oldest_holder_comes_first(tmp_path: Path) -> None:
    """By start, then by pid."""
    add(tmp_path, 30, "socket:[5]", start=7)
    add(tmp_path, 20, "socket:[5]", start=7)
    add(tmp_path, 10, "socket:[5]", "socket:[5]", start=9)
    assert [holder.pid for holder in find_holders(ProcDir(tmp_path)).by_inode[5]] == [20, 30, 10]


def test_namespaces_are_noted_once(tmp_path: Path) -> None:
    """Some process of each."""
    space = tmp_path / "space"
    space.write_text("")
    add(tmp_path, 8, netns=space)
    add(tmp_path, 9, netns=space)
    found = find_holders(ProcDir(tmp_path))
    assert list(found.namespaces) == [space.stat().st_ino]


def test_a_holder_is_named_as_events_do(tmp_path: Path) -> None:
    """Effective user, start in ns, arguments."""
    add(tmp_path, 9, "socket:[5]")
    proc = ProcDir(tmp_path)
    holder = find_holders(proc).by_inode[5][0]
    who = identity(proc, holder)
    assert who is not None
    assert (who.tgid, who.uid, who.start_boot_ns, who.comm) == (9, 33, 100 * TICK_NS, b"httpd")
    assert process_event(proc, holder, who, 5).args == (b"httpd", b"-k")


def test_one_that_is_gone_has_no_identity(tmp_path: Path) -> None:
    """Its user is not made up."""
    add(tmp_path, 9, "socket:[5]")
    proc = ProcDir(tmp_path)
    holder = find_holders(proc).by_inode[5][0]
    (tmp_path / "9" / "status").unlink()
    assert identity(proc, holder) is None
