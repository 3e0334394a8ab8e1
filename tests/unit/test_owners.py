"""Whose a path is: chains of directories, links and files whose right verdict is known, and swaps between judging and reading."""

from __future__ import annotations

import os
import random
import stat
from pathlib import Path

import pytest

from pcapdig import owners
from pcapdig.owners import UntrustedError, caller_of_sudo, read_trusted, trusted_users, user_name, walk

OTHER = 12345
IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root to give files away")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that only we can write."""
    tmp_path.chmod(0o755)
    return tmp_path


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "circle", "through a file"])
def test_what_cannot_be_read_is_an_error(kind: str, place: Path) -> None:
    """The system's words; a FIFO is never waited for, and no descriptor is left open."""
    path = place / "f"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "circle":
        path.symlink_to("f")
    elif kind == "through a file":
        path.write_bytes(b"")
        path = path / "g"
    before = descriptors()
    with pytest.raises(OSError):
        read_trusted(str(path))
    assert descriptors() == before


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
@pytest.mark.parametrize("part", ["file", "directory", "its parent"])
def test_what_others_can_write_is_refused(part: str, mode: int, place: Path) -> None:
    """At each level, for the group as for all."""
    path = place / "a" / "b" / "f"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    level = {"file": path, "directory": path.parent, "its parent": path.parent.parent}[part]
    level.chmod(mode | (0 if part == "file" else 0o111))
    with pytest.raises(UntrustedError, match=f"^{level} can be written by others$"):
        read_trusted(str(path))


@needs_root
def test_root_trusts_root_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who called sudo is not root."""
    monkeypatch.setenv("SUDO_UID", str(OTHER))
    (place / "f").write_bytes(b"x")
    os.chown(place / "f", OTHER, OTHER)
    with pytest.raises(UntrustedError, match=f"/f belongs to user {OTHER}$"):
        read_trusted(str(place / "f"))
    assert trusted_users() == {0}


def test_a_hard_link_in_a_shared_directory_is_refused(place: Path) -> None:
    """Others may have given it that name there; alone it is theirs or ours by its owner."""
    shared = place / "shared"
    shared.mkdir()
    (place / "f").write_bytes(b"x")
    os.link(place / "f", shared / "f")
    (shared / "alone").write_bytes(b"y")
    shared.chmod(0o1777)
    with pytest.raises(UntrustedError, match="may be another's link"):
        read_trusted(str(shared / "f"))
    assert read_trusted(str(shared / "alone")) == b"y"


def random_chain(top: Path, dice: random.Random) -> tuple[str, bool]:
    """A path of directories and links to a file, and whether nobody but root could have changed what it leads to."""
    here, shown, is_right, shared = top, str(top), True, False
    for level in range(dice.randint(1, 5)):
        is_last = level and dice.random() < 0.3
        kind = "file" if is_last else dice.choice(["directory", "directory", "link", "absolute link"])
        part, owner = here / f"p{level}", dice.choice([0, 0, 0, 0, OTHER])
        if kind == "file":
            break
        mode = dice.choice([0o755, 0o700, 0o755, 0o775, 0o757, 0o1777])
        real = part if kind == "directory" else here / f"q{level}"
        real.mkdir()
        if kind != "directory":
            part.symlink_to(real.name if kind == "link" else real)
            link_owner = dice.choice([0, 0, 0, OTHER])
            os.lchown(part, link_owner, link_owner)
            is_right &= link_owner == 0
        os.chown(real, owner, owner)
        real.chmod(mode)
        is_right &= owner == 0 and (not mode & 0o022 or bool(mode & stat.S_ISVTX))
        shared = bool(mode & 0o022)
        here, shown = real, f"{shown}{dice.choice(['/', '//', '/./'])}{part.name}"
    path = here / "f"
    path.write_bytes(b"x")
    owner, mode = dice.choice([(0, 0o644), (0, 0o600), (0, 0o644), (OTHER, 0o644), (0, 0o664), (0, 0o602)])
    if dice.random() < 0.2:
        os.link(path, here / "second")
        is_right &= not shared
    os.chown(path, owner, owner)
    path.chmod(mode)
    return f"{shown}/f", is_right and owner == 0 and not mode & 0o022


@needs_root
@pytest.mark.parametrize("seed", range(300))
def test_chains_of_any_owners_modes_and_links(seed: int, place: Path) -> None:
    """The verdict is that of the rule, whatever the order of links, directories and modes."""
    path, is_right = random_chain(place, random.Random(seed))
    before = descriptors()
    if is_right:
        assert read_trusted(path) == b"x"
    else:
        with pytest.raises(UntrustedError):
            read_trusted(path)
    assert descriptors() == before


@needs_root
@pytest.mark.parametrize("at", range(8))
def test_a_swap_after_any_look_changes_nothing(at: int, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link of another's is swapped right after the nth part was looked at: what is read is what was judged, or nothing is."""
    (place / "good").mkdir()
    (place / "good" / "f").write_bytes(b"good")
    (place / "evil").mkdir()
    (place / "evil" / "f").write_bytes(b"evil")
    for evil in (place / "evil", place / "evil" / "f"):
        os.chown(evil, OTHER, OTHER)
    (place / "way").symlink_to("good")
    looks = 0
    fstat = os.fstat

    def look_and_swap(descriptor: int) -> os.stat_result:
        nonlocal looks
        about = fstat(descriptor)
        if looks == at + len(place.parts) - 2:
            (place / "way").unlink()
            (place / "way").symlink_to("evil")
        looks += 1
        return about

    monkeypatch.setattr(owners.os, "fstat", look_and_swap)
    try:
        found = read_trusted(str(place / "way" / "f"))
    except UntrustedError:
        found = b"good"
    assert found == b"good"


