"""What a capture is read from."""

from __future__ import annotations

import gzip
import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import pcapdig


def numbers(trace: pcapdig.Capture) -> list[int]:
    """Packet numbers."""
    return trace.packets().number.tolist()


def test_a_missing_file_is_refused_at_once(tmp_path: Path) -> None:
    """Not when the first packet is asked for."""
    with pytest.raises(pcapdig.InputError, match=r"absent\.pcapng: cannot be read: No such file"):
        pcapdig.open(tmp_path / "absent.pcapng")


def test_what_is_no_capture_is_refused_at_once(tmp_path: Path) -> None:
    """One of several too."""
    (tmp_path / "words").write_text("these are words\n")
    with pytest.raises(pcapdig.InputError, match="words: is text, not a capture file"):
        pcapdig.open(tmp_path / "words")
    with pytest.raises(pcapdig.InputError, match=": is a directory"):
        pcapdig.open([tmp_path])


def test_nothing_and_nonsense_are_refused() -> None:
    """By the error that says whose fault it is."""
    with pytest.raises(pcapdig.UsageError, match="no capture was named"):
        pcapdig.open([])
    with pytest.raises(TypeError, match="not a path and not a file object: 7"):
        pcapdig.open([7])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"io\.BytesIO"):
        pcapdig.open(b"\n\r\r\n")  # type: ignore[arg-type]


def test_a_text_file_object_is_refused(tmp_path: Path) -> None:
    """It says how to open it."""
    (tmp_path / "words").write_text("these are words\n")
    with (tmp_path / "words").open() as stream, pytest.raises(pcapdig.UsageError, match="mode 'rb'"):
        list(pcapdig.open(stream))  # type: ignore[arg-type]


def test_paths_may_be_str_or_path(tmp_path: Path, small: bytes) -> None:
    """As everywhere in Python."""
    path = tmp_path / "t.pcapng"
    path.write_bytes(small)
    assert numbers(pcapdig.open(path)) == numbers(pcapdig.open(str(path))) == [1, 2, 3]
    assert repr(pcapdig.open(path)) == f"<pcapdig.Capture of {path}>"


def test_a_file_object_is_read_from_where_it_stands(small: bytes) -> None:
    """Again and again, by several at once, and it stays open."""
    stream = io.BytesIO(b"before" + small)
    stream.seek(6)
    trace = pcapdig.open(stream)
    pairs = zip(trace, trace, strict=True)
    assert [(a.number, b.number) for a, b in pairs] == [(1, 1), (2, 2), (3, 3)]
    trace.close()
    assert not stream.closed


def test_a_compressed_file_object(small: bytes) -> None:
    """Unpacked by us, or by gzip."""
    packed = gzip.compress(small)
    assert numbers(pcapdig.open(io.BytesIO(packed))) == [1, 2, 3]
    with gzip.open(io.BytesIO(packed)) as stream:
        assert numbers(pcapdig.open(stream)) == [1, 2, 3]


def test_a_file_object_that_breaks(small: bytes) -> None:
    """What came before is there, then InputError in place of the object's own error."""
    packed = gzip.compress(small + small)[:-30]
    with gzip.open(io.BytesIO(packed)) as stream, pytest.raises(pcapdig.InputError, match="cannot be read on"):
        pcapdig.open(stream).packets()


def test_several_are_merged_by_time(tmp_path: Path, small: bytes) -> None:
    """As several -r are, also from file objects; numbers are those of the whole."""
    (tmp_path / "a").write_bytes(small)
    with pcapdig.open([tmp_path / "a", io.BytesIO(small)]) as trace:
        for _ in range(2):
            assert [(event.number, event.buffer) for event in trace] == [
                *((1, b"one"), (2, b"one"), (3, b"two"), (4, b"two"), (5, b"three"), (6, b"three")),
            ]


def test_damage_in_one_of_several_is_told_at_the_end(small: bytes) -> None:
    """All that is whole of all of them comes first."""
    numbers_had = []
    with pytest.raises(pcapdig.InputError, match="cut short"):
        numbers_had.extend(event.number for event in pcapdig.open([io.BytesIO(small[:-9]), io.BytesIO(small)]))
    assert numbers_had == [1, 2, 3, 4, 5]


def test_a_pipe_is_read_once(tmp_path: Path, small: bytes) -> None:
    """The second time it is refused, and does not wait for ever."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(small,))
    writer.start()
    trace = pcapdig.open(path)
    assert numbers(trace) == [1, 2, 3]
    writer.join()
    with pytest.raises(pcapdig.UsageError, match="fifo: can be read only once; save it in a file"):
        list(trace)


def test_a_stream_that_cannot_seek_is_read_once(small: bytes) -> None:
    """As a pipe's file object."""
    read, write = os.pipe()
    os.write(write, small)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        trace = pcapdig.open(stream)
        assert numbers(trace) == [1, 2, 3]
        with pytest.raises(pcapdig.UsageError, match="only once"):
            trace.packets()


def test_standard_input(python: Any, small: bytes) -> None:
    """`-`."""
    assert python("import pcapdig; print([e.number for e in pcapdig.open('-')])", input=small) == "[1, 2, 3]\n"
