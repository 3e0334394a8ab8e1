"""Kernel headers for bcc, in one tree that it understands.

bcc looks into /lib/modules/$(uname -r)/build, or where BCC_KERNEL_SOURCE points; there it wants a whole tree. Debian splits headers in two: the
build tree holds what was generated, the source tree the rest. So a tree of symbolic links over both is made for the time of compiling,
in a private directory; nothing is left behind.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURES = {"x86_64": "x86", "aarch64": "arm64", "riscv64": "riscv", "s390x": "s390", "ppc64le": "powerpc"}
"""`uname -m` -> the kernel's name for its arch directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """Installed headers of one kernel."""

    release: str
    """The kernel they are of, as `uname -r` says it."""
    build: Path
    """With include/generated."""
    source: Path
    """With include/linux; the same as `build` where headers are in one tree."""


def find_headers(release: str, modules: Path = Path("/lib/modules")) -> Headers | None:
    """The running kernel's headers, else the newest installed of any kernel, None when there are none.

    Those of another kernel do, since the bcc probe looks into no kernel structure.
    """
    places = [modules / release, *sorted((place for place in _listed(modules) if place.name != release), reverse=True)]
    for place in places:
        build, source = place / "build", place / "source"
        if not (build / "include" / "generated").is_dir():
            continue
        tree = source if (source / "include" / "linux").is_dir() else build
        if (tree / "include" / "linux" / "kconfig.h").is_file():
            return Headers(release=place.name, build=build.resolve(), source=tree.resolve())
    return None


def _listed(place: Path) -> list[Path]:
    try:
        return list(place.iterdir())
    except OSError:
        return []


@contextmanager
def one_tree(headers: Headers, machine: str = platform.machine()) -> Iterator[Path]:
    """A directory with both trees in one, for as long as the context lasts."""
    arch = ARCHITECTURES.get(machine, machine)
    with tempfile.TemporaryDirectory(prefix="pcapdig-headers-") as place:
        root = Path(place)
        for part in ("include", f"arch/{arch}/include"):
            merged = root / part
            merged.mkdir(parents=True)
            for tree in dict.fromkeys((headers.source, headers.build)):
                for entry in _listed(tree / part):
                    if not (merged / entry.name).is_symlink():
                        os.symlink(entry, merged / entry.name)
        yield root
