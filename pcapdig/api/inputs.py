"""What a capture is read from, as often as it is gone through: files, standard input, file objects."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pcapdig.errors import InputError, UsageError
from pcapdig.pcapng.source import READ_BYTES, CaptureSource, open_reads, open_source

if TYPE_CHECKING:
    from pcapdig.trace.columns import Packets
    from pcapdig.trace.trace import Trace


class BinaryStream(Protocol):
    """A file object opened for bytes, as `open(path, "rb")`, `io.BytesIO`, `zipfile.ZipExtFile` or a pipe of `subprocess` are."""

    def read(self, size: int, /) -> bytes | None:
        """Up to so many bytes; none at the end."""


Source: TypeAlias = "str | os.PathLike[str] | BinaryStream"
"""A path, "-" for standard input, or a file object."""


@dataclass(slots=True)
class _Once:
    """Marks what can be gone through only once."""

    name: str
    is_used: bool = False

    def use(self) -> None:
        """Raises UsageError the second time."""
        if self.is_used:
            raise UsageError(f"{self.name}: can be read only once; save it in a file to go through it again")
        self.is_used = True


@dataclass(slots=True)
class PathInput:
    """A file by its path, or standard input. Pipes are read once."""

    path: str
    name: str = field(init=False)
    _once: _Once | None = field(init=False)

    def __post_init__(self) -> None:
        self.name = "standard input" if self.path == "-" else self.path
        try:
            mode = None if self.path == "-" else os.stat(self.path).st_mode
            is_stream = mode is None or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
        except OSError:
            is_stream = False
        self._once = _Once(self.name) if is_stream else None
        if not is_stream:
            open_source(self.path).close()  # says what is wrong with it now, not when the first packet is asked for

    def opened(self) -> CaptureSource:
        """From the start."""
        if self._once is not None:
            self._once.use()
        return open_source(self.path)


@dataclass(slots=True)
class StreamInput:
    """A file object, from where it stands. One that can seek may be read by several passes at once; it is never closed here."""

    stream: BinaryStream
    name: str = field(init=False)
    _start: int | None = field(init=False)
    _once: _Once = field(init=False)

    def __post_init__(self) -> None:
        name = getattr(self.stream, "name", None)
        self.name = name if isinstance(name, str) and name else f"<{type(self.stream).__name__}>"
        self._once = _Once(self.name)
        seekable = getattr(self.stream, "seekable", None)
        self._start = self.stream.tell() if seekable is not None and seekable() else None  # type: ignore[attr-defined]

    def opened(self) -> CaptureSource:
        """From where the object stood when it was given."""
        if self._start is None:
            self._once.use()
        return open_reads(self.name, self._reads())

    def _reads(self) -> Iterator[bytes]:
        position = self._start
        while True:
            try:
                if position is not None:
                    self.stream.seek(position)  # type: ignore[attr-defined]
                piece = self.stream.read(READ_BYTES)
            except (OSError, EOFError) as error:  # gzip.GzipFile raises EOFError for a file that is cut
                raise InputError(f"{self.name}: cannot be read on: {error}") from error
            if not piece:
                return
            if not isinstance(piece, bytes):
                raise UsageError(f"{self.name}: gives text; open it for bytes, with mode 'rb'")
            if position is not None:
                position += len(piece)
            yield piece


Input: TypeAlias = "PathInput | StreamInput"


def inputs_of(source: Source | Iterable[Source]) -> tuple[Input, ...]:
    """The inputs that a user named: one, or several.

    Raises:
        InputError: a file is missing or no capture.
        UsageError: there are none.
        TypeError: it is nothing that can be read.
    """
    if isinstance(source, (str, os.PathLike)) or hasattr(source, "read"):
        return (_input_of(source),)
    if isinstance(source, (bytes, bytearray, memoryview)):
        raise TypeError("the bytes of a capture are given as io.BytesIO(...), its path as str")
    inputs = tuple(_input_of(part) for part in source)
    if not inputs:
        raise UsageError("no capture was named")
    return inputs


def _input_of(source: object) -> Input:
    if isinstance(source, (str, os.PathLike)):
        return PathInput(os.fsdecode(source))
    if hasattr(source, "read"):
        return StreamInput(source)
    raise TypeError(f"not a path and not a file object: {source!r}")


def batches_of(trace: Trace, inputs: tuple[Input, ...]) -> Iterator[Packets]:
    """All packets of the inputs, into one trace, merged by time.

    Raises:
        InputError: an input is damaged; what precedes the damage has been handed out.
    """
    yield from trace.read_all([part.opened() for part in inputs])
