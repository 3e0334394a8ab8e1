"""A capture file, pipe or standard input as chunks of uncompressed bytes.

What a file is, its content says and not its name: pcapng or pcap, plain or inside gzip, zstd or lz4, of any number of members or
frames. A plain file is mapped into memory and handed out as one memoryview, without copying; all else is streamed in bounded memory.
Anything that is no capture is refused before a chunk is handed out. Offsets in errors count uncompressed bytes.
Must not know blocks, but for the first block's length, which tells sysdig's files from captures.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Protocol, Self, cast

from pcapdig.errors import InputError
from pcapdig.pcapng.text import clean

READ_BYTES = 1 << 20
"""Bytes asked of a file or pipe at a time; a pipe gives what it has."""
CHUNK_BYTES = 4 << 20
"""Most bytes of a decompressed chunk, but for zstd, whose pieces have no limit: see _ZSTD_SLICE."""

_SLICE = 1 << 16
"""Compressed bytes handed to a decompressor at once."""
_PIECE_BYTES = 1 << 14
"""Bytes taken from a decompressor at once: as many as damage can cost of the data before it."""
_ZSTD_SLICE = 1 << 12
"""The same for zstd, where 4 bytes can unpack to 128 KiB and nothing limits the output: at worst 128 MiB at once."""
_ZSTD_WINDOW = 1 << 27
"""Bytes; what `zstd -d` takes without being asked for more."""

_HEAD_BYTES = 12
"""Enough of a file to tell what it is: block type, length and byte-order magic of pcapng."""
_SECTION_BYTES = 1 << 16
"""A longer section header is not looked behind."""

_SECTION_HEADER = b"\n\r\r\n"
_BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
MODIFIED_PCAP = (b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34")  # of old Linux patches, in either order; see trace/blocks.py
_PCAP = {b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", *MODIFIED_PCAP}
_SYSDIG_BLOCKS = range(0x0201, 0x0300)
"""Block types of sysdig's files (falcosecurity/libs, scap_savefile.h): 0x0201 machine information, and on."""

_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_SKIPPABLE = b"\x2a\x4d\x18"
"""Bytes 2 to 4 of a frame that zstd passes over, as pzstd writes one first (RFC 8878, section 3.1.2)."""

_IXIA = (b"\x1c\x00\x01\xac", b"\x1c\x00\x01\xab", b"\xac\x01\x00\x1c", b"\xab\x01\x00\x1c")
_OTHERS = {
    b"\xfd7zXZ\0": "compressed with xz, which is not read: unpack it with xz -d",
    b"BZh": "compressed with bzip2, which is not read: unpack it with bzip2 -d",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"snoop\0\0\0": "a snoop capture, which is not read: editcap makes a pcapng of it",
    **dict.fromkeys(_IXIA, "an IXIA capture, which is not read: editcap makes a pcapng of it"),
}

Chunk = memoryview | bytes


class CaptureSource:
    """An open capture. Made by open_source."""

    def __init__(
        self, name: str, compression: str, fd: int, chunks: Iterator[Chunk], *, size_bytes: int | None = None
    ) -> None:
        """Take over `fd`, which close() closes unless it is 0; -1: there is none."""
        self.size_bytes = size_bytes
        """Bytes of the file as it lies on disk; None for a pipe and what is no file."""
        self.walked_bytes = 0
        """Uncompressed bytes gone through so far: noted by whoever takes the chunks, for `position_bytes`."""
        self.name = name
        """The path as an error message gives it."""
        self.compression = compression
        """"gzip", "zstd", "lz4", or "" for none."""
        self.descriptor = fd  # of the file, until close(); its position is where nobody knows: for pread alone
        self._chunks = chunks

    def chunks(self) -> Iterator[Chunk]:
        """The uncompressed bytes, in order, once. A plain file is one chunk, which stays valid after close().

        Raises:
            InputError: compressed data is damaged or ends too early, or the file cannot be read on. All that could be had has
                been handed out before.
        """
        return self._chunks

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        fd, self.descriptor = self.descriptor, -1
        if fd > 0:
            os.close(fd)

    @property
    def position_bytes(self) -> int:
        """How far the file has been read, in its bytes as it lies on disk; of a compressed pipe, as it was unpacked."""
        if not self.compression or self.size_bytes is None:
            return self.walked_bytes
        return os.lseek(self.descriptor, 0, os.SEEK_CUR) if self.descriptor >= 0 else self.size_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_source(path: str) -> CaptureSource:
    """Open a capture; "-" is standard input. Reads as much of it as tells what it is.

    Raises:
        InputError: the file is missing, may not be read, is a directory, is empty, or is no capture.
    """
    name = "standard input" if path == "-" else clean(path)
    try:
        fd = 0 if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    try:
        size_bytes = _size_of_file(name, fd)
        compression, chunks = _find_content(name, _read(name, fd), lambda: _map(fd, size_bytes or 0))
    except BaseException:
        if fd:
            os.close(fd)
        raise
    return CaptureSource(name, compression, fd, chunks, size_bytes=size_bytes)


