"""Whole blocks into a file, plain or as gzip members; what is there after any end is a valid capture.

A file of a recording that is killed must open, and so must one on a full disk. Hence:
- only whole blocks are handed in, and a batch goes out in one write, or in one gzip member that is written when it is finished;
- the first batch (section and interface blocks) goes out at once, the rest when MEMBER_BYTES wait or a second has passed;
- when a write fails, a regular file is cut back to the last whole block or member.
A process killed inside the write call itself can still leave the batch's last block cut: the kernel copies page by page.

Must not know what the blocks say.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from isal import isal_zlib

from pcapdig.errors import HostError
from pcapdig.pcapng.blocks import ENHANCED_PACKET
from pcapdig.pcapng.text import clean

MEMBER_BYTES = 4 << 20
"""Blocks that make a gzip member full. 4 MiB: 7 ms to compress, and a member's 18 bytes of frame and its fresh window cost nothing."""
MEMBER_NS = 1_000_000_000
"""How long blocks may wait for their member to fill."""

_GZIP_LEVEL = 1
_GZIP_WBITS = 31  # 32 KiB window, gzip header and trailer (zlib's manual, deflateInit2)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class SinkError(HostError):
    """A file can take no more; what it holds is whole."""

    def __init__(self, message: str, packets_change: int) -> None:
        """Say what to add to the number of packets that earlier writes took, to get those in the file.

        More than 0 where a part of the last batch is kept, less where batches that waited for their gzip member are lost.
        """
        super().__init__(message)
        self.packets_change = packets_change


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
    ) -> None:
        """Open `path` for writing; "-" is standard output.

        A new file can be read by its owner only, since it holds other people's passwords; under sudo that is who called sudo.

        Args:
            compress: write gzip members.
            clock: ns, monotonic; says when a member is due.
            environment: where SUDO_UID and SUDO_GID are looked up.
        Raises:
            HostError: the file cannot be opened for writing.
        """
        self._name = "standard output" if path == "-" else clean(path)
        self._path = path
        self._compress = compress
        self._clock = clock
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._waiting_since_ns = 0
        self._is_started = False
        self._is_failed = False
        self._is_new = False
        self._fd = -1
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self, environment: Mapping[str, str]) -> None:
        if self._path == "-":
            self._fd = 1
        else:
            try:
                # Without O_CREAT first: in /tmp, fs.protected_regular refuses it to root for another user's file.
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                self._is_new = True
                self._hand_to_caller_of_sudo(environment)
        about = os.fstat(self._fd)
        self._is_regular = stat.S_ISREG(about.st_mode)
        self._end = 0
        if self._path == "-" and self._is_regular:
            # Redirected: what precedes us in the file is not ours.
            appends = fcntl.fcntl(1, fcntl.F_GETFL) & os.O_APPEND
            self._end = about.st_size if appends else os.lseek(1, 0, os.SEEK_CUR)

    def _hand_to_caller_of_sudo(self, environment: Mapping[str, str]) -> None:
        uid, gid = environment.get("SUDO_UID", ""), environment.get("SUDO_GID", "")
        if os.geteuid() == 0 and uid.isdecimal() and gid.isdecimal():
            try:
                os.fchown(self._fd, int(uid), int(gid))
            except OSError:
                return  # a file system without owners: root keeps the file

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
        self._put(isal_zlib.compress(blocks, _GZIP_LEVEL, _GZIP_WBITS), blocks, earlier_bytes)

    def _put(self, batch: bytes, blocks: bytes, earlier_bytes: int) -> None:
        """Write a whole batch of `blocks`: the blocks themselves, which may be cut between two, or the member made of them."""
        written = 0
        try:
            if not self._is_started:
                if self._is_regular and self._path != "-":
                    os.ftruncate(self._fd, 0)
                self._is_started = True
            view = memoryview(batch)
            while written < len(batch):
                try:
                    written += os.write(self._fd, view[written:])
                except BlockingIOError:
                    _wait_until_writable(self._fd)
        except OSError as error:
            self._is_failed = True
            kept = self._cut_back(written, blocks)
            raise self._failure(error, _packets(blocks[:kept]) - _packets(blocks[:earlier_bytes])) from error
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

    def _failure(self, error: OSError, packets_change: int) -> SinkError:
        if error.errno == errno.EPIPE:
            return ReaderGoneError(f"cannot write {self._name}: nobody reads it any more", packets_change)
        if error.errno in _FULL and self._is_regular:
            words = f"cannot write {self._name}: {error.strerror}; all before is kept, the file is whole"
            return SinkError(words, packets_change)
        return SinkError(f"cannot write {self._name}: {error.strerror}", packets_change)

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


def _packets(blocks: bytes) -> int:
    """How many enhanced packet blocks are among these. Counting ends at a block of the other byte order."""
    at = count = 0
    while at + 12 <= len(blocks):
        kind, length = struct.unpack_from("=II", blocks, at)
        if length < 12:
            break
        count += kind == ENHANCED_PACKET
        at += length
    return count


def _wait_until_writable(fd: int) -> None:
    """Wait for room in a pipe that someone set non-blocking."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    poll.poll()