@needs_root
def test_a_file_swapped_before_it_is_opened_is_judged_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The descriptor that is read is the one whose owner counts."""
    (place / "f").write_bytes(b"good")
    (place / "evil").write_bytes(b"evil")
    os.chown(place / "evil", OTHER, OTHER)

    def walk_and_swap(*arguments: object) -> owners.Place:
        found = walk(*arguments)
        os.replace(place / "evil", place / "f")
        return found

    monkeypatch.setattr(owners, "walk", walk_and_swap)
    with pytest.raises(UntrustedError, match="belongs to"):
        read_trusted(str(place / "f"))


@pytest.mark.parametrize("path", ["/", "//", "/.", "/tmp/..", "/proc/self/root"])
def test_paths_that_end_at_the_root(path: str) -> None:
    """They lead there, by whatever name."""
    place = walk(path, lambda *_: None)
    root, found = os.stat("/"), os.fstat(place.part)
    os.close(place.part)
    os.close(place.directory)
    assert (found.st_dev, found.st_ino) == (root.st_dev, root.st_ino)


def test_a_relative_path(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins in the working directory, and goes up as the system does."""
    (place / "a").mkdir()
    (place / "f").write_bytes(b"x")
    monkeypatch.chdir(place / "a")
    assert read_trusted("../f") == b"x"


@pytest.mark.parametrize(
    ("environment", "caller"),
    [
        ({}, None),
        ({"SUDO_UID": "1000"}, None),
        ({"SUDO_UID": "-1", "SUDO_GID": "0"}, None),
        ({"SUDO_UID": "1000", "SUDO_GID": "1001"}, (1000, 1001)),
    ],
)
def test_who_called_sudo(
    environment: dict[str, str], caller: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only root makes files for somebody else."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert caller_of_sudo(environment) == caller
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert caller_of_sudo(environment) is None


def test_a_user_has_a_name_or_a_number() -> None:
    """For the error's line."""
    assert (user_name(0), user_name(4_000_000_000)) == ("root", "user 4000000000")
