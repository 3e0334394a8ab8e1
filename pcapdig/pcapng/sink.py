"""Whole blocks into a file, plain or as gzip members; what is there after any end is a valid capture.

A file of a recording that is killed must open, and so must one on a full disk. Hence:
- only whole blocks are handed in, and a batch goes out in one write, or in one gzip member that is written when it is finished;
- the first batch (section and interface blocks) goes out at once, the rest when MEMBER_BYTES wait or a second has passed;
- when a write fails, a regular file is cut back to the last whole block or member;
- when somebody else cuts the file (`copytruncate` of a log rotation), what is written next begins with the section and interface blocks again.
A process killed inside the write call itself can still leave the batch's last block cut: the kernel copies page by page.

Must not know what the blocks say.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, Self

from isal import isal_zlib

from pcapdig.errors import HostError
from pcapdig.pcapng.blocks import ENHANCED_PACKET, INTERFACE_DESCRIPTION, SECTION_HEADER
from pcapdig.pcapng.patience import Patience, StalledError
from pcapdig.pcapng.target import open_target
from pcapdig.pcapng.text import clean

MEMBER_BYTES = 4 << 20
"""Blocks that make a gzip member full. 4 MiB: 7 ms to compress, and a member's 18 bytes of frame and its fresh window cost nothing."""
MEMBER_NS = 1_000_000_000
"""How long blocks may wait for their member to fill."""

_GZIP_LEVEL = 1
_PACKET_HEAD = 32
"""Bytes of the shortest enhanced packet block."""
_GZIP_WBITS = 31  # 32 KiB window, gzip header and trailer (zlib's manual, deflateInit2)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Taken(NamedTuple):
    """What some blocks hold, or a difference between two such counts."""

    packets: int
    wire_bytes: int
    """Lengths of the packets as they were sent."""

    def __sub__(self, other: Taken) -> Taken:
        return Taken(self.packets - other.packets, self.wire_bytes - other.wire_bytes)

    def plus(self, other: Taken) -> Taken:
        """The sum: `+` would join the two as tuples."""
        return Taken(self.packets + other.packets, self.wire_bytes + other.wire_bytes)


class SinkError(HostError):
    """A file can take no more; what it holds is whole."""

    def __init__(self, message: str, change: Taken) -> None:
        """Say what to add to the packets that earlier writes took, and to their bytes on the wire, to get those in the file.

        More than 0 where a part of the last batch is kept, less where batches that waited for their gzip member are lost.
        """
        super().__init__(message)
        self.change = change


class ReaderGoneError(SinkError):
    """Whoever read our output has closed it. Nothing is wrong: a program ends quietly."""


