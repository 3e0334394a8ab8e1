"""The comparison of one look with the next, without a kernel."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pcapdig.procs.procdir import ProcDir
from pcapdig.tracer import rounds as module
from pcapdig.tracer.events import Evidence, Kind, SocketEvent, mapped, split, unpack
from pcapdig.tracer.rounds import Rounds
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

    def sockets(self, *, progress: bool = False) -> Iterator[DiagSocket]:
        return iter(self.now)

    def close(self) -> None:
        pass


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeDiag:
    """What a look lists."""
    fake = FakeDiag()
    monkeypatch.setattr(module.sockdiag, "SockDiag", lambda: fake)
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


def look(rounds: Rounds, at: float) -> list[SocketEvent]:
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
    assert look(Rounds(ProcDir(proc)), 10) == []


def test_a_new_socket_is_bound_with_its_holder(kernel: FakeDiag, proc: Path) -> None:
    """And told once."""
    hold(proc, 9, 5)
    kernel.now = [diag(1)]
    rounds = Rounds(ProcDir(proc))
    first = look(rounds, 10)
    assert story(first) == [(Kind.SOCKET_BOUND, 9)]
    assert (first[0].evidence, first[0].local_port, first[0].cookie) == (Evidence.PROCFS, 80, 1)
    assert look(rounds, 10.1) == look(rounds, 12) == []


def test_a_listener_is_listening(kernel: FakeDiag, proc: Path) -> None:
    """By its state."""
    hold(proc, 9, 5)
    kernel.now = [diag(1, state=STATE_LISTEN)]
    assert story(look(Rounds(ProcDir(proc)), 10)) == [(Kind.SOCKET_LISTENING, 9)]


def test_an_accepted_socket_is_held_later(kernel: FakeDiag, proc: Path) -> None:
    """Without an inode it is bound to nobody; its accept is seen at the next look."""
    rounds = Rounds(ProcDir(proc))
    kernel.now = [diag(1, inode=0)]
    assert story(look(rounds, 10)) == [(Kind.SOCKET_BOUND, None)]
    hold(proc, 9, 5)
    kernel.now = [diag(1, inode=5)]
    assert story(look(rounds, 10.1)) == [(Kind.SOCKET_HELD, 9)]


def test_a_shared_socket_is_nobodys(kernel: FakeDiag, proc: Path) -> None:
    """Of two holders either may use it."""
    hold(proc, 9, 5)
    hold(proc, 10, 5)
    kernel.now = [diag(1)]
    rounds = Rounds(ProcDir(proc))
    assert story(look(rounds, 10)) == [(Kind.SOCKET_BOUND, None)]
    (proc / "9" / "fd" / "3").unlink()
    alone = look(rounds, 11.5)
    assert story(alone) == [(Kind.SOCKET_CLOSED, None), (Kind.SOCKET_BOUND, 10)]
    assert alone[1].time_ns == 11_500_000_000


def test_a_fork_takes_the_name_back(kernel: FakeDiag, proc: Path) -> None:
    """At the next look, from the child's start on, under another cookie: what was sent before keeps its name."""
    hold(proc, 9, 5)
    kernel.now = [diag(1)]
    rounds = Rounds(ProcDir(proc))
    look(rounds, 10)
    hold(proc, 12, 5, start=1005)
    told = look(rounds, 10.1)
    assert story(told) == [(Kind.SOCKET_CLOSED, None), (Kind.SOCKET_BOUND, None)]
    assert [event.time_ns for event in told] == [10_050_000_000] * 2
    assert told[0].cookie == 1
    assert told[1].cookie not in {0, 1}
    kernel.now = []
    assert [event.cookie for event in look(rounds, 10.2)] == [told[1].cookie]


def test_a_fork_whose_parent_lets_go_at_once(kernel: FakeDiag, proc: Path) -> None:
    """The parent is looked at again with its child: then the child alone holds it."""
    hold(proc, 9, 5)
    kernel.now = [diag(1)]
    rounds = Rounds(ProcDir(proc))
    look(rounds, 10)
    hold(proc, 12, 5, start=1005)
    (proc / "9" / "fd" / "3").unlink()
    assert story(look(rounds, 10.1))[-1] == (Kind.SOCKET_HELD, 12)


