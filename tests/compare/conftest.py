"""Which captures are compared: every file of fixtures/captures, and those that other tests bring. A new file is compared by itself.

A test that takes `capture` runs once a file. One that takes `mutation` runs once for each way in which tools and accidents change
files; it gets the changed file.
"""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = [
    path
    for folder in ("fixtures", "fixtures/captures", "tests/unit/protocols/captures")
    for path in sorted((ROOT / folder).glob("*.pcap*"))
]


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


MUTATIONS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "pcap.pcap": ("nginx-v4.pcapng", editcap("-F", "pcap")),
    "nanoseconds.pcap": ("nginx-v4.pcapng", editcap("-F", "nsecpcap")),
    "modified.pcap": ("nginx-v6.pcap", editcap("-F", "modpcap")),
    "pcapng.pcapng": ("memcached.pcap", editcap("-F", "pcapng")),
    "snapped.pcapng": ("mariadb-v4.pcap", editcap("-s", "80")),
    "chopped.pcapng": ("redis.pcapng", editcap("-C", "-20")),
    "thinned.pcapng": ("lossy-at-server.pcapng", editcap("-r", "1-200", "250-900")),
    "shifted.pcapng": ("dns-dnsmasq.pcap", editcap("-t", "-3600.5")),
    "doubled.pcapng": ("dns-unbound.pcap", lambda source, target: _run("mergecap", "-a", "-w", target, source, source)),
    "merged.pcapng": ("nginx-v4.pcapng", _merged),
    "merged.pcap": ("nginx-v6.pcap", lambda source, target: _run("mergecap", "-F", "pcap", "-w", target, source, source)),
    "errors.pcapng": ("nginx-v4.pcapng", editcap("-E", "0.01", "--seed", "7")),
    "errors-v6.pcapng": ("nginx-v6.pcap", editcap("-E", "0.01", "--seed", "7")),
    "errors-many.pcapng": ("tcp-states.pcap", editcap("-E", "0.05", "--seed", "7")),
    "errors-tunnel.pcapng": ("tunnel-vxlan.pcap", editcap("-E", "0.02", "--seed", "7")),
    "cut.pcapng": ("postgresql.pcapng", _cut),
    "cut.pcap": ("ftp.pcap", _cut),
}
"""File name -> (capture it is made from, how)."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a capture, one a mutation."""
    if "capture" in metafunc.fixturenames:
        metafunc.parametrize("capture", CAPTURES, ids=[path.name.split(".")[0] for path in CAPTURES])
    if "mutation" in metafunc.fixturenames:
        metafunc.parametrize("mutation", MUTATIONS, indirect=True)


@pytest.fixture(scope="session")
def mutation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A changed capture."""
    source, change = MUTATIONS[request.param]
    target = tmp_path_factory.mktemp("mutation") / request.param
    change(ROOT / "fixtures/captures" / f"{source}.gz", target)
    return target
