"""Files beside the text."""

from __future__ import annotations

import os
import random
import stat
from pathlib import Path

import pytest

from pcapdig.dig.extracts import ExtractFiles
from pcapdig.errors import HostError
from pcapdig.render.items import Extract, NewFile


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/x", "a/b", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    """Names come from captures."""
    with pytest.raises(HostError, match="is not the name of a file"):
        ExtractFiles().write(Extract(directory=str(tmp_path / "out"), name=name, data=b"x"))
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """What lies where it points stays as it is."""
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "f").symlink_to(tmp_path / "target")
    with pytest.raises(HostError, match="/f: "):
        ExtractFiles().write(Extract(directory=str(tmp_path), name="f", data=b"x"))
    assert (tmp_path / "target").read_bytes() == b"precious"


def test_a_file_where_the_directory_should_be(tmp_path: Path) -> None:
    """The system's words, and the path."""
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(HostError, match="out"):
        ExtractFiles().write(Extract(directory=str(tmp_path / "out"), name="f", data=b"x"))


def test_begun_anew_then_added_to(tmp_path: Path) -> None:
    """An older file is replaced; pieces of one dig follow each other; nobody else may read it."""
    directory = tmp_path / "a" / "b"
    for _ in range(2):
        files = ExtractFiles()
        files.write(Extract(directory=str(directory), name="f", data=b"abc"))
        files.write(Extract(directory=str(directory), name="f", data=b"de"))
        files.write(Extract(directory=str(directory), name="g", data=b""))
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {"f": b"abcde", "g": b""}
    assert stat.S_IMODE((directory / "f").stat().st_mode) == 0o600


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    """It takes the next name with a number, for all its pieces, and says so."""
    (tmp_path / "f.txt").write_bytes(b"precious")
    (tmp_path / "f~1.txt").symlink_to(tmp_path / "nowhere")
    files, new = ExtractFiles(), NewFile()
    for data in (b"a", b"b"):
        files.write(Extract(directory=str(tmp_path), name="f.txt", data=data, new=new))
    assert new.path == str(tmp_path / "f~2.txt")
    assert (tmp_path / "f~2.txt").read_bytes() == b"ab"
    assert (tmp_path / "f.txt").read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


def test_a_directory_made_for_new_files_is_the_users_alone(tmp_path: Path) -> None:
    """Names tell too much already."""
    ExtractFiles().write(Extract(directory=str(tmp_path / "out"), name="f", data=b"x", new=NewFile()))
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


OTHER = 12345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")


def lay(kind: str, path: Path, elsewhere: Path) -> None:
    """Something that an attacker may lay where a file or directory is wanted."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, 0o666 | stat.S_IFSOCK)
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(elsewhere)
    elif kind == "link to nothing":
        path.symlink_to(elsewhere / "nothing")
    elif kind == "link to a fifo":
        os.mkfifo(elsewhere / "fifo")
        path.symlink_to(elsewhere / "fifo")
    elif kind == "device":
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))


LAID = ["fifo", "socket", "directory", "link", "link to nothing", "link to a fifo"] + ["device"] * (os.geteuid() == 0)


@pytest.mark.parametrize("kind", LAID)
def test_what_is_no_file_is_left_alone(kind: str, tmp_path: Path) -> None:
    """It is not opened, waited for, followed or removed; a file with a number goes beside it where one may."""
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    lay(kind, out / "f", tmp_path / "elsewhere")
    before = os.lstat(out / "f")
    with pytest.raises(HostError, match=r"/f: what is there is no regular file; it was left alone"):
        ExtractFiles().write(Extract(directory=str(out), name="f", data=b"x"))
    new = NewFile()
    ExtractFiles().write(Extract(directory=str(out), name="f", data=b"x", new=new))
    assert (new.path, (out / "f~1").read_bytes()) == (str(out / "f~1"), b"x")
    after = os.lstat(out / "f")
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) in ([], ["fifo"])


@pytest.mark.parametrize("kind", [kind for kind in LAID if kind != "directory"])
def test_what_is_no_directory_is_refused(kind: str, tmp_path: Path) -> None:
    """A link in the directory's place is not followed, wherever it leads."""
    (tmp_path / "elsewhere").mkdir()
    lay(kind, tmp_path / "out", tmp_path / "elsewhere")
    with pytest.raises(HostError, match=r"out/f: .*(is a link, which is not followed|Not a directory)"):
        ExtractFiles().write(Extract(directory=str(tmp_path / "out"), name="f", data=b"x"))
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) in ([], ["fifo"])


