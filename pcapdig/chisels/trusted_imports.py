"""What users' chisels import, under the rule for the chisels themselves: nobody but root and the user could have written it.

Python finds modules as ever. What was found outside the standard library and the folder that pcapdig came from is then read by
`owners.read_trusted` and compiled from those bytes: no .pyc beside it counts, since nothing says who wrote that.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader, SourceFileLoader, SourcelessFileLoader
from typing import TYPE_CHECKING

from pcapdig.errors import UsageError
from pcapdig.owners import UntrustedError, read_trusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

_PCAPDIG = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_STANDARD = os.path.dirname(os.path.abspath(os.__file__))


@contextmanager
def guarded(*, folder: str = "", module: str = "") -> Iterator[None]:
    """Check what is imported while a chisel is loaded, from anywhere; later what lies below its folder or in folders that it has added
    to sys.path, and modules of its package. A program that calls pcapdig imports its own as before.

    Args:
        folder: where the chisel's file is.
        module: the module of a package that brings the chisel; it is checked in pcapdig's folder too.
    """
    finder = next((finder for finder in sys.meta_path if isinstance(finder, _Finder)), None)
    if finder is None:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
    finder.folders |= {os.path.abspath(folder)} if folder else set()
    finder.names |= {_first(module)} if module else set()
    before = set(sys.path)
    finder.loading += 1
    try:
        yield
    finally:
        finder.loading -= 1
        finder.folders |= {os.path.abspath(path) for path in set(sys.path) - before}


def not_run(what: str, error: UntrustedError) -> UsageError:
    """The line that says why code is not run, and what to do."""
    who = "root runs" if os.geteuid() == 0 else "you run"
    whose = "root" if os.geteuid() == 0 else "you or root"
    return UsageError(
        f"{what}: not run, since {error}; {who} only what {whose} alone can write: chown and chmod it, or copy it"
    )


class _Finder:
    """Stands before Python's finders and lets their loaders read only what is trusted."""

    def __init__(self) -> None:
        self.loading = 0
        self.folders: set[str] = set()
        self.names: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """What the others find (importlib.abc.MetaPathFinder), with a loader that checks."""
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                return self._checked(spec)
        return None

    def _checked(self, spec: ModuleSpec) -> ModuleSpec:
        loader, place = spec.loader, spec.origin
        if not isinstance(loader, (SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader)) or place is None:
            return spec  # built in, frozen, or a folder without code
        place = os.path.abspath(place)
        if not self._is_checked(spec.name, os.path.dirname(place)):
            return spec
        if isinstance(loader, SourcelessFileLoader):
            raise UntrustedError(f"{place} is compiled and has no source beside it")
        if isinstance(loader, ExtensionFileLoader):
            read_trusted(place)  # once nobody else can change the path, loading it by name finds the same
            return spec
        spec.loader = _Loader(loader.name, place)
        spec.cached = None
        return spec

    def _is_checked(self, name: str, folder: str) -> bool:
        if _first(name) in self.names or _is_below(folder, *self.folders):
            return True
        return bool(self.loading) and not _is_below(folder, _STANDARD, _PCAPDIG)


def _first(name: str) -> str:
    return name.partition(".")[0]


def _is_below(folder: str, *tops: str) -> bool:
    return any(folder == top or folder.startswith(f"{top}/") for top in tops)


class _Loader(SourceFileLoader):
    """Compiles what was checked."""

    def get_code(self, fullname: str) -> CodeType:
        """The module's code, from its source alone."""
        return self.source_to_code(self.get_data(self.path), self.path)

    def get_data(self, path: str) -> bytes:
        """A file's bytes, if nobody else could have written them."""
        return read_trusted(path)
