"""Which captures are compared: every file of fixtures/captures, and those that other tests bring. A new file is compared by itself.

With PCAPDIG_CAPTURES set, the captures below that directory, or those that a file lists, are compared in place of ours.

A test that takes `capture` runs once a file, and once for each file that tools make of ours (SOUND). One that takes `damaged` runs once
for each file with bit errors or without its end.
"""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OTHERS = os.environ.get("PCAPDIG_CAPTURES")


def _captures() -> list[Path]:
    if OTHERS is None:
        folders = ("fixtures", "fixtures/captures", "tests/unit/protocols/captures")
        return [path for folder in folders for path in sorted((ROOT / folder).glob("*.pcap*"))]
    if (named := Path(OTHERS)).is_dir():
        return sorted(path for path in named.rglob("*") if path.is_file())
    return [named.parent / line for line in named.read_text().splitlines()]


CAPTURES = _captures()


def editcap(*arguments: str) -> Callable[[Path, Path], None]:
    """A change made by editcap with these options."""
    return lambda source, target: _run("editcap", *arguments, source, target)


def _run(*argv: str | Path) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=60)


def _cut(source: Path, target: Path) -> None:
    data = gzip.decompress(source.read_bytes())
    target.write_bytes(data[: len(data) * 2 // 3])


def _merged(source: Path, target: Path) -> None:
    _run("mergecap", "-w", target, source, ROOT / "fixtures/captures/lamp-any-nano.pcap.gz")


Change = Callable[[Path, Path], None]

SOUND: dict[str, tuple[str, Change]] = {
    "pcap.pcap": ("nginx-v4.pcapng", editcap("-F", "pcap")),
    "nanoseconds.pcap": ("nginx-v4.pcapng", editcap("-F", "nsecpcap")),
    "pcapng.pcapng": ("memcached.pcap", editcap("-F", "pcapng")),
    "snapped.pcapng": ("mariadb-v4.pcap", editcap("-s", "80")),
    "thinned.pcapng": (
        "lossy-at-server.pcapng",
        lambda source, target: _run("editcap", "-r", source, target, "1-200", "250-900"),
    ),
    "shifted.pcapng": ("dns-dnsmasq.pcap", editcap("-t", "-3600.5")),
    "merged.pcapng": ("nginx-v4.pcapng", _merged),
}
"""File name -> (capture it is made from, how): still sound, so all comparisons hold for it."""

DAMAGED: dict[str, tuple[str, Change]] = {
    "errors.pcapng": ("nginx-v4.pcapng", editcap("-E", "0.01", "--seed", "7")),
    "errors-v6.pcapng": ("nginx-v6.pcap", editcap("-E", "0.01", "--seed", "7")),
    "errors-many.pcapng": ("tcp-states.pcap", editcap("-E", "0.05", "--seed", "7")),
    "errors-tunnel.pcapng": ("tunnel-vxlan.pcap", editcap("-E", "0.02", "--seed", "7")),
    "cut.pcapng": ("postgresql.pcapng", _cut),
    "cut.pcap": ("ftp.pcap", _cut),
}
"""The same, with bit errors in packets, or without the file's end."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a capture, one a damaged file."""
    if "capture" in metafunc.fixturenames:
        names = [path.name.removesuffix(".gz") for path in CAPTURES]
        made_of_ours = [] if OTHERS else list(SOUND)
        metafunc.parametrize("capture", [*CAPTURES, *made_of_ours], ids=[*names, *made_of_ours], indirect=True)
    if "damaged" in metafunc.fixturenames:
        metafunc.parametrize("damaged", [] if OTHERS else DAMAGED, indirect=True)


@pytest.fixture(scope="session")
def capture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded capture, or one made of it."""
    return request.param if isinstance(request.param, Path) else made(request.param, tmp_path_factory)


@pytest.fixture(scope="session")
def damaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A damaged capture."""
    return made(request.param, tmp_path_factory)


def made(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of that name of SOUND or DAMAGED, once for all tests."""
    folder = tmp_path_factory.getbasetemp() / "compare"
    folder.mkdir(exist_ok=True)
    if not (target := folder / name).exists():
        source, change = {**SOUND, **DAMAGED}[name]
        change(ROOT / "fixtures/captures" / f"{source}.gz", target)
    return target
