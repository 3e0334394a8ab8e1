"""What users' chisels import: from where it is trusted, and what else in the process stays as it was."""

from __future__ import annotations

import compileall
import importlib
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from pcapdig.chisels import trusted_imports
from pcapdig.chisels.library import Library, load_file
from pcapdig.errors import UsageError

CHISEL = """
import os, sys
sys.path.insert(0, os.path.dirname(__file__) + {below!r})
{imports}
from pcapdig.chisels.lines import LineChisel
class Mine(LineChisel):
    name = "mine"
    category = short_description = description = "x"
    def late(self):
        import late_part
"""
HELPERS = ("beside", "package_beside", "package_beside.inner", "late_part", "sourceless", "native_beside")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of chisels, and an importing Python as it was before."""
    load_file.cache_clear()
    path, finders = list(sys.path), list(sys.meta_path)
    yield tmp_path
    sys.path[:], sys.meta_path[:] = path, finders
    for name in HELPERS:
        sys.modules.pop(name, None)


def write(folder: Path, imports: str, below: str = "") -> None:
    """A chisel that imports."""
    (folder / "mine.py").write_text(CHISEL.format(imports=imports, below=below))


@pytest.mark.parametrize("kind", ["file", "folder", "package", "link"])
def test_what_others_could_write_is_not_imported(kind: str, folder: Path) -> None:
    """From a folder that the chisel puts on sys.path, as a file, in a package, by a link."""
    parts = folder / "parts"
    (parts / "package_beside").mkdir(parents=True)
    (parts / "beside.py").write_text("raise SystemExit")
    (parts / "package_beside" / "__init__.py").write_text("")
    (parts / "package_beside" / "inner.py").write_text("raise SystemExit")
    write(folder, "import package_beside.inner" if kind == "package" else "import beside", "/parts")
    if kind == "link":
        (folder / "open").mkdir()
        (parts / "beside.py").rename(folder / "open" / "beside.py")
        (parts / "beside.py").symlink_to(folder / "open" / "beside.py")
    changed = {
        "file": parts / "beside.py",
        "folder": parts,
        "package": parts / "package_beside",
        "link": folder / "open",
    }
    changed[kind].chmod(changed[kind].stat().st_mode | 0o022)
    with pytest.raises(UsageError, match=r"mine\.py: not run, since .* can be written by others") as error:
        Library([str(folder)]).find("mine")
    assert "\n" not in str(error.value)


def test_what_only_we_can_write_is_imported(folder: Path) -> None:
    """Modules and packages beside the chisel."""
    (folder / "package_beside").mkdir()
    (folder / "package_beside" / "__init__.py").write_text("")
    (folder / "package_beside" / "inner.py").write_text("value = 4")
    (folder / "beside.py").write_text("from package_beside.inner import value")
    write(folder, "import beside; assert beside.value == 4")
    assert Library([str(folder)]).find("mine").name == "mine"


def test_compiled_files_beside_count_for_nothing(folder: Path) -> None:
    """Neither where the source is there too, nor alone."""
    source = folder / "beside.py"
    source.write_text("value = 'evil'")
    compileall.compile_file(str(source), quiet=1)
    times = source.stat()
    source.write_text("value = 'good'")
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    (folder / "sourceless.py").write_text("")
    compileall.compile_file(str(folder / "sourceless.py"), quiet=1, legacy=True)
    (folder / "sourceless.py").unlink()
    write(folder, "import beside; assert beside.value == 'good'")
    Library([str(folder)]).find("mine")
    load_file.cache_clear()
    write(folder, "import sourceless")
    with pytest.raises(UsageError, match=r"sourceless\.pyc is compiled and has no source beside it"):
        Library([str(folder)]).find("mine")


def test_native_modules_are_checked(folder: Path) -> None:
    """They are not opened before."""
    path = folder / f"native_beside{EXTENSION_SUFFIXES[0]}"
    path.write_bytes(b"")
    path.chmod(0o666)
    write(folder, "import native_beside")
    with pytest.raises(UsageError, match="can be written by others"):
        Library([str(folder)]).find("mine")


def test_late_imports_are_checked_too(folder: Path) -> None:
    """A chisel may import while it runs."""
    write(folder, "")
    kind = Library([str(folder)]).find("mine")
    (folder / "late_part.py").write_text("raise SystemExit")
    (folder / "late_part.py").chmod(0o666)
    importlib.invalidate_caches()
    with pytest.raises(trusted_imports.UntrustedError):
        kind.late(None)


def test_a_programs_own_imports_stay_free(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who calls pcapdig from Python may import from where they like."""
    write(folder, "")
    Library([str(folder)]).find("mine")
    other = tmp_path_factory.mktemp("other")
    (other / "beside.py").write_text("")
    (other / "beside.py").chmod(0o666)
    sys.path.insert(0, str(other))
    importlib.invalidate_caches()
    importlib.import_module("beside")