def test_a_child_that_came_and_went_leaves_a_gap(kernel: FakeDiag, proc: Path) -> None:
    """Between two looks it may have used its parent's socket: nobody is named from the last look to this one."""
    hold(proc, 9, 5)
    kernel.now = [diag(1)]
    rounds = Rounds(ProcDir(proc))
    look(rounds, 10)
    stat = proc / "9" / "stat"
    before = stat.read_text().split()
    before[10] = "7"
    stat.write_text(" ".join(before))
    told = look(rounds, 10.1)
    assert story(told) == [
        (Kind.SOCKET_CLOSED, None), (Kind.SOCKET_BOUND, None), (Kind.SOCKET_CLOSED, None), (Kind.SOCKET_BOUND, 9)
    ]  # fmt: skip
    assert [event.time_ns for event in told] == [10_000_000_000, 10_000_000_000, 10_100_000_000, 10_100_000_000]
    assert len({event.cookie for event in told}) == 3
    assert look(rounds, 10.2) == []


def test_a_new_socket_of_one_that_forked_is_named_from_now_on(kernel: FakeDiag, proc: Path) -> None:
    """Who used it before this look is not known."""
    hold(proc, 9, 5)
    rounds = Rounds(ProcDir(proc))
    look(rounds, 10)
    kernel.now = [diag(1)]
    stat = proc / "9" / "stat"
    before = stat.read_text().split()
    before[10] = "7"
    stat.write_text(" ".join(before))
    assert story(look(rounds, 10.1)) == [(Kind.SOCKET_BOUND, None), (Kind.SOCKET_CLOSED, None), (Kind.SOCKET_BOUND, 9)]


def test_a_descriptor_passed_on_is_seen_at_the_regular_look(kernel: FakeDiag, proc: Path) -> None:
    """To a process that was there before."""
    hold(proc, 9, 5)
    hold(proc, 12, 77)
    kernel.now = [diag(1)]
    rounds = Rounds(ProcDir(proc))
    look(rounds, 10)
    (proc / "9" / "fd" / "3").rename(proc / "12" / "fd" / "4")
    assert look(rounds, 10.5) == []
    assert story(look(rounds, 11.5)) == [(Kind.SOCKET_HELD, 12)]


def test_what_vanishes_is_closed(kernel: FakeDiag, proc: Path) -> None:
    """Once."""
    kernel.now = [diag(1)]
    rounds = Rounds(ProcDir(proc))
    look(rounds, 10)
    kernel.now = []
    assert story(look(rounds, 10.1)) == [(Kind.SOCKET_CLOSED, None)]
    assert look(rounds, 10.2) == []


def test_what_vanishes_with_its_holder_was_anyones(kernel: FakeDiag, proc: Path) -> None:
    """A child of a holder that is gone too may have used it since the last look."""
    hold(proc, 9, 5)
    kernel.now = [diag(1)]
    rounds = Rounds(ProcDir(proc))
    look(rounds, 10)
    for entry in ("fd/3", "stat", "status"):
        (proc / "9" / entry).unlink()
    (proc / "9" / "fd").rmdir()
    (proc / "9").rmdir()
    kernel.now = []
    told = look(rounds, 10.1)
    assert story(told) == [(Kind.SOCKET_CLOSED, None), (Kind.SOCKET_BOUND, None), (Kind.SOCKET_CLOSED, None)]
    assert [event.time_ns for event in told] == [10_000_000_000, 10_000_000_000, 10_100_000_000]


def test_new_addresses_are_bound_anew(kernel: FakeDiag, proc: Path) -> None:
    """A datagram socket that connects."""
    hold(proc, 9, 5)
    kernel.now = [diag(1, protocol=socket.IPPROTO_UDP, state=STATE_CLOSE)]
    rounds = Rounds(ProcDir(proc))
    look(rounds, 10)
    kernel.now = [diag(1, protocol=socket.IPPROTO_UDP, port=81)]
    assert story(look(rounds, 10.1)) == [(Kind.SOCKET_BOUND, None)]


def test_raw_sockets_have_no_port(kernel: FakeDiag, proc: Path) -> None:
    """What sock_diag shows as port is the protocol they carry."""
    hold(proc, 9, 5)
    kernel.now = [diag(1, protocol=socket.IPPROTO_RAW, port=1, state=STATE_CLOSE)]
    told = look(Rounds(ProcDir(proc)), 10)
    assert [(event.protocol, event.local_port) for event in told] == [(1, 0)]
