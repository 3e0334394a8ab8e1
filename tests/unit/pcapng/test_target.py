"""Which files are opened for writing, and which are refused because others chose them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pcapdig.pcapng import target
from pcapdig.pcapng.target import ForeignFileError, open_target

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory like /tmp."""
    made = tmp_path / "shared"
    made.mkdir()
    made.chmod(0o1777)
    return made


def opens(path: Path, **environment: str) -> bool:
    """Is it opened? What is there stays as it is."""
    opened = open_target(str(path), environment)
    os.close(opened.descriptor)
    return opened.is_new


def owned(path: Path, owner: int = NOBODY) -> Path:
    """A file of another user."""
    path.write_bytes(b"mine")
    os.chown(path, owner, owner)
    return path


@contextmanager
def being(uid: int) -> Iterator[None]:
    """As that user."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@needs_root
@pytest.mark.parametrize("mode", [0o1777, 0o1770])
def test_another_users_file_in_a_shared_directory_is_refused(shared: Path, mode: int) -> None:
    """And left as it is: with the words that say whose it is."""
    shared.chmod(mode)
    file = owned(shared / "t.pcapng")
    with pytest.raises(ForeignFileError) as caught:
        opens(file)
    assert "a file of nobody in a directory where others may make files" in str(caught.value.strerror)
    assert file.read_bytes() == b"mine"


@needs_root
@pytest.mark.parametrize("to_own", [False, True])
def test_another_users_link_in_a_shared_directory_is_refused(shared: Path, tmp_path: Path, to_own: bool) -> None:
    """Whatever it leads to, also over a link of our own; and a link that leads nowhere makes no file."""
    aim = tmp_path / "aim"
    aim.write_bytes(b"precious")
    link = shared / "link"
    link.symlink_to(aim)
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    way = tmp_path / "way"
    way.symlink_to(link)
    with pytest.raises(ForeignFileError, match="a link of nobody"):
        opens(way if to_own else link)
    assert aim.read_bytes() == b"precious"
    aim.unlink()
    with pytest.raises(OSError):
        opens(link)
    assert not aim.exists()


@needs_root
def test_a_file_that_is_swapped_while_it_is_opened_is_refused(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked must be what was opened."""
    victim, bait = shared / "victim", shared / "t.pcapng"
    victim.write_bytes(b"precious")
    bait.symlink_to(victim)
    real = target._check

    def swapped(path: str, descriptor: int, trusted: set[int]) -> None:
        bait.unlink()
        bait.write_bytes(b"harmless")
        real(path, descriptor, trusted)

    monkeypatch.setattr(target, "_check", swapped)
    with pytest.raises(ForeignFileError, match="replaced while it was opened"):
        opens(bait)


@needs_root
@pytest.mark.parametrize(
    ("mode", "directory_owner", "file_owner"),
    [
        (0o1777, 0, 0),  # our own
        (0o0777, 0, NOBODY),  # not sticky: the kernel protects nothing there either
        (0o1755, 0, NOBODY),  # others cannot make files there
        (0o1777, NOBODY, NOBODY),  # in the directory's owner's own directory
    ],
)
def test_what_the_kernel_would_allow_is_opened(shared: Path, mode: int, directory_owner: int, file_owner: int) -> None:
    """The rule is that of fs.protected_regular."""
    shared.chmod(mode)
    os.chown(shared, directory_owner, directory_owner)
    shared.chmod(mode)
    file = owned(shared / "t.pcapng", file_owner)
    assert not opens(file)
    assert file.read_bytes() == b"mine"


@needs_root
def test_a_link_of_the_directorys_owner_is_followed(shared: Path, tmp_path: Path) -> None:
    """Root's in /tmp, for a user."""
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o055) if "pytest" in str(parent) else None
    file = owned(shared / "own")
    link = shared / "link"
    link.symlink_to(file)
    with being(NOBODY):
        assert not opens(link)


@needs_root
def test_under_sudo_the_callers_files_are_opened_again(shared: Path) -> None:
    """A recording is given to who calls sudo, who makes the next one under the same name."""
    file = shared / "t.pcapng"
    caller = {"SUDO_UID": str(NOBODY), "SUDO_GID": str(NOBODY)}
    assert opens(file, **caller)
    assert file.stat().st_uid == NOBODY
    assert not opens(file, **caller)
    with pytest.raises(ForeignFileError):
        opens(file)
    with pytest.raises(ForeignFileError):
        opens(file, SUDO_UID="1234", SUDO_GID="1234")


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/null"])
def test_devices_and_what_only_the_kernel_can_name_are_opened(path: str, tmp_path: Path) -> None:
    """Standard output may be a pipe, a terminal or a file."""
    saved = os.dup(1)
    try:
        for kind in ("pipe", "file"):
            if kind == "pipe":
                reader, writer = os.pipe()
            else:
                reader, writer = os.dup(0), os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
            os.dup2(writer, 1)
            assert not opens(Path(path))
            os.close(reader)
            os.close(writer)
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def test_a_fifo_is_opened_as_ever(shared: Path) -> None:
    """A reader waits at it; nothing is made or truncated."""
    fifo = shared / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    assert not opens(fifo)
    os.close(reader)


def test_what_is_written_goes_to_the_end(tmp_path: Path) -> None:
    """Also when somebody cuts the file in between."""
    opened = open_target(str(tmp_path / "new"), {})
    assert opened.is_new
    os.write(opened.descriptor, b"12345")
    os.truncate(tmp_path / "new", 0)
    os.write(opened.descriptor, b"6")
    os.close(opened.descriptor)
    assert (tmp_path / "new").read_bytes() == b"6"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    """As the kernel does."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OSError):
        opens(tmp_path / "a")
