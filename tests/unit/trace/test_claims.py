"""Comments found by their bytes: Python reads each different one once."""

from __future__ import annotations

from typing import Any

from pcapdig.pcapng import comments
from pcapdig.procs.process import Process
from pcapdig.trace.processes import Processes
from pcapdig.trace.trace import Trace


def test_each_comment_is_read_once(take: Any, files: Any, wire: Any, monkeypatch: Any) -> None:
    """Thousands of packets of 701 processes on changing flows ask 1402 times."""
    asked: list[bytes] = []
    read = Processes.claim_of

    def counted(self: Processes, comment: bytes) -> Any:
        asked.append(comment)
        return read(self, comment)

    monkeypatch.setattr(Processes, "claim_of", counted)
    processes = [Process(name="worker", pid=i) for i in range(701)]
    packets = []
    for turn in range(3):
        for i, process in enumerate(processes):
            is_write = (turn + i) % 2 == 0
            text = comments.line(process, is_write=is_write, evidence="socket")
            packets.append(files.packet(wire.tcp(b"x", ports=(1000 + i % 5, 80)), comments=(text,)))
    taken = take(files.pcapng(*packets))
    assert len(asked) == len(set(asked)) == 1402
    ends = [writer if writer >= 0 else reader for writer, reader in zip(taken.writer, taken.reader, strict=True)]
    assert [taken.trace.processes[row].pid for row in ends] == list(range(701)) * 3


def test_flows_that_keep_their_comments(take: Any, files: Any, wire: Any) -> None:
    """The usual case: both ends of each flow stay the same, in both directions."""
    packets = []
    for turn in range(5):
        for flow in range(3):
            client, server = Process(name="c", pid=100 + flow), Process(name="s", pid=200 + flow)
            writer, reader = (client, server) if turn % 2 else (server, client)
            texts = (
                comments.line(writer, is_write=True, evidence="socket"),
                comments.line(reader, is_write=False, evidence="listener"),
            )
            frame = wire.tcp(b"x", ports=(1000 + flow, 80), forward=turn % 2 == 1)
            packets.append(files.packet(frame, comments=texts))
    taken = take(files.pcapng(*packets))
    pids = [process.pid for process in taken.trace.processes]
    clients, servers = [100, 101, 102], [200, 201, 202]
    assert [pids[row] for row in taken.writer] == (servers + clients) * 2 + servers
    assert [pids[row] for row in taken.reader] == (clients + servers) * 2 + clients
    assert taken.reader_evidence == [3] * 15


def test_a_comment_that_names_nobody_is_asked_once(take: Any, files: Any, wire: Any, monkeypatch: Any) -> None:
    """The answer "none" is remembered too."""
    asked = []
    monkeypatch.setattr(Processes, "claim_of", lambda self, comment: asked.append(comment))
    packet = files.packet(wire.tcp(), comments=(b"proc.name=broken",))
    assert take(files.pcapng(packet, packet, packet)).writer == [-1, -1, -1]
    assert asked == [b"proc.name=broken"]


def test_comments_of_equal_beginning_are_told_apart(take: Any, files: Any, wire: Any) -> None:
    """One byte at the very end, or one more, is another comment."""
    process = Process(name="p", pid=1, cmdline="run 1")
    texts = [comments.line(process, is_write=True, evidence="socket")]
    texts += [texts[0][:-2] + b'2"', texts[0][:-2] + b'12"']
    taken = take(files.pcapng(*(files.packet(wire.tcp(), comments=(text,)) for text in texts * 2)))
    assert taken.writer == [0, 1, 2, 0, 1, 2]
    assert [p.cmdline for p in taken.trace.processes] == ["run 1", "run 2", "run 12"]


def test_a_failure_to_read_a_comment_is_not_hidden(files: Any, wire: Any, monkeypatch: Any) -> None:
    """An error of ours comes out as it is, not as damage of the file."""

    def fails(self: Processes, comment: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Processes, "claim_of", fails)
    data = files.pcapng(files.packet(wire.tcp(), comments=(b"proc.name=x",)))
    try:
        list(Trace().feed(data))
    except ZeroDivisionError:
        return
    raise AssertionError("the error was lost")
