"""`pcapdig doctor` on machines that offer everything, something and nothing."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from pcapdig.cli import doctor
from pcapdig.cli.entry import main
from pcapdig.errors import HostError


class Tracer:
    """A tracer that starts, or is refused; both count that they were closed."""

    def __init__(self, refusal: str | None, closed: list[str], name: str) -> None:
        self._refusal, self._closed, self._name = refusal, closed, name
        self.notes = [f"{name}: one program left out: too new"] if name == "core" else []

    def start(self) -> None:
        """Refuse if told so."""
        if self._refusal:
            raise HostError(self._refusal)

    def close(self) -> None:
        """Count."""
        self._closed.append(self._name)


class Capture:
    """A capture that opens."""

    link_type = 1

    def __init__(self, name: str, **_: object) -> None:
        if name == "secret0":
            raise HostError("no permission to capture on secret0: run as root or with CAP_NET_RAW")
        if name == "can0":
            self.link_type = 227

    def close(self) -> None:
        """Nothing to close."""


def examined(
    monkeypatch: pytest.MonkeyPatch, interfaces: list[str], refusals: dict[str, str], closed: list[str] | None = None
) -> list[str]:
    """Give what doctor says on such a machine."""
    closing: list[str] = [] if closed is None else closed
    known = [SimpleNamespace(name=name, is_up=True) for name in interfaces]
    down = SimpleNamespace(name="down0", is_up=False)
    monkeypatch.setattr(doctor, "list_interfaces", lambda: [*known, down])
    monkeypatch.setattr(doctor, "Capture", Capture)
    monkeypatch.setattr(doctor, "open_tracer", lambda name, processes: Tracer(refusals.get(name), closing, name))
    out = io.StringIO()
    said_works = doctor.examine(out)
    assert said_works == ("packets cannot be recorded here" not in out.getvalue())
    return out.getvalue().splitlines()


def test_nothing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal with its reason, and what is left to do."""
    refusals = dict.fromkeys(("core", "bcc", "procfs"), "needs root: try sudo")
    lines = examined(monkeypatch, ["secret0"], refusals)
    assert "capture  secret0: no: no permission to capture on secret0: run as root or with CAP_NET_RAW" in lines
    assert "tracer   core: no: needs root: try sudo" in lines
    assert "so       packets cannot be recorded here; files can be dug (-r)" == lines[-1]


def test_no_interface_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said, not passed over."""
    lines = examined(monkeypatch, [], {})
    assert "capture  interfaces: no: none is up" in lines
    assert "so       packets cannot be recorded here; files can be dug (-r)" == lines[-1]


def test_packets_without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Capture works, no tracer does."""
    lines = examined(monkeypatch, ["lo"], dict.fromkeys(("core", "bcc", "procfs"), "refused"))
    assert "so       packets can be recorded, without processes (--tracer none)" == lines[-1]


def test_the_first_tracer_that_works_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As auto would choose; what it leaves out is told, and each was closed."""
    closed: list[str] = []
    lines = examined(monkeypatch, ["lo", "can0"], {"bcc": "no kernel headers"}, closed)
    assert "capture  lo: yes" in lines
    assert "capture  can0: no: link type 227 carries no IP packets" in lines
    assert "tracer   core: yes" in lines
    assert "tracer   core: one program left out: too new" in lines
    assert "tracer   bcc: no: no kernel headers" in lines
    assert "so       a recording has processes, by the tracer core" == lines[-1]
    assert ["core", "bcc", "procfs"] == closed
    assert not any("down0" in line for line in lines)


def test_interfaces_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reason, no traceback."""

    def refuse() -> None:
        raise HostError("cannot list network interfaces: Operation not permitted")

    monkeypatch.setattr(doctor, "list_interfaces", refuse)
    monkeypatch.setattr(doctor, "open_tracer", lambda name, processes: Tracer("refused", [], name))
    out = io.StringIO()
    doctor.examine(out)
    assert "interfaces: no: cannot list network interfaces: Operation not permitted" in out.getvalue()


@pytest.mark.parametrize(("interfaces", "status"), [(["lo"], 0), (["secret0", "lo"], 0), (["secret0"], 1), ([], 1)])
def test_the_exit_status_says_whether_recording_works(
    interfaces: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts and units can test with it; a machine without a tracer still records packets."""
    examined(monkeypatch, interfaces, dict.fromkeys(("core", "bcc", "procfs"), "refused"))
    assert main(["doctor"]) == status
    assert capsys.readouterr().err == ""
