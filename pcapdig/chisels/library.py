"""Which chisels there are: those in files of the user's, those that come with pcapdig, those that other packages bring.

A file DIRECTORY/NAME.py holds the chisel NAME. Directories are those asked for, then ~/.config/pcapdig/chisels; a file goes before a
chisel of pcapdig's with the same name. A package brings one by an entry point of the group `pcapdig.chisels`: NAME = "module:Class".
The code in a file runs only when its chisel is requested, or all are listed, and only if nobody but root and the user could have
written it, wherever it is (owners.py); that holds for what it imports too (trusted_imports.py).
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pcapdig.chisels import registry
from pcapdig.chisels.faults import line_in
from pcapdig.chisels.trusted_imports import guarded, not_run
from pcapdig.errors import UsageError
from pcapdig.owners import UntrustedError, read_trusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pcapdig.chisels.chisel import Chisel

ENTRY_POINTS = "pcapdig.chisels"
_OF_A_CLASS = ("name", "category", "short_description", "description", "args", "needs", "every_second", "refreshes")
_METHODS = ("feed", "interval", "end")


class Library:
    """All chisels by name."""

    __slots__ = ("_asked_for",)

    def __init__(self, directories: Sequence[str] = ()) -> None:
        """`directories` are searched first, in their order.

        Raises:
            UsageError: one is no directory.
        """
        self._asked_for = tuple(Path(directory) for directory in directories)
        for directory in self._asked_for:
            if not directory.is_dir():
                raise UsageError(f"--chisel-dir {directory}: there is no such directory")

    def names(self) -> list[str]:
        """The names of all chisels, each once, in alphabetical order."""
        own = [path.stem for directory in self._directories() for path in _files(directory)]
        return sorted({*own, *registry.names(), *_entry_points()})

    def find(self, name: str) -> type[Chisel]:
        """The chisel of that name.

        Raises:
            UsageError: there is none, or what is in its file is none.
        """
        for directory in self._directories():
            path = directory / f"{name}.py"
            if name.isidentifier() and path.is_file():
                return load_file(path)
        if name in registry.names():
            return registry.find(name)
        brought_by = _entry_points().get(name)
        if brought_by is not None:
            return _load_target(name, brought_by)
        raise registry.not_found(name, self.names())

    def _directories(self) -> tuple[Path, ...]:
        return (*self._asked_for, config_directory())


def config_directory() -> Path:
    """Where the user keeps chisels; it need not be there."""
    return Path(registry.user_directory())


def _files(directory: Path) -> list[Path]:
    """The files of a directory that hold a chisel by their names; none if it cannot be read."""
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        return []
    return [path for path in paths if path.suffix == ".py" and path.stem.isidentifier() and path.stem[0] != "_"]


@functools.cache
def load_file(path: Path) -> type[Chisel]:
    """The chisel in a file.

    Raises:
        UsageError: it cannot be read, somebody else could have written it, it fails when it is run, or it holds no chisel of the
            file's name.
    """
    source = _source(path)
    module = ModuleType(f"pcapdig_chisel_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses and pickle look it up there
    try:
        with guarded(folder=str(path.parent)):
            exec(compile(source, path, "exec"), module.__dict__)
    except UntrustedError as error:  # of a module that it imports
        raise not_run(f"chisel {path}", error) from None
    except Exception as error:  # whatever its author's code may raise
        raise UsageError(f"chisel {path}{_line_in(path, error)}: {type(error).__name__}: {error}") from error
    for value in list(vars(module).values()):
        if (
            isinstance(value, type)
            and value.__module__ == module.__name__
            and getattr(value, "name", None) == path.stem
        ):
            return _checked(value, str(path))
    raise UsageError(f"chisel {path}: it has no class whose name is {path.stem!r}")


def _source(path: Path) -> bytes:
    """What is in a file that may be run.

    Raises:
        UsageError: it may not, or cannot be read.
    """
    try:
        return read_trusted(str(path))
    except UntrustedError as error:
        raise not_run(f"chisel {path}", error) from None
    except OSError as error:
        raise UsageError(f"chisel {path}: {error.strerror or error}") from None


def _line_in(path: Path, error: Exception) -> str:
    """` line 3`: where in the file an error arose."""
    if isinstance(error, SyntaxError):
        return f" line {error.lineno}"
    line = line_in(str(path), error.__traceback__)
    return "" if line is None else f" line {line}"


def _checked(value: type, where: str) -> type[Chisel]:
    """The class, if it has what a chisel has."""
    missing = [name for name in (*_OF_A_CLASS, *_METHODS) if not hasattr(value, name)]
    if missing:
        raise UsageError(f"chisel {where}: class {value.__name__} lacks {', '.join(missing)}")
    if value.needs not in ("packets", "messages"):  # type: ignore[attr-defined]
        raise UsageError(f"chisel {where}: needs is neither 'packets' nor 'messages'")
    return value


def _load_target(name: str, brought_by: Path) -> type[Chisel]:
    """The chisel that a package's entry_points.txt brings.

    Raises:
        UsageError: as load_file.
    """
    target = dict(_of_group(_source(brought_by).decode("utf-8", "replace"))).get(name, "")
    module, _, attribute = target.partition(":")
    try:
        with guarded(module=module):
            value = getattr(importlib.import_module(module), attribute)
    except UntrustedError as error:
        raise not_run(f"chisel {name} ({target})", error) from None
    except Exception as error:  # as for files
        raise UsageError(f"chisel {name} ({target}): {type(error).__name__}: {error}") from error
    if not isinstance(value, type) or getattr(value, "name", None) != name:
        raise UsageError(f"chisel {name} ({target}): it is no class whose name is {name!r}")
    return _checked(value, f"{name} ({target})")


@functools.cache
def _entry_points() -> dict[str, Path]:
    """The file that brings each entry point of the group, by the entry point's name.

    The files are read here (PyPA's entry points specification): importlib.metadata takes a third of the time that a listing may take.
    """
    found: dict[str, Path] = {}
    for folder in sys.path:
        for path in _entry_point_files(folder):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            found = {**dict.fromkeys(dict(_of_group(text)), path), **found}  # what comes first on the path stays
    return found


def _entry_point_files(folder: str) -> Iterator[Path]:
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return
    for name in sorted(names):
        if name.endswith((".dist-info", ".egg-info")):
            yield Path(folder, name, "entry_points.txt")


def _of_group(text: str) -> Iterator[tuple[str, str]]:
    """Name and target of each entry point of the group in the text of an entry_points.txt."""
    is_group = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            is_group = line == f"[{ENTRY_POINTS}]"
        elif is_group and "=" in line and not line.startswith(("#", ";")):
            name, _, target = line.partition("=")
            yield name.strip(), target.partition("[")[0].strip()
