"""The line that shows how far a dig has come, with a clock of the test's, and on a real pseudo-terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command import ROOT, environment

from pcapdig.cli.progress import Progress, progress_line, shows_progress, span_text

S = 1_000_000_000
LAMP = ROOT / "fixtures" / "lamp.pcapng.gz"


@dataclass
class Clock:
    """Stands still until it is set."""

    now_ns: int = 0

    def __call__(self) -> int:
        """Its time."""
        return self.now_ns


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        """Always."""
        return True


@dataclass
class Source:
    """Half read."""

    size_bytes: int | None = 4 << 20
    position_bytes: int = 2 << 20


def progress(clock: Clock, *sources: Source, out: io.StringIO | None = None) -> tuple[Progress, Terminal]:
    """One on a terminal, and the terminal."""
    stream = Terminal()
    return Progress(stream, out or io.StringIO(), sources or (Source(),), clock=clock), stream  # type: ignore[arg-type]


def test_nothing_of_what_takes_no_longer_than_a_second() -> None:
    """And nothing is erased then."""
    clock = Clock()
    shown, stream = progress(clock)
    clock.now_ns = S - 1
    shown.update()
    shown.clear()
    assert stream.getvalue() == ""


def test_ten_times_a_second_at_most() -> None:
    """However often it is told."""
    clock = Clock()
    shown, stream = progress(clock)
    for clock.now_ns in range(S, 2 * S, S // 1000):
        shown.update()
    assert stream.getvalue().count("%") == 10


def test_it_is_taken_away_once() -> None:
    """At the end, and before output where that goes to a terminal too."""
    clock = Clock(S)
    out = Terminal()
    shown, stream = progress(Clock(), out=out)
    shown._clock = clock  # type: ignore[misc]
    shown.update()
    shown.write("a line\n")
    shown.write("another\n")
    shown.clear()
    assert stream.getvalue() == "\r 50%  2.00M of 4.00M  2.00M/s  1s left\x1b[K\r\x1b[K"
    assert out.getvalue() == "a line\nanother\n"


def test_it_stays_while_output_goes_elsewhere() -> None:
    """No flicker."""
    clock = Clock()
    shown, stream = progress(clock)
    clock.now_ns = S
    shown.update()
    shown.write("a line\n")
    assert not stream.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("position", "size", "elapsed_ns", "line"),
    [
        (0, 4 << 20, 2 * S, "  0%  0B of 4.00M  0B/s"),
        (1 << 21, 1 << 30, 2 * S, "  0%  2.00M of 1024.00M  1024.00KB/s  17m02s left"),
        (3 << 29, 2 << 30, S, " 75%  1.50G of 2.00G  1.50G/s  1s left"),
        (5 << 20, 4 << 20, S, "100%  4.00M of 4.00M  5.00M/s  0s left"),
        (1 << 21, None, 2 * S, "2.00M  1024.00KB/s"),
        (0, 0, 0, "0B  0B/s"),
    ],
)
def test_what_it_says(position: int, size: int | None, elapsed_ns: int, line: str) -> None:
    """How far, how fast, how long still; without a size only how much and how fast."""
    assert progress_line(position, size, elapsed_ns) == line


def test_spans() -> None:
    """Two units at most."""
    assert [span_text(seconds) for seconds in (0, 59, 60, 3599, 3600, 90_061)] == [
        *("0s", "59s", "1m00s", "59m59s", "1h00m", "25h01m"),
    ]


def test_several_files_are_one_whole() -> None:
    """If one has no size, the whole has none."""
    clock = Clock()
    for sources, part in (
        ((Source(), Source(position_bytes=0)), " 25%  2.00M of 8.00M"),
        ((Source(), Source(None)), "\r4.00M  "),
    ):
        clock.now_ns = 0
        shown, stream = progress(clock, *sources)
        clock.now_ns = S
        shown.update()
        assert part in stream.getvalue()


def test_batches_are_made_as_small_as_they_are_slow() -> None:
    """So that the line moves; fast ones grow to the usual size. Afterwards nothing of it stays."""
    clock = Clock()
    shown, _ = progress(clock)
    trace: Any = SimpleNamespace(batch_bytes=64 << 20)
    sizes = []
    for took_ns in shown.watch(iter([1, 1, 1, 1, 1, S, S, S // 20]), trace):  # type: ignore[arg-type]
        sizes.append(trace.batch_bytes >> 20)
        clock.now_ns += took_ns  # type: ignore[operator]
    assert sizes == [4, 8, 16, 32, 64, 64, 32, 16]


def test_a_terminal_that_is_gone_stops_no_dig() -> None:
    """It is left alone from then on."""

    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    clock = Clock()
    shown = Progress(Gone(), io.StringIO(), [Source()], clock=clock)  # type: ignore[list-item]
    clock.now_ns = S
    shown.update()
    clock.now_ns = 9 * S
    shown.update()
    shown.clear()


def test_only_on_a_terminal_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """None in a pipe, none where TERM=dumb."""
    monkeypatch.setenv("TERM", "xterm")
    assert shows_progress(Terminal())
    assert not shows_progress(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not shows_progress(Terminal())


RUN = """
import sys
from pcapdig.cli import copying, main, progress
copying.BATCH_BYTES = 4_000
progress._QUIET_NS = progress._REDRAW_NS = 0
progress._FIRST_BATCH_BYTES = 20_000
sys.exit(main(sys.argv[1:]))
"""
"""Digs as pcapdig does, with a line from the beginning."""


def on_terminal(
    *words: str, same: bool = False, raw: bool = False, term: str = "xterm", stdin: bytes = b""
) -> tuple[str, str, int]:
    """What goes to stdout, to a terminal that is stderr (with `same` all there), and the exit status. `raw`: as under a pager."""
    import tty

    master, slave = pty.openpty()
    if raw:
        tty.setraw(slave)
    said = bytearray()

    def listen() -> None:
        while True:
            try:
                said.extend(os.read(master, 4096))
            except OSError:
                return

    listener = threading.Thread(target=listen)
    listener.start()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        input=stdin,
        stdout=slave if same else subprocess.PIPE,
        stderr=slave,
        env={**environment(), "TERM": term},
        cwd="/",
        check=False,
        timeout=60,
    )
    os.close(slave)
    listener.join()
    os.close(master)
    return (done.stdout or b"").decode(), said.decode().replace("\r\n", "\n"), done.returncode


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """The capture, unpacked."""
    import gzip

    path = tmp_path / "lamp.pcapng"
    path.write_bytes(gzip.decompress(LAMP.read_bytes()))
    return str(path)


def test_a_terminal_sees_it_go_on_and_away(plain: str) -> None:
    """Rising percentages, and an empty line at the end; output is as ever."""
    out, said, status = on_terminal("-r", plain, "-c", "topconns", "-n", "1000000")
    percents = [int(percent) for percent in re.findall(r"\r *(\d+)%", said)]
    assert (status, out) == (0, (ROOT / "fixtures" / "golden" / "topconns.txt").read_text())
    assert len(percents) > 2
    assert percents == sorted(percents)
    assert percents[-1] >= 90
    assert said.endswith("\r\x1b[K")


def test_tables_of_all_packets_are_watched_too(plain: str) -> None:
    """They are read in a thread, looked at from time to time and at the end."""
    out, said, status = on_terminal("-r", plain, "-c", "topconns")
    assert (status, out) == (0, (ROOT / "fixtures" / "golden" / "topconns.txt").read_text())
    assert "\r100%" in said
    assert said.endswith("\r\x1b[K")


def test_a_copy_is_seen_too(plain: str, tmp_path: Path) -> None:
    """-r with -w, of pcapng as of pcap and of several files; what is written is as ever."""
    subprocess.run(["editcap", "-F", "pcap", plain, tmp_path / "lamp.pcap"], check=True)
    for sources in ([plain], [str(tmp_path / "lamp.pcap")], [plain, plain]):
        words = [word for source in sources for word in ("-r", source)]
        _, said, status = on_terminal(*words, "-w", str(tmp_path / "seen"))
        on_terminal(*words, "-w", str(tmp_path / "unseen"), term="dumb")
        percents = [int(percent) for percent in re.findall(r"\r *(\d+)%", said)]
        assert status == 0
        assert percents == sorted(percents)
        assert percents[-1] >= 90
        assert said.endswith("\r\x1b[K")
        assert (tmp_path / "seen").read_bytes() == (tmp_path / "unseen").read_bytes()


def test_compressed_files_are_measured_as_they_lie_on_disk() -> None:
    """By the bytes read of them."""
    _, said, _ = on_terminal("-r", str(LAMP), "-c", "topconns")
    assert f"100%  {LAMP.stat().st_size / 1024:.2f}KB of {LAMP.stat().st_size / 1024:.2f}KB" in said


def test_a_pipe_has_no_end_to_count_to(plain: str) -> None:
    """Only how much and how fast."""
    _, said, status = on_terminal("-r", "-", "-c", "topconns", stdin=Path(plain).read_bytes())
    assert status == 0
    assert "%" not in said
    assert re.search(r"\r[\d.]+KB  [\d.]+\w+/s\x1b\[K", said)


def test_lines_on_the_same_terminal_stand_alone(plain: str) -> None:
    """What is not erased is the output."""
    _, said, _ = on_terminal("-r", plain, "-t", "a", "proc.name=mysqld", same=True)
    alone, _, _ = on_terminal("-r", plain, "-t", "a", "proc.name=mysqld", term="dumb")
    assert "%" in said
    colours = re.compile(r"\x1b\[[\d;]*m")
    assert colours.sub("", re.sub(r"\r[^\r\n]*\x1b\[K", "", said)) == alone


def test_an_error_stands_alone(plain: str, tmp_path: Path) -> None:
    """After what was there has been erased."""
    (tmp_path / "cut").write_bytes(Path(plain).read_bytes()[:-10])
    _, said, status = on_terminal("-r", str(tmp_path / "cut"), "-c", "topconns")
    assert status == 1
    assert re.search(r"%[^\n]*\r\x1b\[K\S*cut: damaged at byte \d+", said)


def test_it_leaves_a_pager_alone(plain: str) -> None:
    """One that reads our pipe and has the terminal to itself."""
    assert on_terminal("-r", plain, "-c", "topconns", raw=True)[1] == ""


def test_a_dumb_terminal_and_a_pipe_see_nothing(plain: str) -> None:
    """No escapes where they would be seen; and nothing is loaded for it."""
    assert on_terminal("-r", plain, "-c", "topconns", term="dumb")[1] == ""
    code = (
        "import sys; from pcapdig.cli import main; main(sys.argv[1:]); sys.exit('pcapdig.cli.progress' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "-r", plain, "-c", "topconns"],
        capture_output=True,
        env=environment(),
        cwd="/",
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_several_files_are_measured_together(plain: str) -> None:
    """Plain and compressed ones."""
    _, said, _ = on_terminal("-r", plain, "-r", str(LAMP), "-c", "topconns")
    size = (Path(plain).stat().st_size + LAMP.stat().st_size) / 1024
    percents = [int(percent) for percent in re.findall(r"\r *(\d+)%", said)]
    assert f" of {size:.2f}KB" in said
    assert percents == sorted(percents)
    assert percents[-1] >= 90


def test_nothing_is_drawn_from_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program has the terminal then; it comes back with us."""

    class Controlling(Terminal):
        def fileno(self) -> int:
            return 2

    clock = Clock()
    stream = Controlling()
    shown = Progress(stream, io.StringIO(), [Source()], clock=clock)  # type: ignore[list-item]
    clock.now_ns = S
    monkeypatch.setattr(os, "tcgetpgrp", lambda terminal: os.getpgrp() + 1)
    shown.update()
    assert stream.getvalue() == ""
    monkeypatch.setattr(os, "tcgetpgrp", lambda terminal: os.getpgrp())
    shown.update()
    assert " 50%" in stream.getvalue()
