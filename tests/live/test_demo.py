"""`make demo`, as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "docs" / "demo" / "demo.py"
NOT_CAPTURING = ["setpriv", "--bounding-set", "-net_raw,-net_admin"]
"""Runs a program as a root that may not capture, as in most containers."""


def run_demo(*arguments: str, directory: Path, prefix: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the demo in `directory`."""
    return subprocess.run(
        [*(prefix or []), sys.executable, DEMO, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.live
@pytest.mark.parametrize("tracer", ["auto", "procfs"])
def test_demo_names_its_processes(tmp_path: Path, tracer: str) -> None:
    """The demo shows its three digs with the server's and the clients' names, and leaves a file that capinfos reads."""
    result = run_demo("--tracer", tracer, directory=tmp_path)
    assert result.stderr == ""
    assert result.returncode == 0
    shown = [line for line in result.stdout.splitlines() if line.startswith("$ ")]
    assert [line.split()[-1] if "echo_fds" not in line else "echo_fds" for line in shown][1:] == [
        "topprocs_net",
        "topconns",
        "echo_fds",
    ]
    assert "demo-web" in result.stdout
    assert "curl" in result.stdout
    assert "user=alice&password=open-sesame" in result.stdout
    assert "wireshark -r demo.pcapng" in result.stdout
    capinfos = subprocess.run(
        ["capinfos", "-c", "-M", tmp_path / "demo.pcapng"], capture_output=True, text=True, check=True
    )
    assert int(capinfos.stdout.split()[-1]) > 20


@pytest.mark.live
def test_demo_digs_in_the_fixture_without_rights(tmp_path: Path) -> None:
    """Where packets may not be captured it says why in one line, and digs in the recorded trace."""
    result = run_demo(directory=tmp_path, prefix=NOT_CAPTURING)
    assert result.stderr == ""
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("$ pcapdig -w demo.pcapng --interface lo")
    assert lines[1].startswith("Packets cannot be recorded here (")
    assert "httpd" in result.stdout
    assert not (tmp_path / "demo.pcapng").exists()
