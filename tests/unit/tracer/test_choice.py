"""Choosing a tracer."""

from pathlib import Path

import pytest

from pcapdig.errors import HostError, UsageError
from pcapdig.procs import ProcessTable
from pcapdig.tracer import CHOICES, EventSource, Tracer, choice, open_tracer


@pytest.fixture
def processes(tmp_path: Path) -> ProcessTable:
    """Nobody."""
    return ProcessTable(tmp_path)


@pytest.mark.parametrize("name", ["", "ebpf", "replay", "Core"])
def test_an_unknown_name_is_refused(processes: ProcessTable, name: str) -> None:
    """With the names there are."""
    with pytest.raises(UsageError, match="auto, core, bcc, procfs, none"):
        open_tracer(name, processes=processes)


@pytest.mark.parametrize("name", CHOICES)
def test_every_name_opens_without_touching_the_machine(processes: ProcessTable, name: str) -> None:
    """Not started, so close has nothing to undo, twice."""
    tracer = open_tracer(name, processes=processes)
    assert tracer.lost_events() == 0
    tracer.close()
    tracer.close()


def test_replay_takes_its_file_from_the_name(processes: ProcessTable, tmp_path: Path) -> None:
    """replay:FILE."""
    file = tmp_path / "a:b"
    file.write_bytes(b"")
    tracer = open_tracer(f"replay:{file}", processes=processes)
    assert tracer.name == "replay"
    assert tracer.start() == EventSource(kind="polled")


class _Refused:
    """A tracer this machine does not allow."""

    name = "core"

    def __init__(self, why: str) -> None:
        self.notes: list[str] = []
        self.why = why
        self.is_closed = False

    def start(self) -> EventSource:
        raise HostError(self.why)

    def close(self) -> None:
        self.is_closed = True


def test_auto_takes_the_first_that_starts(processes: ProcessTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says why those before it could not be had."""
    refused = [_Refused("no BTF"), _Refused("no headers")]
    made: dict[str, object] = {"core": refused[0], "bcc": refused[1]}
    real = choice.open_tracer

    def fake(name: str, *, processes: ProcessTable) -> object:
        return made.get(name) or real("none", processes=processes)

    tracer: Tracer = real("auto", processes=processes)
    monkeypatch.setattr(choice, "open_tracer", fake)
    assert tracer.start() == EventSource(kind="none")
    assert tracer.notes == ["core: no BTF", "bcc: no headers"]
    assert all(one.is_closed for one in refused)


def test_auto_says_every_reason_when_nothing_works(processes: ProcessTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with all of them."""
    tracer = open_tracer("auto", processes=processes)
    monkeypatch.setattr(choice, "open_tracer", lambda name, *, processes: _Refused(f"not {name}"))
    with pytest.raises(HostError, match="core: not core; bcc: not bcc; procfs: not procfs"):
        tracer.start()
    with pytest.raises(HostError, match="not started"):
        tracer.snapshot()
