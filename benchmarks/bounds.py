"""Peak memory and seconds of every chisel under every flood of parts/floods.py; prints a table in Markdown.

Memory is the peak RSS of the whole process (the kernel's ru_maxrss), pages of the file that it maps included. Seconds are user and system
time of all threads, since other load on the machine changes them least.

    .venv/bin/python benchmarks/bounds.py [--pcapdig FILE] [--floods NAME,...] [--chisels NAME,...] [--divide 10]

Floods are a tenth as large as they are meant unless --divide is 1, which takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from parts.floods import FLOODS

ARGUMENTS = {
    "spy_ip": ["192.0.2.1"],
    "spy_port": ["80"],
    "fdbytes_by": ["fd.name"],
    "fdcount_by": ["fd.cip"],
    "netlower": ["0"],
    "udp_extract": ["DIRECTORY"],
    "files": ["--save", "DIRECTORY"],
}
"""What chisels are given."""


def main() -> None:
    """Make the floods, run the chisels, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pcapdig", default=str(Path(sys.executable).parent / "pcapdig"))
    parser.add_argument("--floods", default=",".join(FLOODS))
    parser.add_argument("--chisels", default="")
    parser.add_argument("--divide", type=int, default=10)
    chosen = parser.parse_args()
    floods = chosen.floods.split(",")
    from pcapdig.chisels import registry

    chisels = chosen.chisels.split(",") if chosen.chisels else sorted(registry.names())
    with tempfile.TemporaryDirectory() as directory:
        cells: dict[tuple[str, str], str] = {}
        for flood in floods:
            capture = Path(directory, flood)
            make_flood(flood, capture, chosen.divide)
            for chisel in chisels:
                cells[chisel, flood] = run(chosen.pcapdig, chisel, capture, Path(directory, "out"))
                print(f"{flood} {chisel}: {cells[chisel, flood]}", file=sys.stderr)
            capture.unlink()
    print("|".join(["| chisel ", *(f" {flood} " for flood in floods), ""]))
    print("|---" * (len(floods) + 1) + "|")
    for chisel in chisels:
        print("|".join([f"| `{chisel}` ", *(f" {cells[chisel, flood]} " for flood in floods), ""]))


def make_flood(name: str, target: Path, divide: int) -> None:
    """Write a flood, or a part of it."""
    flood = FLOODS[name]
    count = (flood.__defaults__ or (1,))[0] // divide
    with target.open("wb") as file:
        for piece in flood(count):
            file.write(piece)


def run(command: str, chisel: str, capture: Path, out: Path) -> str:
    """Peak memory in MB and CPU seconds of one dig; why, if it failed."""
    words = [word.replace("DIRECTORY", str(out)) for word in ARGUMENTS.get(chisel, [])]
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.execv(command, [command, "-r", str(capture), "-c", chisel, *words])
    _, status, used = os.wait4(child, 0)
    for path in out.rglob("*") if out.exists() else ():
        path.unlink()
    text = f"{used.ru_maxrss // 1000} MB, {used.ru_utime + used.ru_stime:.1f} s"
    return text if status == 0 else f"{text} (status {os.waitstatus_to_exitcode(status)})"


if __name__ == "__main__":
    main()
