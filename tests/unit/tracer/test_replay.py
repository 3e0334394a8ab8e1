"""Events from a file."""

from pathlib import Path

import pytest

from pcapdig.errors import HostError, InputError
from pcapdig.tracer.events import Kind, SocketEvent
from pcapdig.tracer.replay import ReplayTracer

EVENTS = b"".join(SocketEvent(kind=Kind.SOCKET_CLOSED, time_ns=n, cookie=n + 1).pack() for n in range(5))


def test_a_missing_file_is_the_hosts_fault(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(HostError, match="nowhere: No such file"):
        ReplayTracer(tmp_path / "nowhere").start()


def test_a_damaged_file_is_refused_whole(tmp_path: Path) -> None:
    """With its name and the place of the damage; nothing is played."""
    file = tmp_path / "events"
    file.write_bytes(EVENTS[:-1])
    tracer = ReplayTracer(file)
    with pytest.raises(InputError, match=r"events: event at byte 480 is cut"):
        tracer.start()
    assert tracer.poll() == b""


def test_events_are_played_once(tmp_path: Path) -> None:
    """At the first poll, unchanged."""
    file = tmp_path / "events"
    file.write_bytes(EVENTS)
    tracer = ReplayTracer(file)
    tracer.start()
    assert tracer.snapshot() == b""
    assert tracer.poll() == EVENTS
    assert tracer.poll() == b""
    tracer.close()
