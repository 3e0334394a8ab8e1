"""Live runs with a recorder of our own: what packets go to, what ends a run, what is said."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from pcapdig.cli import recording
from pcapdig.errors import HostError, UsageError
from pcapdig.pcapng.sink import FileSink, ReaderGoneError, SinkError, Taken
from pcapdig.record.options import RecordOptions
from pcapdig.record.recorder import RecordingEnded
from pcapdig.record.statistics import InterfaceStatistics, Statistics

Run = Callable[..., "Ended"]  # noqa: F821  # of conftest.py, which tests cannot import
pytestmark = pytest.mark.usefixtures("folder", "recorder")


class Recorder:
    """Gives a capture to the sink in two batches, then waits for nothing."""

    capture: ClassVar[bytes] = b""
    options: ClassVar[RecordOptions]
    fails: ClassVar[Exception | None] = None
    before_second: ClassVar[Callable[[], None]] = lambda: None
    stopped: ClassVar[bool]

    def __init__(
        self,
        options: RecordOptions,
        sink: Callable[[bytes], Taken | None],
        status: Callable[[Statistics], None],
        was_cut: Callable[[], bool],
    ) -> None:
        type(self).options, type(self).stopped = options, False
        self._sink, self._status, self._kept = sink, status, 0

    def stop(self) -> None:
        """As the real one."""
        type(self).stopped = True

    def run(self) -> Statistics:
        """Two batches, a status after each."""
        if isinstance(self.fails, (UsageError, PermissionError)):
            raise self.fails
        half = self.capture.index(b"GET") - 82  # the block with the request begins the second batch
        half = len(self.capture) if half < 0 else self._block_before(half)
        try:
            for batch in (self.capture[:half], self.capture[half:]):
                self._status(self.statistics())
                kept = self._sink(batch)
                self._kept += 3 if kept is None else kept.packets
                type(self).before_second()
                if self.stopped:
                    break
            if self.fails:
                raise self.fails
        except HostError as error:
            raise RecordingEnded(str(error), self.statistics()) from error
        return self.statistics()

    def _block_before(self, offset: int) -> int:
        at = 0
        while True:
            size = int.from_bytes(self.capture[at + 4 : at + 8], "little")
            if at + size > offset:
                return at
            at += size

    def statistics(self) -> Statistics:
        """What was kept."""
        return Statistics(
            elapsed_ns=2_500_000_000,
            packets=self._kept,
            wire_bytes=500,
            file_bytes=1000,
            kernel_drops=0,
            lost_events=0,
            ends_by_evidence={"socket": 12},
            interfaces=(InterfaceStatistics(name="lo", received=6, dropped=0, written=6),),
            tracer="core",
        )


@pytest.fixture
def recorder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    """Put the recorder of this file in the place of the real one."""

    class Own(Recorder):
        capture = (folder / "t.pcapng").read_bytes()

    monkeypatch.setattr(recording, "Recorder", Own)
    return Own


def test_nothing_asked_for_that_is_wrong_starts_a_recording(run: Run, recorder: type[Recorder]) -> None:
    """Filter, format and chisel are checked before the recorder is made."""
    for argv in (["fd.bogus=1"], ["-p", "%fd.bogus"], ["spy_ip", "1.2.3"], ["-w", "a", "fd.bogus=1"]):
        ended = run(*argv)
        assert (1, "") == (ended.status, ended.out)
        assert not hasattr(recorder, "options")


def test_a_recording_that_cannot_begin_leaves_no_file(run: Run, recorder: type[Recorder], folder: Path) -> None:
    """One line, exit status 1."""
    recorder.fails = UsageError("no interface named nosuch0; there are: lo")
    ended = run("-w", "a.pcapng", "--interface", "nosuch0")
    assert (1, "", "no interface named nosuch0; there are: lo\n") == (ended.status, ended.out, ended.err)
    assert not (folder / "a.pcapng").exists()


def test_a_recording_that_ends_early_is_summed_up_and_told(run: Run, recorder: type[Recorder], folder: Path) -> None:
    """The file is whole, the summary comes, the reason is the last line, exit status 1."""
    recorder.fails = HostError("interface lo went away")
    ended = run("-w", "a.pcapng")
    assert 1 == ended.status
    assert "recorded  6 packets" in ended.err
    assert "interface lo went away" == ended.err.splitlines()[-1]
    assert (folder / "t.pcapng").read_bytes() == (folder / "a.pcapng").read_bytes()


def test_a_reader_of_packets_that_leaves_is_no_error(run: Run, recorder: type[Recorder]) -> None:
    """`pcapdig -w - | head -c 100`."""
    recorder.fails = ReaderGoneError("standard output: its reader is gone", Taken(0, 0))
    assert 0 == run("-w", "a.pcapng").status


@pytest.mark.parametrize("is_reader_gone", [False, True])
def test_a_file_that_fails_when_it_is_closed_is_summed_up(
    run: Run, monkeypatch: pytest.MonkeyPatch, is_reader_gone: bool
) -> None:
    """What is lost with the last packets is counted off, and the reason told, unless the reader just left."""
    kind = ReaderGoneError if is_reader_gone else SinkError

    def fail(sink: FileSink) -> None:
        raise kind("cannot write a.pcapng.gz: No space left on device", Taken(-2, -120))

    with monkeypatch.context() as patch:
        patch.setattr(FileSink, "close", fail)
        patch.setattr(FileSink, "__exit__", lambda *_: None)
        ended = run("-w", "a.pcapng.gz", "-z")
    assert "recorded  4 packets of 6 seen" in ended.err
    assert (0 if is_reader_gone else 1) == ended.status
    assert ("No space left on device" not in ended.err) == is_reader_gone


def test_a_recording_is_the_recorders_blocks(run: Run, folder: Path) -> None:
    """Byte for byte, and stderr says where and then what."""
    ended = run("-w", "a.pcapng")
    assert (0, "") == (ended.status, ended.out)
    assert (folder / "t.pcapng").read_bytes() == (folder / "a.pcapng").read_bytes()
    assert "recording on lo to a.pcapng" == ended.err.splitlines()[0]
    assert "recorded  6 packets, 500B in 2.50s to a.pcapng" == ended.err.splitlines()[1]


def test_quiet_says_nothing(run: Run) -> None:
    """-q: neither status nor summary."""
    ended = run("-q", "-w", "a.pcapng")
    assert (0, "", "") == (ended.status, ended.out, ended.err)


def test_options_reach_the_recorder(run: Run, recorder: type[Recorder]) -> None:
    """As the user gave them; the limit only where packets are counted."""
    run("-w", "a.pcapng", "-n", "5", "--tracer", "procfs", "-s", "96")
    assert RecordOptions(packet_limit=5, tracer="procfs", snap_length=96) == recorder.options
    run("-n", "5", "-f", "tcp")
    assert RecordOptions(packet_limit=None, bpf="tcp") == recorder.options


def test_a_filter_keeps_what_passes(run: Run, folder: Path) -> None:
    """The recorder is told how many that were."""
    ended = run("-w", "a.pcapng", "evt.is_io=true")
    assert "recorded  2 packets of 6 seen (500B) in 2.50s to a.pcapng" == ended.err.splitlines()[1]
    assert 2 == len(run("-r", "a.pcapng", "-p", "%evt.num", "evt.io_dir=write").out.split())


def test_compressed_recordings_dig(run: Run) -> None:
    """-z."""
    run("-w", "a.pcapng.gz", "-z")
    assert "91B       httpd" in run("-r", "a.pcapng.gz", "-c", "topprocs_net").out


def test_event_lines_scroll_live(run: Run) -> None:
    """Without -w and chisel."""
    ended = run("proc.name=httpd")
    assert 6 == len(ended.out.splitlines())
    assert "httpd (15457) < read res=41 data=GET /nosuch" in ended.out
    assert ended.err.startswith("seen      6 packets, 500B in 2.50s\n")


def test_n_ends_a_live_run(run: Run, recorder: type[Recorder]) -> None:
    """After so many lines the recorder is stopped."""
    ended = run("-n", "2")
    assert 2 == len(ended.out.splitlines())
    assert recorder.stopped


def test_a_chisel_runs_live(run: Run) -> None:
    """In a pipe its table follows, without escapes."""
    ended = run("topprocs_net")
    assert "91B       curl" in ended.out
    assert "\x1b" not in ended.out


def test_a_chisel_runs_beside_a_recording(run: Run, folder: Path) -> None:
    """-w and -c together do both."""
    ended = run("-w", "a.pcapng", "-c", "topprocs_net", "-n", "9")
    assert "91B       curl" in ended.out
    assert (folder / "t.pcapng").read_bytes() == (folder / "a.pcapng").read_bytes()


@pytest.mark.parametrize("number", recording.ENDING_SIGNALS)
def test_signals_end_a_recording_cleanly(run: Run, recorder: type[Recorder], number: signal.Signals) -> None:
    """Ctrl-C, kill, hang-up: exit status 0, and handlers are as before."""
    before = signal.getsignal(number)
    recorder.before_second = lambda: os.kill(os.getpid(), number)
    ended = run("-w", "a.pcapng")
    assert recorder.stopped
    assert 0 == ended.status
    assert before == signal.getsignal(number)


def test_a_second_ctrl_c_does_not_wait(run: Run, recorder: type[Recorder]) -> None:
    """It acts as Ctrl-C does elsewhere."""

    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    recorder.before_second = twice
    # A shell ignores SIGINT in what it runs in the background, these tests among it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert 130 == run("-w", "a.pcapng").status
    finally:
        signal.signal(signal.SIGINT, before)


def test_nohup_is_respected() -> None:
    """A hang-up that is ignored stays so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with recording.ended_by_signals(lambda: None):
            assert signal.SIG_IGN == signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_reader_of_text_that_leaves_ends_the_run(
    run: Run, recorder: type[Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pcapdig | head -1`: the recorder is stopped, nothing is said, exit status 0."""

    def gone(text: str) -> int:
        raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr(sys.stdout, "write", gone)
        ended = run("fd.port=80")
    assert (0, "") == (ended.status, ended.err)
    assert recorder.stopped
