"""A copy of the package whose native modules are compiled by clang with AddressSanitizer and coverage, in build/fuzz."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "fuzz"
"""Everything that fuzzing leaves behind: the copy, corpora and findings."""
ROOMS = ("attribution", "chisels", "packets", "protocols", "streams", "trace")
"""Rooms whose native modules are compiled so. Those of the recorder are left out: they need the kernel to be fed."""
SUFFIX: str = sysconfig.get_config_var("EXT_SUFFIX")
SANITIZE = (
    "-fsanitize=address,undefined,fuzzer-no-link",
    "-fno-sanitize=alignment,function,pointer-overflow",
    "-fno-omit-frame-pointer",
)


def build() -> Path:
    """Bring the copy up to date.

    Returns: the folder to put on PYTHONPATH.
    """
    copy = FOLDER / "tree"
    native = []
    for source in sorted((ROOT / "pcapdig").rglob("*")):
        if source.suffix not in {".py", ".pyx", ".pxd"} or "__pycache__" in source.parts:
            continue
        target = copy / source.relative_to(ROOT)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        if source.suffix == ".pyx" and target.parent.name in ROOMS:
            native.append(target)
    for kept in copy.rglob("*.py*"):
        if kept.suffix in {".py", ".pyx", ".pxd"} and not (ROOT / kept.relative_to(copy)).exists():
            kept.unlink()
    newest_header = max(path.stat().st_mtime for path in copy.rglob("*.pxd"))
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(lambda path: compiled(path, newest_header), native):
            if line:
                print(line, file=sys.stderr)
    return copy


def compiled(source: Path, newest_header: float) -> str:
    """Compile one module if it is older than its sources. What was done, or nothing."""
    library = source.with_suffix(SUFFIX)
    if library.exists() and library.stat().st_mtime > max(source.stat().st_mtime, newest_header):
        return ""
    text = source.with_suffix(".c")
    subprocess.run([sys.executable, "-m", "cython", "-3", source, "-o", text], check=True, cwd=FOLDER / "tree")
    includes = [f"-I{sysconfig.get_path('include')}", f"-I{np.get_include()}", f"-I{ROOT / 'probe'}"]
    flags = ["-shared", "-fPIC", "-O1", "-g", "-w", "-fno-strict-aliasing", *SANITIZE]
    subprocess.run(["clang", *flags, *includes, text, "-o", library], check=True)
    return f"compiled {source.relative_to(FOLDER / 'tree')}"