class FileSink:
    """A capture file being written, or standard output.

    Opening it does not touch what an existing file holds: that goes with the first write. A file that was made here and never
    written to is removed by close().
    """

    def __init__(
        self,
        path: str,
        *,
        compress: bool = False,
        clock: Callable[[], int] = time.monotonic_ns,
        environment: Mapping[str, str] = os.environ,
        patience: Patience | None = None,
    ) -> None:
        """Open `path` for writing; "-" is standard output.

        A new file can be read by its owner only, since it holds other people's passwords; under sudo that is who called sudo.

        Args:
            compress: write gzip members.
            clock: ns, monotonic; says when a member is due.
            environment: where SUDO_UID and SUDO_GID are looked up.
            patience: how long to wait for the reader of a pipe; None: for ever.
        Raises:
            HostError: the file cannot be opened for writing.
        """
        self._name = "standard output" if path == "-" else clean(path)
        self._path = path
        self._compress = compress
        self._clock = clock
        self._patience = patience or Patience()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._waiting_since_ns = 0
        self._is_started = False
        self._is_failed = False
        self._is_new = False
        self._fd = -1
        self._head = b""
        """The section and interface blocks that the first batch began with."""
        self._needs_head = self._was_cut = self._said_lost = False
        try:
            self._open(environment)
        except OSError as error:
            raise HostError(f"cannot write {self._name}: {error.strerror}") from error

    def write(self, blocks: bytes) -> None:
        """Take whole blocks, or none. They are in the file at the latest a second later, if write or flush is called then.

        Raises:
            HostError: the file can take no more; it ends with a whole block. ReaderGoneError: the reader of a pipe is gone.
        """
        self._check()
        if not self._compress:
            self._put(blocks, blocks, earlier_bytes=0)
            return
        now_ns = self._clock()
        earlier_bytes = self._waiting_bytes
        if blocks:
            if not self._waiting:
                self._waiting_since_ns = now_ns
            self._waiting.append(blocks)
            self._waiting_bytes += len(blocks)
        is_due = now_ns - self._waiting_since_ns >= MEMBER_NS
        if is_due or not self._is_started or self._waiting_bytes >= MEMBER_BYTES:
            self._put_member(earlier_bytes)

    def flush(self, now_ns: int | None = None) -> None:
        """Write what has waited a second at `now_ns` (of the sink's clock), or with None all that waits. Cheap: call it often.

        Raises: as write.
        """
        self._check()
        if now_ns is None or now_ns - self._waiting_since_ns >= MEMBER_NS:
            self._put_member(self._waiting_bytes)

    def close(self) -> None:
        """Write what waits, and close. After a failed write nothing more is written. A second call does nothing.

        Raises: as write.
        """
        if self._fd < 0:
            return
        try:
            if not self._is_failed:
                self.flush()
        finally:
            fd, self._fd = self._fd, -1
            self._waiting.clear()
            if self._path != "-":
                self._close_file(fd)

    def was_cut(self) -> bool:
        """Somebody else cut the file since the last call: what is written next stands at its start, behind the section and interface
        blocks, which are written again. Blocks that later ones count on must come again too."""
        self._look_for_cut()
        was_cut, self._was_cut = self._was_cut, False
        return was_cut

    def lost_name(self) -> str | None:
        """Say, once, that the file was deleted or that its name is another file's now."""
        if self._path == "-" or not self._is_regular or self._said_lost or self._fd < 0:
            return None
        mine = os.fstat(self._fd)
        try:
            named = os.stat(self._path)
        except OSError:
            what = "was deleted"
        else:
            if (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino):
                return None
            what = "was replaced by another file"
        self._said_lost = True
        return f"{self._name} {what} while recording; packets go on into the file that it was, and end with it: stop and begin again"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self, environment: Mapping[str, str]) -> None:
        if self._path == "-":
            self._fd = 1
        else:
            self._fd, self._is_new = open_target(self._path, environment)
        about = os.fstat(self._fd)
        self._is_regular = stat.S_ISREG(about.st_mode)
        self._end = 0
        if self._path == "-" and self._is_regular:
            # Redirected: what precedes us in the file is not ours.
            appends = fcntl.fcntl(1, fcntl.F_GETFL) & os.O_APPEND
            self._end = about.st_size if appends else os.lseek(1, 0, os.SEEK_CUR)

    def _check(self) -> None:
        if self._is_failed or self._fd < 0:
            raise HostError(f"cannot write {self._name}: it was closed")

    def _put_member(self, earlier_bytes: int) -> None:
        """Compress what waits into one member, and write it; the first `earlier_bytes` of it were taken by earlier writes."""
        if not self._waiting:
            return
        blocks = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._put(self._packed(blocks), blocks, earlier_bytes)

    def _packed(self, blocks: bytes) -> bytes:
        """As they lie in the file."""
        return isal_zlib.compress(blocks, _GZIP_LEVEL, _GZIP_WBITS) if self._compress else blocks

    def _write_all(self, view: bytes) -> int:
        """Write bytes to a regular file. Returns how many they are."""
        written = 0
        while written < len(view):
            written += os.write(self._fd, view[written:])
        return written

    def _look_for_cut(self) -> None:
        if self._is_started and self._is_regular and self._path != "-" and os.fstat(self._fd).st_size < self._end:
            self._end = os.fstat(self._fd).st_size
            self._needs_head = self._was_cut = True

    def _put(self, batch: bytes, blocks: bytes, earlier_bytes: int) -> None:
        """Write a whole batch of `blocks`: the blocks themselves, which may be cut between two, or the member made of them."""
        written = 0
        try:
            if not self._is_started:
                if self._is_regular and self._path != "-":
                    os.ftruncate(self._fd, 0)
                self._is_started = True
            self._head = self._head or _head_of(blocks)
            self._look_for_cut()
            if self._needs_head and blocks:
                head, self._needs_head = self._head, False
                self._end += self._write_all(self._packed(head))
            view = memoryview(batch)
            while written < len(batch):
                if self._is_regular:
                    written += os.write(self._fd, view[written:])
                else:
                    written += self._patience.write(self._fd, view[written:])
        except OSError as error:
            self._is_failed = True
            kept = self._cut_back(written, blocks)
            raise self._failure(error, _taken(blocks[:kept]) - _taken(blocks[:earlier_bytes]), kept) from error
        except BaseException:
            # A signal handler raised: how much the interrupted call wrote is not known.
            self._is_failed = True
            self._cut_back(0, blocks)
            raise
        self._end += written

    def _cut_back(self, written: int, blocks: bytes) -> int:
        """Take back the part of a block or member that was written last; how many bytes of `blocks` stay.

        Only a regular file can forget.
        """
        kept = 0 if self._compress else _whole_blocks(blocks, written)
        if self._is_regular:
            # the error that led here is the one to tell
            with suppress(OSError):
                os.ftruncate(self._fd, self._end + kept)
        return kept

    def _failure(self, error: OSError, change: Taken, kept: int) -> SinkError:
        if isinstance(error, StalledError):
            return SinkError(
                f"cannot write {self._name}: its reader takes nothing; what it did not take is lost", change
            )
        if error.errno == errno.EPIPE:
            return ReaderGoneError(f"cannot write {self._name}: nobody reads it any more", change)
        if error.errno in _FULL and self._is_regular:
            self._is_started = self._end + kept > 0  # else close() removes what was made here
            outcome = "all before is kept, the file is whole" if self._is_started else "nothing could be written"
            return SinkError(f"cannot write {self._name}: {error.strerror}; {outcome}", change)
        return SinkError(f"cannot write {self._name}: {error.strerror}", change)

    def _close_file(self, fd: int) -> None:
        try:
            os.close(fd)
            if self._is_new and not self._is_started:
                os.unlink(self._path)
        except OSError as error:
            # Network file systems tell of a full disk here.
            raise HostError(f"cannot write {self._name}: {error.strerror}") from error


