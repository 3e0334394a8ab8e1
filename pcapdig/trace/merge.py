"""Several captures as one, in the order of time: the Python face of `_merge.pyx`, which feeds it with the bytes of files and pipes.

merged(captures) -> Iterator[bytes]      # one pcapng, whole blocks, some megabytes at a time
"""

from __future__ import annotations

from contextlib import ExitStack
from mmap import MADV_DONTNEED, PAGESIZE, mmap
from typing import TYPE_CHECKING

from pcapdig.errors import InputError
from pcapdig.pcapng.blocks import section_header
from pcapdig.pcapng.source import open_source
from pcapdig.trace._merge import Merger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pcapdig.pcapng.source import CaptureSource

CHUNK_BYTES = 4 << 20
"""Merged bytes handed out at once."""


def merged(captures: Sequence[str | CaptureSource], remarks: list[str] | None = None) -> Iterator[bytes]:
    """Merge captures into one pcapng: whole blocks, all packets in the order of their times.

    Packets with equal times come in the order of `captures`; a packet without time comes at once. A capture whose own packets are not in order
    keeps its order: each comes as soon as it is the earliest of those next in their files. Input is read as it is needed: some
    megabytes of each are in memory.

    Args:
        captures: files of any kind that `open_source` knows, "-" is standard input; or sources that were opened before, which will be
            closed.
        remarks: is given, at the end, what is to be said of captures that are not as they should be and were read all the same.

    Raises:
        InputError: one cannot be opened or is no capture, before anything is given. Or some are damaged or cut short; then it
            comes at the end, after all that is whole of all of them.
    """
    with ExitStack() as opened:
        sources = [opened.enter_context(open_source(one) if isinstance(one, str) else one) for one in captures]
        yield section_header(application="pcapdig")
        merge = _Merge(sources)
        try:
            yield from merge.chunks()
        finally:
            if remarks is not None:
                remarks += merge.remarks()


class _Input:
    """The bytes of one capture, as far as they have come."""

    def __init__(self, source: CaptureSource) -> None:
        self.name = source.name
        self.unit = "uncompressed byte" if source.compression else "byte"
        self.offset = 0
        """Bytes before `view`."""
        self.view = memoryview(b"")
        self._source = source
        self._chunks = source.chunks()
        self._rest = memoryview(b"")
        self._released = 0

    @property
    def mapping(self) -> mmap | None:
        """The map that `view` is all of; None if it is none."""
        owner = self.view.obj
        return owner if isinstance(owner, mmap) and len(owner) == len(self.view) else None

    def advance(self, used: int, needed: int) -> bool:
        """Forget the first `used` bytes of `view`, and have at least `needed` behind them, or all there are. False: nothing came.

        Only what is missing of a block is joined to it, the rest of a chunk stays where it lies.
        """
        left = self.view[used:]
        self.offset += used
        self._source.walked_bytes = self.offset
        if not left:
            self.view, self._rest = self._rest or self._next(), memoryview(b"")
            return bool(self.view)
        joined = bytearray(left)
        while len(joined) < needed:
            self._rest = self._rest or self._next()
            if not self._rest:
                break
            taken = self._rest[: needed - len(joined)]
            joined += taken
            self._rest = self._rest[len(taken) :]
        came = len(joined) > len(left)
        self.view = memoryview(bytes(joined))
        return came

    def _next(self) -> memoryview:
        return memoryview(next(self._chunks, b""))

    def let_go(self, used: int) -> None:
        """Note how far this input was read, and have the kernel unmap what was read of a mapped file."""
        self._source.walked_bytes = self.offset + used
        mapping = self.mapping
        until = used - used % PAGESIZE
        if mapping is not None and until - self._released >= CHUNK_BYTES:
            mapping.madvise(MADV_DONTNEED, self._released, until - self._released)
            self._released = until


class _Merge:
    """One merge."""

    def __init__(self, sources: list[CaptureSource]) -> None:
        self._inputs = [_Input(source) for source in sources]
        self._merger = Merger(len(sources))
        self._damage: list[str] = []

    def chunks(self) -> Iterator[bytes]:
        """What `merged` gives, without the section header."""
        while True:
            number = self._merger.run(CHUNK_BYTES)
            if number is None and not self._merger.is_waiting():
                break
            if number is None or (self._inputs[number].mapping is None and self._merger.is_waiting()):
                # Before a pipe is waited for, what there is goes out.
                yield self._merger.take()
                for i, one in enumerate(self._inputs):
                    one.let_go(self._merger.position(i))
            if number is not None:
                self._go_on(number)
        if self._damage:
            raise InputError("; ".join(self._damage))

    def remarks(self) -> list[str]:
        """What is to be said of the inputs so far."""
        return [f"{one.name}: {remark}" for i, one in enumerate(self._inputs) for remark in self._merger.remarks(i)]

    def _go_on(self, number: int) -> None:
        """Give an input its next bytes, or end it."""
        one = self._inputs[number]
        used = self._merger.position(number)
        wrong = self._merger.damage(number)
        if wrong is None:
            needed = self._merger.needed(number)
            try:
                if one.advance(used, needed):
                    self._merger.give(number, one.view)
                    return
            except InputError as error:
                self._damage.append(str(error))
            else:
                if one.view:
                    wrong = f"cut short, {len(one.view)} bytes of {needed} or more are there of what begins here"
                used = 0
        if wrong is not None:
            self._damage.append(f"{one.name}: damaged at {one.unit} {one.offset + used}: {wrong}")
        self._merger.close(number)
