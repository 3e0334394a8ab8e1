"""Chisels in the user's files and in other packages."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pcapdig.chisels import library
from pcapdig.chisels.library import Library, config_directory, load_file
from pcapdig.chisels.topconns import Topconns
from pcapdig.errors import UsageError

WHOLE = """
from pcapdig.chisels.lines import LineChisel
class Mine(LineChisel):
    name = {name!r}
    category = short_description = description = "x"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    load_file.cache_clear()
    return config_directory()


def write(directory: Path, name: str, text: str = WHOLE) -> Path:
    """A file with a chisel of that name."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.py"
    path.write_text(text.format(name=name))
    return path


def test_no_directory_is_refused(tmp_path: Path) -> None:
    """A mistyped one is told, not passed over."""
    with pytest.raises(UsageError, match="--chisel-dir .*/nosuch: there is no such directory"):
        Library([str(tmp_path / "nosuch")])


@pytest.mark.parametrize("name", ["nosuch", "", "../evil", "a b", "mime"])
def test_unknown_names_are_refused(name: str, tmp_path: Path) -> None:
    """None leaves the directory; the nearest is named, be it the user's."""
    write(tmp_path / "mine", "mine")
    write(tmp_path, "evil", "raise SystemExit")
    with pytest.raises(UsageError, match="not found" + (" - did you mean mine" if name == "mime" else "")):
        Library([str(tmp_path / "mine")]).find(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", r"mine\.py line 1: SyntaxError"),
        ("\n\nnosuch", r"mine\.py line 3: NameError: name 'nosuch' is not defined"),
        ("import nosuch_module", r"mine\.py line 1: ModuleNotFoundError"),
        ("\0", r"mine\.py.*: (SyntaxError|ValueError)"),
        ("", "it has no class whose name is 'mine'"),
        (WHOLE.format(name="other"), "it has no class whose name is 'mine'"),
        ("class Mine:\n    name = 'mine'", "class Mine lacks category, short_description"),
        (WHOLE.format(name="mine") + "    needs = 'rows'", "needs is neither 'packets' nor 'messages'"),
    ],
)
def test_what_is_no_chisel_is_told(text: str, said: str, tmp_path: Path) -> None:
    """With its file and line; never a traceback."""
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UsageError, match=said):
        Library([str(tmp_path)]).find("mine")


def test_a_directory_asked_for_goes_first(tmp_path: Path, home: Path) -> None:
    """Before the user's own, which goes before pcapdig's."""
    mine = Library().find("topconns")
    assert mine is Topconns
    write(home, "topconns")
    of_home = Library().find("topconns")
    write(tmp_path / "asked", "topconns")
    of_asked = Library([str(tmp_path / "asked")]).find("topconns")
    files = [sys.modules[found.__module__].__file__ for found in (of_home, of_asked)]
    assert [Topconns in (of_home, of_asked), files[1]] == [False, str(tmp_path / "asked" / "topconns.py")]


def test_names(tmp_path: Path) -> None:
    """The user's among the others, once each; what cannot be a name is none."""
    for name in ("mine", "topconns", "_part", "not-a-name"):
        write(tmp_path, name)
    names = Library([str(tmp_path)]).names()
    assert [names.count(name) for name in ("mine", "topconns", "echo_fds", "_part", "not-a-name")] == [1, 1, 1, 0, 0]
    assert names == sorted(names)


def test_nothing_is_run_until_it_is_asked_for(tmp_path: Path) -> None:
    """A broken file does not disturb the others."""
    write(tmp_path, "broken", "raise RuntimeError")
    assert Library([str(tmp_path)]).find("topconns") is Topconns


@pytest.mark.parametrize("mode", [0o664, 0o646])
@pytest.mark.parametrize("is_asked_for", [False, True])
def test_what_others_could_write_is_not_run(mode: int, is_asked_for: bool, home: Path) -> None:
    """Neither from the configuration nor from a directory asked for: pcapdig may run as root."""
    directories = [str(home)] if is_asked_for else []
    path = write(home, "mine", "raise SystemExit")
    path.chmod(mode)
    with pytest.raises(
        UsageError, match=r"mine\.py: not run, since .*mine\.py can be written by others; .*: chown and chmod it"
    ):
        Library(directories).find("mine")
    write(home, "mine").chmod(0o644)
    assert Library(directories).find("mine").name == "mine"
    load_file.cache_clear()
    home.parent.chmod(0o777)
    with pytest.raises(UsageError, match="config/pcapdig can be written by others"):
        Library(directories).find("mine")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
@pytest.mark.parametrize("is_link", [False, True])
def test_another_users_file_is_not_run(is_link: bool, home: Path) -> None:
    """As with sudo, where it keeps HOME. A link is its owner's, wherever it leads."""
    path = write(home, "mine")
    if is_link:
        path = path.rename(home.parent / "real.py")
        (home / "mine.py").symlink_to(path)
        path = home / "mine.py"
    os.lchown(path, 12345, 12345)
    with pytest.raises(UsageError, match=r"mine\.py belongs to user 12345; root runs only what root alone can write"):
        Library().find("mine")


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_config_directory(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification: an empty or relative XDG_CONFIG_HOME counts as unset."""
    monkeypatch.setenv("XDG_CONFIG_HOME", value)
    monkeypatch.setenv("HOME", "/home/alice")
    assert config_directory() == Path("/home/alice/.config/pcapdig/chisels")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that brings chisels."""
    info = tmp_path / "site" / "thing-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(
        "[console_scripts]\nthing = thing:main\n\n[pcapdig.chisels]\n# ours\nthing = thing_chisels:Thing\n"
        "gone = thing_chisels:Gone\nother = thing_chisels:Thing [extra]\ntopconns = thing_chisels:Thing\n"
    )
    (tmp_path / "site" / "thing_chisels.py").write_text(WHOLE.format(name="thing").replace("Mine", "Thing"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    library._entry_points.cache_clear()
    yield info
    library._entry_points.cache_clear()
    sys.modules.pop("thing_chisels", None)


def test_entry_points(package: Path) -> None:
    """Listed and found; pcapdig's own go before."""
    assert Library().find("thing").name == "thing"
    assert {"thing", "gone", "other"} <= set(Library().names())
    assert Library().find("topconns") is Topconns


@pytest.mark.parametrize(
    ("name", "said"),
    [("gone", "chisel gone .thing_chisels:Gone.: AttributeError"), ("other", "no class whose name is 'other'")],
)
def test_broken_entry_points(name: str, said: str, package: Path) -> None:
    """Told, with what they point to."""
    with pytest.raises(UsageError, match=said):
        Library().find(name)


@pytest.mark.parametrize("where", ["thing-1.0.dist-info/entry_points.txt", "thing_chisels.py", "."])
def test_entry_points_that_others_could_write_are_not_run(where: str, package: Path) -> None:
    """Neither the module, nor the file that names it."""
    path = package.parent / where
    path.chmod(path.stat().st_mode | 0o022)
    with pytest.raises(UsageError, match=r"chisel thing|entry_points.txt") as error:
        Library().find("thing")
    assert "can be written by others" in str(error.value)
    assert "thing_chisels" not in sys.modules
