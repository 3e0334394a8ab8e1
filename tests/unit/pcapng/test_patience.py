"""Writers whose reader does not read, on real pipes."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pcapdig.pcapng.patience import LAST_NS, Patience, StalledError, patient
from pcapdig.pcapng.sink import FileSink, ReaderGoneError, SinkError


class Clock:
    """Time that passes as fast as it is looked at."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        self.ns += LAST_NS // 4
        return self.ns


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that is full: its reading and its writing end."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    try:
        while True:
            os.write(writes, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writes, True)
    yield reads, writes
    for end in (reads, writes):
        try:
            os.close(end)
        except OSError:
            continue


def test_a_reader_is_waited_for(pipe: tuple[int, int]) -> None:
    """As long as nobody wants the end, whatever the clock says."""
    reads, writes = pipe
    threading.Timer(0.3, lambda: os.read(reads, 8192)).start()
    assert Patience(Clock()).write(writes, b"abc") == 3


def test_the_end_is_not_waited_for(pipe: tuple[int, int]) -> None:
    """A reader that takes nothing is given up, and not tried again."""
    patience = Patience(Clock())
    patience.hurry()
    for _ in range(2):
        with pytest.raises(StalledError):
            patience.write(pipe[1], b"abc")


def test_a_slow_reader_gets_all(pipe: tuple[int, int]) -> None:
    """Each time it takes something the wait begins anew."""
    reads, writes = pipe
    taken = threading.Thread(target=lambda: [(time.sleep(0.01), os.read(reads, 4096)) for _ in range(50)])
    patience, data, written = Patience(), b"y" * 150_000, 0
    patience.hurry()
    taken.start()
    while written < len(data):
        written += patience.write(writes, data[written:])
    taken.join()


def test_after_a_second_signal_there_is_no_wait(pipe: tuple[int, int]) -> None:
    """What has room is written, nothing else."""
    patience = Patience()
    patience.give_up()
    with pytest.raises(StalledError):
        patience.write(pipe[1], b"abc")
    os.read(pipe[0], 8192)
    assert patience.write(pipe[1], b"abc") == 3


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("is_fifo", [False, True])
def test_a_sink_says_what_is_lost(
    compress: bool, is_fifo: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And takes nothing more."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reads = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    patience = Patience(Clock())
    sink = FileSink(str(fifo), compress=compress, patience=patience)
    patience.hurry()
    with pytest.raises(SinkError, match="its reader takes nothing; what it did not take is lost") as error:
        sink.write(os.urandom(9 << 20))
    assert not isinstance(error.value, ReaderGoneError)
    sink.close()
    os.close(reads)


def test_a_reader_that_left_is_no_stall(pipe: tuple[int, int]) -> None:
    """The system's own words for it."""
    os.close(pipe[0])
    with pytest.raises(BrokenPipeError) as error:
        Patience().write(pipe[1], b"abc")
    assert not isinstance(error.value, StalledError)


def test_text_is_written_with_patience(pipe: tuple[int, int]) -> None:
    """What a stream was, the patient one is: encoding, errors, and whether it is a terminal."""
    reads, writes = pipe
    patience = Patience(Clock())
    with open(writes, "w", encoding="ascii", errors="backslashreplace", closefd=False) as stream:
        patiently = patient(stream, patience)
        os.read(reads, 1 << 20)
        patiently.write("ä\n")
        patiently.flush()
        assert os.read(reads, 99) == b"\\xe4\n"
        assert (patiently.isatty(), patiently.fileno()) == (False, writes)
        patience.hurry()
        with pytest.raises(StalledError):
            patiently.write("z" * 200_000)
        os.read(reads, 1 << 20)


def test_files_need_none(tmp_path: Path) -> None:
    """They always take; nor does a stream without a descriptor."""
    patience = Patience()
    text = io.StringIO()
    assert patient(text, patience) is text
    with open(tmp_path / "f", "w") as stream:
        assert patient(stream, patience) is stream
