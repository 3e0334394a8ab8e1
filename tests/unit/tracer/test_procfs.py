"""The comparison of one look with the next, without a kernel."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pcapdig.procs.procdir import ProcDir
from pcapdig.tracer import procfs
from pcapdig.tracer.events import Evidence, Kind, SocketEvent, mapped, split, unpack
from pcapdig.tracer.procfs import ProcfsTracer, Round
from pcapdig.tracer.sockdiag import STATE_CLOSE, STATE_ESTABLISHED, STATE_LISTEN, STATE_TIME_WAIT, DiagSocket

SECOND = 1_000_000_000


def diag(
    cookie: int, *, state: int = STATE_ESTABLISHED, inode: int = 5, port: int = 80, protocol: int = socket.IPPROTO_TCP
) -> DiagSocket:
    """A socket on loopback."""
    return DiagSocket(cookie, protocol, socket.AF_INET, state, mapped("127.0.0.1"), port, mapped("127.0.0.1"), 9, inode)


class FakeDiag:
    """sock_diag's answers."""

    def __init__(self) -> None:
        self.now: list[DiagSocket] = []

    def sockets(self) -> Iterator[DiagSocket]:
        return iter(self.now)

    def close(self) -> None:
        pass


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeDiag:
    """What Round lists."""
    fake = FakeDiag()
    monkeypatch.setattr(procfs.sockdiag, "SockDiag", lambda: fake)
    return fake


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A made /proc."""
    return tmp_path


def hold(proc: Path, pid: int, inode: int, start: int = 100) -> None:
    """A process that holds a socket."""
    place = proc / str(pid)
    (place / "fd").mkdir(parents=True)
    (place / "fd" / "3").symlink_to(f"socket:[{inode}]")
    (place / "stat").write_text(f"{pid} (httpd) S 1 0 0 0 0 0 {'0 ' * 12}{start} 0")
    (place / "status").write_text("Uid:\t33\t33\t33\t33\n")


def look(rounds: Round, at: float) -> list[SocketEvent]:
    """The socket events of one look."""
    events = [unpack(event) for event in split(rounds.look(int(at * SECOND), int(at * SECOND)))]
    return [event for event in events if isinstance(event, SocketEvent)]


def story(events: list[SocketEvent]) -> list[tuple[Kind, int | None]]:
    """Kind and process."""
    return [(event.kind, event.process.tgid if event.process else None) for event in events]


@pytest.mark.parametrize("state", [STATE_TIME_WAIT, STATE_CLOSE, 12])
def test_what_nobody_can_own_is_left_out(kernel: FakeDiag, proc: Path, state: int) -> None:
    """Time-wait, unconnected, half made."""
    kernel.now = [diag(1, state=state, inode=0)]
    assert look(Round(ProcDir(proc)), 10) == []


def test_a_new_socket_is_bound_with_its_holder(kernel: FakeDiag, proc: Path) -> None:
    """And told once."""
    hold(proc, 9, 5)
    kernel.now = [diag(1)]
    rounds = Round(ProcDir(proc))
    first = look(rounds, 10)
    assert story(first) == [(Kind.SOCKET_BOUND, 9)]
    assert (first[0].evidence, first[0].local_port, first[0].cookie) == (Evidence.PROCFS, 80, 1)
    assert look(rounds, 10.1) == look(rounds, 12) == []


def test_a_listener_is_listening(kernel: FakeDiag, proc: Path) -> None:
    """By its state."""
    hold(proc, 9, 5)
    kernel.now = [diag(1, state=STATE_LISTEN)]
    assert story(look(Round(ProcDir(proc)), 10)) == [(Kind.SOCKET_LISTENING, 9)]


def test_an_accepted_socket_is_held_later(kernel: FakeDiag, proc: Path) -> None:
    """Without an inode it is bound to nobody; its accept is seen at the next look."""
    rounds = Round(ProcDir(proc))
    kernel.now = [diag(1, inode=0)]
    assert story(look(rounds, 10)) == [(Kind.SOCKET_BOUND, None)]
    hold(proc, 9, 5)
    kernel.now = [diag(1, inode=5)]
    assert story(look(rounds, 10.1)) == [(Kind.SOCKET_HELD, 9)]


def test_a_holder_that_lets_go_is_replaced(kernel: FakeDiag, proc: Path) -> None:
    """At the next regular look over all holders."""
    hold(proc, 9, 5)
    kernel.now = [diag(1)]
    rounds = Round(ProcDir(proc))
    look(rounds, 10)
    (proc / "9" / "fd" / "3").unlink()
    hold(proc, 12, 5)
    assert look(rounds, 10.5) == []
    assert story(look(rounds, 11.5)) == [(Kind.SOCKET_HELD, 12)]


def test_what_vanishes_is_closed(kernel: FakeDiag, proc: Path) -> None:
    """Once."""
    kernel.now = [diag(1)]
    rounds = Round(ProcDir(proc))
    look(rounds, 10)
    kernel.now = []
    assert story(look(rounds, 10.1)) == [(Kind.SOCKET_CLOSED, None)]
    assert look(rounds, 10.2) == []


def test_new_addresses_are_bound_anew(kernel: FakeDiag, proc: Path) -> None:
    """A datagram socket that connects."""
    hold(proc, 9, 5)
    kernel.now = [diag(1, protocol=socket.IPPROTO_UDP, state=STATE_CLOSE)]
    rounds = Round(ProcDir(proc))
    look(rounds, 10)
    kernel.now = [diag(1, protocol=socket.IPPROTO_UDP, port=81)]
    assert story(look(rounds, 10.1)) == [(Kind.SOCKET_BOUND, None)]


def test_raw_sockets_have_no_port(kernel: FakeDiag, proc: Path) -> None:
    """What sock_diag shows as port is the protocol they carry."""
    hold(proc, 9, 5)
    kernel.now = [diag(1, protocol=socket.IPPROTO_RAW, port=1, state=STATE_CLOSE)]
    told = look(Round(ProcDir(proc)), 10)
    assert [(event.protocol, event.local_port) for event in told] == [(1, 0)]


def test_a_failing_look_is_told(kernel: FakeDiag, monkeypatch: pytest.MonkeyPatch) -> None:
    """snapshot raises, notes say why, close ends the thread."""

    def fail(*_times: int) -> bytes:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Round, "look", fail)
    tracer = ProcfsTracer()
    tracer.start()
    with pytest.raises(procfs.HostError, match="not permitted"):
        tracer.snapshot()
    tracer.close()
    assert "not permitted" in tracer.notes[-1]
