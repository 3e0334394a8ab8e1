"""Watching without a file: event lines as they happen, and chisels refreshed each second."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from command import Recording
from namespace import Namespace
from program import SETTLE_SECONDS, program

pytestmark = pytest.mark.live


def test_event_lines_scroll(folder: Path, namespace: Namespace) -> None:
    """Without -w and chisel: a line for each end of each packet, with its process; the filter holds."""
    command = ["-f", "tcp", "proc.name=client1", "and", "evt.is_io_write=true"]
    with Recording(*command, namespace=namespace, announces=False) as watching:
        time.sleep(1)
        with program(folder, "prefork", namespace=namespace) as running:
            running.go()
            running.finish()
        time.sleep(SETTLE_SECONDS)
        ended = watching.stop()
    assert ended.returncode == 0, ended
    lines = ended.stdout.splitlines()
    assert len(lines) == 19, ended
    assert all(
        re.search(r"^\d+ \d\d:\d\d:\d\d\.\d{9} client1 \(\d+\) < write res=37 data=q{37} tuple=", line)
        for line in lines
    )


def test_lines_come_at_once(namespace: Namespace, folder: Path) -> None:
    """What happened is shown within a second, while watching goes on, also into a pipe."""
    with Recording("-f", "udp", namespace=namespace, announces=False) as watching:
        time.sleep(1)
        with program(folder, "udp_connected", namespace=namespace) as running:
            running.go()
            running.finish()
        time.sleep(1.5)
        shown = watching.said()[0]
        assert watching.stop().returncode == 0
    assert shown.count("connected 42 6") == 4  # question and answer, as written and as read


def test_chisel_is_refreshed_each_second(folder: Path, namespace: Namespace) -> None:
    """`-c topprocs_net` live prints a table each second, without escape sequences where there is no terminal."""
    with Recording("-c", "topprocs_net", namespace=namespace, announces=False) as watching:
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
    """-w and -c together do both."""
    file = folder / "both.pcapng"
    with Recording("-w", file, "-c", "topconns", namespace=namespace, announces=False) as recording:
        time.sleep(1)
        with program(folder, "dual_stack", namespace=namespace) as running:
            running.go()
            running.finish()
        time.sleep(1.5)
        ended = recording.stop()
    assert ended.returncode == 0, ended
    assert len(re.findall(r"^1\.02KB    tcp       ::1:\d+->::1:\d+$", ended.stdout, re.MULTILINE)) == 13
    assert file.stat().st_size > 10_000
