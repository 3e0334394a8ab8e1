"""docs/guides/write-a-chisel.md: its examples are files that run."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import dig

from pcapdig.chisels.library import load_file
from pcapdig.procs.process import Process
from pcapdig.render.items import Line, Table
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

ROOT = Path(__file__).resolve().parents[3]
GUIDES = ROOT / "docs" / "guides"
CAPTURE = ROOT / "fixtures" / "lamp.pcapng.gz"


def pcapdig(*words: str) -> str:
    """What `pcapdig WORDS` prints, with the guide's chisels."""
    done = dig(*words, "--chisel-dir", GUIDES)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", ["clients.py", "refused.py"])
def test_the_guide_shows_the_file(name: str) -> None:
    """Word for word."""
    assert f"```python\n{(GUIDES / name).read_text()}```\n" in (GUIDES / "write-a-chisel.md").read_text()


def test_refused() -> None:
    """A line for each reset, with whose it was, and the number."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    tables = Tables(flows=flows, processes=[Process(name="curl", pid=1)])
    chisel = load_file(GUIDES / "refused.py")()
    packets = Packets.from_payloads(tables, [b""], flow=0, forward=0, tcp_flags=4, reader=0, time_ns=9)
    (line,) = chisel.feed(rows_of(packets))
    assert line == Line(
        time_ns=9,
        text="curl was reset on 10.0.0.1:5000->10.0.0.2:80",
        fields=(("proc.name", "curl"), ("evt.io_dir", "read"), ("fd.name", "10.0.0.1:5000->10.0.0.2:80")),
    )
    assert list(chisel.end()) == [Line(text="1 resets", fields=(("resets", 1),))]


def test_clients() -> None:
    """A table from its keys alone."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", server_port=80)])
    chisel = load_file(GUIDES / "clients.py")()
    chisel.feed(rows_of(Packets.from_payloads(Tables(flows=flows), [b"abc"], flow=0)))
    (table,) = chisel.end()
    assert isinstance(table, Table)
    assert table.rows == ((3, ("10.0.0.1", "80")),)


def test_from_the_command_line() -> None:
    """Run, listed and described like any other."""
    assert pcapdig("-r", str(CAPTURE), "-c", "refused").endswith(" resets\n")
    assert pcapdig("clients", "-r", str(CAPTURE)).startswith("Bytes     Client    Port")
    assert "refused             Show connections that were refused or broken off\n" in pcapdig("-cl")
    assert "counts them at the end" in " ".join(pcapdig("-i", "refused").split())
