"""House rules: who imports whom, what has tests, what is built, how files are named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pcapdig"

UPSTREAM: dict[str, set[str]] = {
    # Bytes, values and texts: they need no other room.
    "packets": set(),
    "procs": set(),
    "capture": set(),
    "render": set(),
    # Recording.
    "tracer": {"procs"},
    "attribution": {"packets"},
    "pcapng": {"procs"},
    "record": {"tracer", "procs", "capture", "attribution", "packets", "pcapng"},
    # Digging.
    "trace": {"pcapng", "packets", "procs"},
    "filters": {"trace", "procs", "render"},
    "streams": {"trace"},
    "protocols": set(),
    "chisels": {"trace", "procs", "filters", "streams", "protocols", "render"},
    "dig": {"pcapng", "trace", "filters", "streams", "chisels", "render"},
    "api": {"procs", "pcapng", "trace", "filters", "chisels", "dig", "render"},
    "cli": {"record", "tracer", "procs", "capture", "pcapng", "trace", "filters", "chisels", "dig", "render"},
}
"""The rooms a room may import besides itself. `pcapdig.errors` and `pcapdig.owners` are everyone's."""

BANNED_NAMES = {"util", "utils", "common", "helper", "helpers", "manager", "misc", "stuff"}
LINE_LIMIT = 400

UNTESTED: set[str] = set()
"""Modules without a test file of their own, `room/module`. This set only shrinks: an entry that has its tests fails."""
TOO_LONG: set[str] = set()
"""Files over LINE_LIMIT. This set only shrinks: an entry that became shorter fails."""


def sources(*suffixes: str) -> list[Path]:
    """All files of the package with these suffixes, without what Cython wrote."""
    return sorted(path for path in PACKAGE.rglob("*") if path.suffix in suffixes)


def room_of(path: Path) -> str | None:
    """The room a file belongs to; None beside the rooms."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


def names(paths: list[Path]) -> list[str]:
    """Paths as test ids."""
    return [path.relative_to(ROOT).as_posix() for path in paths]


def imported_by(path: Path) -> set[str]:
    """The rooms that a Python or Cython file imports or cimports, also inside functions."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in {".py", ".pyi"}:
        modules = []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                modules += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules += [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        modules = re.findall(r"^\s*(?:from|import|cimport)\s+(pcapdig[\w.]*)", text, re.MULTILINE)
        modules += [
            f"pcapdig.{name.strip()}"
            for line in re.findall(r"^\s*from\s+pcapdig\s+c?import\s+(.+)$", text, re.MULTILINE)
            for name in line.split(",")
        ]
    parts = [module.split(".") for module in modules]
    return {part[1] for part in parts if part[0] == "pcapdig" and len(part) > 1 and part[1] in UPSTREAM}


def test_the_table_names_every_room() -> None:
    """A new room must say what it may import."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(UPSTREAM)


def test_the_table_has_no_circle() -> None:
    """Data moves one way, so rooms can be put in an order in which each imports only earlier ones."""
    left = dict(UPSTREAM)
    while left:
        free = {room for room, needs in left.items() if not needs & left.keys()}
        assert free, f"these rooms import each other in a circle: {sorted(left)}"
        left = {room: needs for room, needs in left.items() if room not in free}


@pytest.mark.parametrize("path", sources(".py", ".pyi", ".pyx", ".pxd"), ids=lambda path: names([path])[0])
def test_rooms_import_only_upstream(path: Path) -> None:
    """A room imports itself and the rooms of the table."""
    room = room_of(path)
    if room is None:
        return
    assert imported_by(path) - UPSTREAM[room] - {room} == set()


def test_modules_have_tests() -> None:
    """pcapdig/ROOM/MODULE.py and _MODULE.pyx have tests/unit/ROOM/test_MODULE.py."""
    untested = set()
    for path in sources(".py", ".pyx"):
        room = room_of(path)
        if room is None or path.stem.startswith("__"):
            continue
        module = path.stem.removeprefix("_")
        if not (ROOT / "tests" / "unit" / room / f"test_{module}.py").exists():
            untested.add(f"{room}/{path.stem}")
    assert untested == UNTESTED


def test_native_modules_are_built() -> None:
    """Each .pyx is in the list of pcapdig/meson.build, and the list holds nothing else."""
    native = {path.relative_to(PACKAGE).with_suffix("").as_posix() for path in sources(".pyx")}
    assert set(re.findall(r"^  '(\w+/_\w+)':", (PACKAGE / "meson.build").read_text(), re.MULTILINE)) == native


def test_native_modules_have_types() -> None:
    """Each .pyx has a .pyi beside it, so that mypy sees the types of its Python face."""
    assert [name for name in names(sources(".pyx")) if not (ROOT / name).with_suffix(".pyi").exists()] == []


def test_files_begin_with_a_docstring() -> None:
    """A file says first what it is for; in Cython after the directives."""
    bare = []
    for path in sources(".py", ".pyx", ".pxd"):
        text = path.read_text(encoding="utf-8")
        first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
        if not first.startswith(('"""', 'r"""')):
            bare.append(path)
    assert names(bare) == []


def test_files_are_short() -> None:
    """A file fits in a reader's head."""
    files = [*sources(".py", ".pyx"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("probe/*.[ch]")]
    too_long = {path for path in files if len(path.read_text(encoding="utf-8").splitlines()) > LINE_LIMIT}
    assert set(names(sorted(too_long))) == TOO_LONG


def test_names_say_something() -> None:
    """No file or folder has a name that fits anything."""
    files = [*sources(".py", ".pyx"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py")]
    assert [name for name in names(files) if BANNED_NAMES & set(re.split(r"[/_.]", name))] == []


@pytest.mark.parametrize("suffix", [".py", ".pyx"])
def test_the_core_never_imports_scapy(suffix: str) -> None:
    """scapy is GPL-2.0 and takes 0.6 s to import: an extra for the user's own scripts."""
    text = {path: path.read_text(encoding="utf-8") for path in sources(suffix)}
    assert [path for path in text if re.search(r"^\s*(from|import)\s+scapy", text[path], re.MULTILINE)] == []
