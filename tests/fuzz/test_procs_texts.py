"""Invariant: whatever /proc and events say, a process is described in one printable line and nothing raises."""

import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from pcapdig.procs import ProcessTable
from pcapdig.procs.containers import container_of
from pcapdig.procs.events import EventProcess, Kind, ProcessEvent
from pcapdig.procs.procdir import ProcDir


@given(st.binary(max_size=300))
@example(b"9 (a) b) S 1 2 3")
@example(b"9 (x) S " + b"99999999999999999999999 " * 30)
def test_any_stat(text: bytes) -> None:
    """A process or None."""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "9").mkdir()
        (Path(place) / "9" / "stat").write_bytes(text)
        stat = ProcDir(place).stat(9)
        assert stat is None or stat.start_ticks is not None


@given(st.binary(max_size=15), st.binary(max_size=200), st.lists(st.binary(max_size=60), max_size=8))
@example(b"\xc3", b"\n", [b"\x1b[2J", b"\xe2\x80\xa8"])
def test_any_texts(comm: bytes, path: bytes, args: list[bytes]) -> None:
    """One line, at most 512 bytes of arguments."""
    table = ProcessTable("/nowhere")
    who = EventProcess(tgid=9, exec_id=1, start_boot_ns=5, comm=comm.replace(b"\0", b""))
    clean = tuple(arg.replace(b"\0", b"") for arg in args)
    table.apply(ProcessEvent(kind=Kind.PROCESS_EXECED, time_ns=1, process=who, filename=path, args=clean).pack())
    process = table.describe(pid=9, start_boot_ns=5, exec_id=1, comm=who.comm, uid=0)
    for text in (process.name, process.exepath or "", process.cmdline or ""):
        assert len(text.splitlines()) <= 1
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
        text.encode()
    assert len((process.cmdline or "").encode()) <= 512


@given(st.binary(max_size=900))
def test_any_event(event: bytes) -> None:
    """Taken in or not looked at."""
    ProcessTable("/nowhere").apply(event)


@given(st.text(max_size=300))
def test_any_cgroup(text: str) -> None:
    """Twelve digits or the host."""
    container = container_of(text)
    assert container == "host" or len(container) == 12