@needs_root
@pytest.mark.parametrize("mode", [0o1777, 0o777])
def test_another_users_directory_in_a_shared_place_is_refused(mode: int, tmp_path: Path) -> None:
    """Somebody waits there for what root writes; one's own, and one that is nowhere shared, is taken."""
    shared = tmp_path / "shared"
    (shared / "out").mkdir(parents=True)
    shared.chmod(mode)
    os.chown(shared / "out", OTHER, OTHER)
    with pytest.raises(
        HostError, match="out belongs to user 12345, in a directory that everybody can write; give another"
    ):
        ExtractFiles({}).write(Extract(directory=str(shared / "out"), name="f", data=b"x"))
    assert list((shared / "out").iterdir()) == []
    sudo = {"SUDO_UID": str(OTHER), "SUDO_GID": str(OTHER)}
    ExtractFiles(sudo).write(Extract(directory=str(shared / "out"), name="f", data=b"x"))
    shared.chmod(0o755)
    ExtractFiles({}).write(Extract(directory=str(shared / "out"), name="g", data=b"x"))


@needs_root
def test_another_users_file_in_a_shared_place_is_left_alone(tmp_path: Path) -> None:
    """It is neither written nor removed."""
    (tmp_path / "f").write_bytes(b"theirs")
    os.chown(tmp_path / "f", OTHER, OTHER)
    tmp_path.chmod(0o1777)
    with pytest.raises(HostError, match="belongs to user 12345; it was left alone"):
        ExtractFiles({}).write(Extract(directory=str(tmp_path), name="f", data=b"x"))
    assert (tmp_path / "f").read_bytes() == b"theirs"


@needs_root
@pytest.mark.parametrize("owner", [0, OTHER])
def test_links_on_the_way_count_by_their_owner(owner: int, tmp_path: Path) -> None:
    """/var/run is root's link and is followed; another's is not."""
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to("real")
    os.lchown(tmp_path / "way", owner, owner)
    extract = Extract(directory=str(tmp_path / "way" / "out"), name="f", data=b"x")
    if owner == 0:
        ExtractFiles({}).write(extract)
        assert (tmp_path / "real" / "out" / "f").read_bytes() == b"x"
    else:
        with pytest.raises(HostError, match="way is a link of user 12345, which is not followed"):
            ExtractFiles({}).write(extract)


@needs_root
@pytest.mark.parametrize("new", [False, True])
def test_sudos_caller_owns_what_is_made(new: bool, tmp_path: Path) -> None:
    """Directories (0700) and files (0600), not those that were there."""
    files = ExtractFiles({"SUDO_UID": str(OTHER), "SUDO_GID": "54321"})
    directory = tmp_path / "a" / "b"
    files.write(Extract(directory=str(directory), name="f", data=b"x", new=NewFile() if new else None))
    found = [
        (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode))
        for about in map(os.stat, (tmp_path / "a", directory, directory / "f"))
    ]
    assert found == [(OTHER, 54321, 0o700), (OTHER, 54321, 0o700), (OTHER, 54321, 0o600)]
    assert tmp_path.stat().st_uid == os.geteuid()


def test_an_older_file_keeps_its_other_names(tmp_path: Path) -> None:
    """It is replaced, not emptied; the new one is its owner's alone."""
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "f").chmod(0o644)
    os.link(tmp_path / "f", tmp_path / "second")
    ExtractFiles().write(Extract(directory=str(tmp_path), name="f", data=b"new"))
    assert ((tmp_path / "f").read_bytes(), (tmp_path / "second").read_bytes()) == (b"new", b"old")
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600


@pytest.mark.parametrize("seed", range(40))
def test_swaps_between_pieces_write_nowhere_else(seed: int, tmp_path: Path) -> None:
    """Whatever takes the file's or the directory's place after the first piece gets none of the others."""
    dice = random.Random(seed)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "f").write_bytes(b"precious")
    out, files = tmp_path / "out", ExtractFiles()
    new = NewFile() if dice.random() < 0.5 else None
    files.write(Extract(directory=str(out), name="f", data=b"a", new=new))
    swapped = dice.choice([out, out / "f"])
    swapped.rename(tmp_path / "away")
    kind = dice.choice(["fifo", "link", "link to nothing", "other"])
    if kind == "other":
        swapped.mkdir() if swapped is out else swapped.write_bytes(b"")
    else:
        lay(kind, swapped, elsewhere if swapped is out else elsewhere / "f")
    if swapped is out:
        files.write(Extract(directory=str(out), name="f", data=b"b", new=new))
        assert (tmp_path / "away" / "f").read_bytes() == b"ab"
    else:
        with pytest.raises(HostError):
            files.write(Extract(directory=str(out), name="f", data=b"b", new=new))
    assert (elsewhere / "f").read_bytes() == b"precious"
    assert [path.name for path in elsewhere.iterdir()] == ["f"]


def test_directories_are_closed_with_the_writer(tmp_path: Path) -> None:
    """A program that digs often runs out of none."""
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        ExtractFiles().write(Extract(directory=str(tmp_path / str(number)), name="f", data=b"x"))
    assert len(os.listdir("/proc/self/fd")) == before
