"""Writing to somebody who may not read: pipes, FIFOs, sockets, terminals.

A blocking write to a full pipe ends when its reader reads, whatever signals come meanwhile. Here the pipe is polled first for free space,
so that who wants to end can. Until then a reader may take all the time it likes.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

LAST_NS = 1_000_000_000
"""How long a reader that takes nothing is waited for once the end was wanted."""
_TICK_MS = 50


class StalledError(BrokenPipeError):
    """The reader took nothing, and the end was wanted."""

    def __init__(self) -> None:
        """The same words for everybody."""
        super().__init__(errno.EAGAIN, "its reader takes nothing")


class Patience:
    """How long writes wait, for all outputs of a run. Its methods may be called by signal handlers."""

    __slots__ = ("_clock", "_is_over", "_since_ns")

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """Endless, until `hurry`. `clock` gives ns, monotonic."""
        self._clock = clock
        self._since_ns: int | None = None
        self._is_over = False

    def hurry(self) -> None:
        """From now on a reader that takes nothing for LAST_NS is given up."""
        if self._since_ns is None:
            self._since_ns = self._clock()

    def give_up(self) -> None:
        """From now on nobody is waited for."""
        self._is_over = True

    def write(self, fd: int, data: ReadableBuffer) -> int:
        """Write the beginning of some bytes, as soon as there is room; how many were written, at least one of any.

        Raises:
            StalledError: there was no room when there had to be. OSError: as write(2).
        """
        view = memoryview(data).cast("B")
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        begun_ns = self._clock()
        while True:
            try:
                has_room = poll.poll(0 if self._is_over else _TICK_MS)
            except KeyboardInterrupt:  # a second signal
                self._is_over = True
                raise
            if has_room:
                try:
                    return os.write(fd, view[: select.PIPE_BUF])  # so much fits where there is room at all (pipe(7))
                except BlockingIOError:
                    time.sleep(_TICK_MS / 1000)  # another process filled it first
            if self._is_over:
                raise StalledError
            if self._since_ns is not None and self._clock() - max(self._since_ns, begun_ns) >= LAST_NS:
                self._is_over = True
                raise StalledError


class _PatientFile(io.RawIOBase):
    """A descriptor of somebody else's, written with patience."""

    def __init__(self, fd: int, patience: Patience) -> None:
        self._fd = fd
        self._patience = patience

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return os.isatty(self._fd)

    def write(self, data: ReadableBuffer) -> int:
        return self._patience.write(self._fd, data)


def patient(stream: TextIO, patience: Patience) -> TextIO:
    """A stream that writes where another does, with patience; the same one where that is a file, which always takes."""
    try:
        fd = stream.fileno()
    except OSError:
        return stream  # a stream of a test
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return stream
    stream.flush()
    file = io.BufferedWriter(_PatientFile(fd, patience))
    return io.TextIOWrapper(file, encoding=stream.encoding, errors=stream.errors, newline="\n")
