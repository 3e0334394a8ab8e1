"""The polling thread: what it says when looking fails."""

from pathlib import Path

import pytest

from pcapdig.errors import HostError
from pcapdig.procs import ProcessTable
from pcapdig.tracer.procfs import ProcfsTracer
from pcapdig.tracer.rounds import Rounds


def test_a_failing_look_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """snapshot raises, notes say why, close ends the thread."""

    def fail(*_times: int) -> bytes:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Rounds, "look", fail)
    tracer = ProcfsTracer()
    tracer.start()
    with pytest.raises(HostError, match="not permitted"):
        tracer.snapshot()
    tracer.close()
    assert "not permitted" in tracer.notes[-1]


def test_a_machine_without_sock_diag_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """At start, in one line."""

    def refuse() -> None:
        raise OSError(93, "Protocol not supported")

    monkeypatch.setattr("pcapdig.tracer.sockdiag.SockDiag", refuse)
    with pytest.raises(HostError, match=r"sock_diag.*Protocol not supported"):
        ProcfsTracer().start()


def test_events_are_given_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By snapshot or by poll, never by both."""
    looks = iter([b"first", b"second"])
    monkeypatch.setattr(Rounds, "look", lambda *_times: next(looks, b""))
    tracer = ProcfsTracer(processes=ProcessTable(tmp_path))
    tracer.start()
    told = tracer.snapshot()
    while b"second" not in told:
        told += tracer.poll()
    tracer.close()
    assert told == b"firstsecond"
    assert tracer.poll() == b""
