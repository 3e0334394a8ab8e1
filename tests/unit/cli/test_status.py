"""What a person sees of a recording."""

import dataclasses
import fcntl
import io
import os
import pty
import struct
import termios

import pytest

from pcapdig.cli.status import Status, percent_text, status_line, summary
from pcapdig.record.statistics import InterfaceStatistics, Statistics

LO = InterfaceStatistics(name="lo", received=1005, dropped=5, written=1000)
RUNNING = Statistics(
    elapsed_ns=12_345_000_000,
    packets=1000,
    wire_bytes=667_976,
    file_bytes=700_000,
    kernel_drops=5,
    lost_events=0,
    ends_by_evidence={"socket": 1900, "snapshot": 88, "listener": 0},
    ends_kernel=12,
    ends_unknown=1,
    interfaces=(LO,),
    tracer="core",
    notes=("sock_send_length left out: this kernel has no such tracepoint",),
)
EMPTY = Statistics(elapsed_ns=0, packets=0, wire_bytes=0, file_bytes=0, kernel_drops=0, lost_events=0)


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        """Always."""
        return True


def test_pipe_gets_one_plain_line() -> None:
    """Where and what, once, without escapes, whatever the number of seconds."""
    stream = io.StringIO()
    status = Status(stream, "a.pcapng")
    for _ in range(3):
        status(RUNNING)
    status.clear()
    assert "recording on lo to a.pcapng\n" == stream.getvalue()


def test_terminal_gets_a_line_that_is_rewritten() -> None:
    """Each second over the one before, and taken away at the end."""
    stream = Terminal()
    status = Status(stream, "a.pcapng")
    status(RUNNING)
    status(RUNNING)
    status.clear()
    assert 2 == stream.getvalue().count("12s  1,000 packets")
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_hostile_file_name_does_not_reach_the_terminal() -> None:
    """Escapes in the name become dots."""
    stream = io.StringIO()
    Status(stream, "a\x1b[2J")(RUNNING)
    assert "\x1b" not in stream.getvalue()


def test_status_line_counts() -> None:
    """Time, packets, bytes, drops, share of ends named."""
    assert "12s  1,000 packets  652.32KB  5 dropped  99.94% named" == status_line(RUNNING)


def test_status_line_before_the_first_packet() -> None:
    """No share of nothing is claimed."""
    assert "0s  0 packets  0B  0 dropped  no process yet" == status_line(EMPTY)


def test_summary_shows_losses_and_evidence() -> None:
    """Packets, bytes, duration, drops, lost events, named by evidence, kernel-made, unknown, tracer, notes."""
    assert [
        "recorded  1,000 packets, 652.32KB in 12.35s to a.pcapng",
        "lost      5 packets dropped by the kernel (5 on lo), 0 socket events lost",
        "named     1,988 of 1,989 packet ends (99.94%): socket 1,900, snapshot 88",
        "no owner  12 ends made by the kernel, 1 unknown",
        "tracer    core",
        "note      sock_send_length left out: this kernel has no such tracepoint",
    ] == summary(RUNNING, "a.pcapng").splitlines()


def test_summary_of_a_filtered_recording_says_of_how_many() -> None:
    """The bytes are those of all packets that passed by."""
    filtered = dataclasses.replace(RUNNING, packets=7)
    assert (
        "recorded  7 packets of 1,000 seen (652.32KB) in 12.35s to a.pcapng"
        == summary(filtered, "a.pcapng").splitlines()[0]
    )


def test_summary_of_nothing_is_plain() -> None:
    """Zero losses are said, a share is not."""
    lines = summary(EMPTY, None).splitlines()
    assert "seen      0 packets, 0B in 0.00s" == lines[0]
    assert "lost      0 packets dropped by the kernel, 0 socket events lost" == lines[1]
    assert "named     no packet had an end that a process here could own" == lines[2]


def test_summary_names_late_and_early_packets() -> None:
    """Losses of our own making are not kept quiet."""
    late = Statistics(
        elapsed_ns=1,
        packets=1,
        wire_bytes=1,
        file_bytes=1,
        kernel_drops=0,
        lost_events=1,
        late_packets=1,
        released_early=2000,
    )
    assert (
        "lost      0 packets dropped by the kernel, 1 socket event lost, 1 packet too late for their place in the file, "
        "2,000 packets written before their hold-back ended"
    ) == summary(late, None).splitlines()[1]


@pytest.mark.parametrize(("percent", "expected"), [(100.0, "100.00%"), (99.9999, "99.99%"), (0.0, "0.00%")])
def test_a_hundred_percent_is_written_only_when_nothing_is_missing(percent: float, expected: str) -> None:
    """Cut, never rounded up."""
    assert expected == percent_text(percent)


def test_a_narrow_terminal_gets_one_line() -> None:
    """Forty columns, and fewer after a resize: what a second adds replaces what the one before showed."""
    ours, theirs = pty.openpty()
    with open(theirs, "w") as stream:
        status = Status(stream, "t.pcapng")
        for columns in (40, 20):
            fcntl.ioctl(stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            status(RUNNING)
        status.clear()
        shown = ""
        while shown.count("\r") < 3 or not shown.endswith("\x1b[K"):  # it comes in pieces
            shown += os.read(ours, 4096).decode()
    os.close(ours)
    assert [len(line.removesuffix("\x1b[K")) for line in shown.split("\r")] == [0, 39, 19, 0]
