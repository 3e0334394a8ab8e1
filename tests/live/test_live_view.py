"""Watching without a file: event lines as they happen, and chisels refreshed each second."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from pathlib import Path

import pytest
from command import Recording
from namespace import Namespace
from program import SETTLE_SECONDS, program, send
from scenarios_tcp import ANSWER, REQUEST

pytestmark = pytest.mark.live


def await_watching(watching: Recording, namespace: Namespace) -> None:
    """Send datagrams to port 9 until one shows: from then on everything does."""
    deadline = time.monotonic() + 20
    while not re.search(r":9\b|python", watching.said()[0]):
        assert time.monotonic() < deadline, watching.said()
        send(namespace, "anybody there", "127.0.0.1")


def test_event_lines_scroll(folder: Path, namespace: Namespace) -> None:
    """Without -w and chisel: a line for each end of each packet, with its process; the filter holds."""
    command = "-f", "tcp or port 9", *"(proc.name=client1 or fd.sport=9) and evt.is_io_write=true".split()
    with Recording(*command, namespace=namespace, announces=False) as watching:
        await_watching(watching, namespace)
        with program(folder, "prefork", namespace=namespace) as running:
            running.go()
            running.finish()
        time.sleep(SETTLE_SECONDS)
        ended = watching.stop()
    assert ended.returncode == 0, ended
    lines = [line for line in ended.stdout.splitlines() if not line.endswith(":9")]
    assert len(lines) == 19, ended
    assert all(
        re.search(r"^\d+ \d\d:\d\d:\d\d\.\d{9} client1 \(\d+\) < write res=37 data=q{37} tuple=", line)
        for line in lines
    )


def test_lines_come_at_once(namespace: Namespace, folder: Path) -> None:
    """What happened is shown while watching goes on, also into a pipe."""
    with Recording("-f", "udp", namespace=namespace, announces=False) as watching:
        await_watching(watching, namespace)
        with program(folder, "udp_connected", namespace=namespace) as running:
            running.go()
            running.finish()
        deadline = time.monotonic() + 20
        while watching.said()[0].count("connected 42 6") < 4:  # question and answer, as written and as read
            assert time.monotonic() < deadline, watching.said()
            time.sleep(0.1)
        ended = watching.stop()
    assert ended.returncode == 0, ended
    assert ended.stdout.count("connected 42 6") == 4


def test_chisel_is_refreshed_each_second(folder: Path, namespace: Namespace) -> None:
    """`-c topprocs_net` live prints a table each second, without escape sequences where there is no terminal."""
    with Recording("-c", "topprocs_net", namespace=namespace, announces=False) as watching:
        await_watching(watching, namespace)
        for scenario in ("prefork", "dual_stack", "udp_connected"):
            with program(folder, scenario, namespace=namespace) as running:
                running.go()
                running.finish()
            time.sleep(1)
        ended = watching.stop()
    assert ended.returncode == 0, ended
    tables = ended.stdout.split("Bytes     Process   \n" + "-" * 30 + "\n")
    assert len(tables) >= 3, ended
    assert any("worker0" in table for table in tables)
    assert any("client6" in table for table in tables)
    assert "\x1b" not in ended.stdout


def test_chisel_while_recording(folder: Path, namespace: Namespace) -> None:
    """-w and -c together do both. A connection that is there while the second turns over has a part in each table."""
    file = folder / "both.pcapng"
    with Recording("-w", file, "-c", "topconns", namespace=namespace, announces=False) as recording:
        await_watching(recording, namespace)
        with program(folder, "dual_stack", namespace=namespace) as running:
            running.go()
            running.finish()
        time.sleep(1.5)
        ended = recording.stop()
    assert ended.returncode == 0, ended
    shown: dict[str, float] = defaultdict(float)
    for size, unit, ends in re.findall(r"^([\d.]+)(B|KB) +tcp +(::1:\d+->::1:\d+)$", ended.stdout, re.MULTILINE):
        shown[ends] += float(size) * (1024 if unit == "KB" else 1)
    size_bytes = len(REQUEST) + len(ANSWER)
    assert list(shown.values()) == [pytest.approx(size_bytes, rel=0.01)] * 13
    assert file.stat().st_size > 10_000