def open_reads(name: str, reads: Iterator[bytes]) -> CaptureSource:
    """A capture out of pieces of bytes, none empty, for inputs that are no file of this system. `name` is what errors call it.

    Raises:
        InputError: it is empty, or is no capture.
    """
    compression, chunks = _find_content(clean(name), reads, lambda: None)
    return CaptureSource(clean(name), compression, -1, chunks)


def _size_of_file(name: str, fd: int) -> int | None:
    """The size of a regular file of which nothing has been read; None for all others."""
    try:
        about = os.fstat(fd)
        if stat.S_ISDIR(about.st_mode):
            raise InputError(f"{name}: is a directory, not a capture file")
        is_at_start = stat.S_ISREG(about.st_mode) and os.lseek(fd, 0, os.SEEK_CUR) == 0
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    return about.st_size if is_at_start else None


def _find_content(
    name: str, reads: Iterator[Chunk], mapped: Callable[[], Iterator[Chunk] | None]
) -> tuple[str, Iterator[Chunk]]:
    """The compression, and the chunks of a capture; plain ones come from `mapped` where that gives any."""
    head, reads = _peek(reads, lambda head: _HEAD_BYTES)
    if not head:
        raise InputError(f"{name}: is empty")
    compression = _compression(head)
    chunks = reads
    if compression:
        chunks = _unpack(name, compression, reads)
    else:
        chunks = mapped() or reads
    head, chunks = _peek(chunks, _bytes_to_know)
    refusal = _refusal(head)
    if refusal:
        inside = f" (inside {compression})" if compression else ""
        raise InputError(f"{name}: {refusal}{inside}")
    return compression, chunks


def _read(name: str, fd: int) -> Iterator[Chunk]:
    """What a descriptor gives, piece by piece."""
    while True:
        try:
            piece = os.read(fd, READ_BYTES)
        except OSError as error:
            raise InputError(f"{name}: cannot be read on: {error.strerror}") from error
        if not piece:
            return
        yield piece