def _whole_blocks(blocks: bytes, most_bytes: int) -> int:
    """How many of the first `most_bytes` bytes of `blocks` are whole blocks. Blocks of the other byte order count as none."""
    end, most_bytes = 0, min(most_bytes, len(blocks))
    while end + 8 <= most_bytes:
        (length,) = struct.unpack_from("=I", blocks, end + 4)
        if length < 12 or end + length > most_bytes:
            break
        end += length
    return end


def _taken(blocks: bytes) -> Taken:
    """The enhanced packet blocks among these. Counting ends at a block of the other byte order."""
    at = count = wire_bytes = 0
    while at + 12 <= len(blocks):
        kind, length = struct.unpack_from("=II", blocks, at)
        if length < 12:
            break
        if kind == ENHANCED_PACKET and length >= _PACKET_HEAD:
            count += 1
            wire_bytes += struct.unpack_from("=I", blocks, at + 24)[0]
        at += length
    return Taken(count, wire_bytes)


def _head_of(blocks: bytes) -> bytes:
    """The section and interface blocks that these begin with."""
    at = 0
    while at + 12 <= len(blocks):
        kind, length = struct.unpack_from("=II", blocks, at)
        if kind not in (SECTION_HEADER, INTERFACE_DESCRIPTION) or length < 12:
            break
        at += length
    return blocks[:at]
