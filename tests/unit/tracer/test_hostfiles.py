"""Standard error, taken and given back; tracefs where it is mounted."""

import os
from pathlib import Path

import pytest

from pcapdig.errors import HostError
from pcapdig.tracer import hostfiles
from pcapdig.tracer.hostfiles import quiet_stderr, with_tracefs


def _speak() -> None:
    with quiet_stderr() as said:
        os.write(2, b"inside")
        raise RuntimeError(said())


def test_native_words_are_taken(capfd: pytest.CaptureFixture[str]) -> None:
    """Written to the descriptor, as a library does; afterwards it is as before, also after an exception."""
    with pytest.raises(RuntimeError, match="^inside$"):
        _speak()
    os.write(2, b"outside")
    assert capfd.readouterr().err == "outside"


def test_tracefs_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Mounted at the second place."""
    (tmp_path / "events").mkdir()
    monkeypatch.setattr(hostfiles, "TRACEFS_PLACES", (tmp_path / "nowhere", tmp_path))
    assert with_tracefs(lambda events: events) == tmp_path / "events"


def test_tracefs_that_cannot_be_mounted_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No rights, or no such directory; this process's own mounts are not touched."""
    monkeypatch.setattr(hostfiles, "TRACEFS_PLACES", (tmp_path / "nowhere",))
    with pytest.raises(HostError, match="tracefs is not mounted and cannot be"):
        with_tracefs(lambda events: events)
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