def _map(fd: int, size_bytes: int) -> Iterator[Chunk] | None:
    """A whole regular file as one memoryview; None if it has no bytes, and on a file system that cannot map."""
    if not size_bytes:
        return None
    try:
        mapping = mmap.mmap(fd, size_bytes, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    mapping.madvise(mmap.MADV_SEQUENTIAL)
    return iter([memoryview(mapping)])


def _peek(chunks: Iterator[Chunk], bytes_to_know: Callable[[bytes], int]) -> tuple[bytes, Iterator[Chunk]]:
    """The first bytes, as many as `bytes_to_know` asks for or there are, and all chunks, those looked at included."""
    seen: list[Chunk] = []
    head = b""
    while len(head) < bytes_to_know(head):
        chunk = next(chunks, None)
        if chunk is None:
            break
        seen.append(chunk)
        head += bytes(chunk[:_SECTION_BYTES])
    return head, chain(seen, chunks)


def _compression(head: bytes) -> str:
    """What a file that begins so is compressed with; "" for nothing known here."""
    for magic, name in _COMPRESSIONS.items():
        if head.startswith(magic):
            return name
    return "zstd" if head[1:4] == _SKIPPABLE and head[0] & 0xF0 == 0x50 else ""


def _bytes_to_know(head: bytes) -> int:
    """How much of a file must be seen to tell what it is: of pcapng, the first block and the type of the next."""
    if len(head) < _HEAD_BYTES or not head.startswith(_SECTION_HEADER):
        return _HEAD_BYTES
    order = _BYTE_ORDERS.get(head[8:12])
    if order is None:
        return _HEAD_BYTES
    length: int = struct.unpack_from(order + "I", head, 4)[0]
    return length + 4 if length <= _SECTION_BYTES - 4 else _HEAD_BYTES


def _refusal(head: bytes) -> str | None:
    """Why a file that begins so is no capture, or None when it may be one."""
    if head[:4] in _PCAP:
        return None
    if head.startswith(_SECTION_HEADER):
        return _section_refusal(head)
    for magic, words in _OTHERS.items():
        if head.startswith(magic):
            return words
    if any(magic.startswith(head) for magic in (_SECTION_HEADER, *_PCAP)):
        return f"is cut short: {len(head)} bytes are less than a file header"
    if _is_text(head):
        return "is text, not a capture file"
    return "is not a capture file: it begins like neither pcapng nor pcap"


def _section_refusal(head: bytes) -> str | None:
    """Why a file that begins with a section header is no capture, or None when it may be one."""
    if len(head) < _HEAD_BYTES:
        return f"is cut short: {len(head)} bytes are less than a file header"
    order = _BYTE_ORDERS.get(head[8:12])
    if order is None:
        return "is not a capture file: its section header has no byte-order magic at byte 8"
    at = _bytes_to_know(head) - 4
    if _HEAD_BYTES <= at <= len(head) - 4 and struct.unpack_from(order + "I", head, at)[0] in _SYSDIG_BLOCKS:
        return "is a sysdig file (.scap): it holds system calls, not packets; record packets with pcapdig -w"
    return None


def _is_text(head: bytes) -> bool:
    """Whether these bytes are UTF-8 without control characters but blanks and line ends."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        text = head[: error.start].decode() if error.start > len(head) - 4 else "\0"
    return bool(text) and all(character.isprintable() or character in "\t\n\r\f\v" for character in text)


class _Decompressor(Protocol):
    """One gzip member, zstd frame or lz4 frame being unpacked: the way of Python's own decompressors."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _ZstdFrame:
    """A zstd frame in the same way, without a limit on its output."""

    needs_input = True

    def __init__(self) -> None:
        import zstandard

        self._frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._frame.decompress(data)


def _gzip_member() -> _Decompressor:
    from isal import igzip_lib  # each library is loaded for files that need it

    member: _Decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return member


def _lz4_frame() -> _Decompressor:
    import lz4.frame

    frame: _Decompressor = lz4.frame.LZ4FrameDecompressor()
    return frame


_DECOMPRESSORS: dict[str, tuple[Callable[[], _Decompressor], int]] = {
    "gzip": (_gzip_member, _SLICE),
    "zstd": (_ZstdFrame, _ZSTD_SLICE),
    "lz4": (_lz4_frame, _SLICE),
}
"""How to begin a member or frame, and how many compressed bytes to give it at once."""


def _damage_of(compression: str) -> tuple[type[BaseException], ...]:
    """What a library raises for damaged data (lz4 a bare RuntimeError), and what `_unpack_pieces` does for data that ends early."""
    if compression == "gzip":
        from isal import igzip_lib

        # isal's stub has its exception class as an instance.
        return (cast("type[Exception]", igzip_lib.error), EOFError)
    if compression == "zstd":
        import zstandard

        return (zstandard.ZstdError, EOFError)
    return (RuntimeError, EOFError)


def _unpack_pieces(compression: str, packed: Iterator[Chunk]) -> Iterator[bytes]:
    """The uncompressed bytes of all members or frames; b"" after each chunk of packed ones.

    Raises:
        One of `_damage_of`: the data ends within a member or frame, or is damaged.
    """
    begin, slice_bytes = _DECOMPRESSORS[compression]
    decompressor = begin()
    is_within = True
    for chunk in packed:
        for start in range(0, len(chunk), slice_bytes):
            rest = bytes(chunk[start : start + slice_bytes])
            while True:
                if not is_within:
                    rest = rest.lstrip(b"\0")  # padding to a block of tape or disk
                    if not rest:
                        break
                    if compression == "gzip" and rest[:2] not in (b"\x1f", b"\x1f\x8b"):  # isal would wait for more
                        raise EOFError("what follows is no gzip")
                    decompressor = begin()
                    is_within = True
                if piece := decompressor.decompress(rest, _PIECE_BYTES):
                    yield piece
                rest = b""
                if decompressor.eof:
                    is_within = False
                    rest = decompressor.unused_data or b""
                elif decompressor.needs_input:
                    break
        yield b""
    if is_within:
        raise EOFError("it ends too early")


def _unpack(name: str, compression: str, packed: Iterator[Chunk]) -> Iterator[Chunk]:
    """The uncompressed bytes in large chunks, but never waiting for more input with some in hand.

    Raises:
        InputError: damaged data or its early end, after all that precedes it has been handed out.
    """
    pieces = _unpack_pieces(compression, packed)
    ready: list[bytes] = []
    ready_bytes = handed_out = 0
    damaging = _damage_of(compression)
    damage: BaseException | None = None
    while damage is None:
        try:
            piece = next(pieces, None)
        except damaging as error:
            piece, damage = None, error
        if piece:
            ready.append(piece)
            ready_bytes += len(piece)
        if ready and (not piece or ready_bytes >= CHUNK_BYTES):
            yield b"".join(ready)
            handed_out += ready_bytes
            ready, ready_bytes = [], 0
        if piece is None and damage is None:
            return
    raise InputError(
        f"{name}: its {compression} data is cut or damaged after {handed_out} uncompressed bytes: {damage}"
    ) from damage
