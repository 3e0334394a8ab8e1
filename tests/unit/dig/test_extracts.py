"""Files beside the text."""

from __future__ import annotations

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
