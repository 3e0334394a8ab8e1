"""A trace opened: feeds the bytes of capture files to the native scanner and hands out batches.

Whole blocks are scanned where they lie, so a file mapped into memory is never copied. A block that ends in the next chunk waits
and is joined with the bytes it lacks, no more.
"""

from __future__ import annotations

from mmap import MADV_DONTNEED, PAGESIZE, mmap
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pcapdig.errors import InputError
from pcapdig.pcapng.source import open_source
from pcapdig.trace._scan import Scanner
from pcapdig.trace.columns import Interface, Packets, new_history
from pcapdig.trace.flows import Flows
from pcapdig.trace.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.pcapng.source import CaptureSource
    from pcapdig.procs.process import Process
    from pcapdig.trace.history import History
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.sums import Sums
    from pcapdig.trace.unread import Unread

Part = TypeVar("Part")
"""What is made of some blocks in one go: a batch of packets, or the number of those added to the sums."""
Scan: TypeAlias = "Callable[[memoryview, int, int], tuple[Part | None, int, str | None]]"
"""Makes a part of what begins at a position of some bytes and before another one. See `Trace._columns`."""

BATCH_PACKETS = 1_000_000
BATCH_BYTES = 64 << 20
"""A batch ends at whichever comes first. With 80 bytes of columns a packet it takes at most some 150 MB."""


class Trace:
    """Packets of one capture, or of several read one after another, and the tables they share."""

    def __init__(self, name: str = "capture", *, decap: bool = False, full_cmdline: bool = False) -> None:
        """An empty trace.

        Args:
            name: what errors call the input that `feed` is given.
            decap: flows, ports and payload are those of the innermost IP packet of a tunnel (packets/_tunnels.pyx).
            full_cmdline: command lines as the file has them; else known secrets are starred (procs/secret_arguments.py).
        """
        self.batch_bytes = BATCH_BYTES
        """Bytes of input after which a batch ends; may be changed between batches."""
        self._flows = Flows()
        self._processes = Processes(full_cmdline=full_cmdline)
        self._interfaces: list[Interface] = []
        self._history: History | None = None
        self._first_ns: int | None = None
        self.remarks: list[str] = []
        """What is to be said of captures that are not as they should be and were read all the same: "FILE: what"."""
        self._scanner = Scanner(self._flows, self._processes, self._interfaces, decap)
        self.begin(name)

    def begin(self, name: str, unit: str = "byte") -> None:
        """What `feed` is given next begins another input. Numbers and tables go on.

        Args:
            name: what errors call it.
            unit: what errors count offsets in: "byte", or "uncompressed byte".
        """
        self._name = name
        self._unit = unit
        self._scanner.begin()
        self._remarked = 0
        self._mapped = -1
        """Descriptor of the file that the chunk at hand maps."""
        self._waiting = bytearray()
        self._offset = 0
        """Bytes of this input before the first one not scanned yet."""

    @property
    def flows(self) -> Flows:
        """Who talked to whom, so far."""
        return self._flows

    @property
    def processes(self) -> list[Process]:
        """The processes named so far."""
        return self._processes.known

    @property
    def interfaces(self) -> list[Interface]:
        """The interfaces described so far, each section's and file's its own."""
        return self._interfaces

    @property
    def history(self) -> History:
        """What packets are to those before them: `see` each batch from the first one on, or it knows less."""
        if self._history is None:
            self._history = new_history()
        return self._history

    @property
    def first_ns(self) -> int | None:
        """Time of the first packet, ns since 1970; None before it."""
        return self._first_ns

    @property
    def packet_count(self) -> int:
        """Packets in all batches so far."""
        return self._scanner.packets

    @property
    def unread(self) -> list[Unread]:
        """What has no flow so far, and what is in tunnels that were not looked into: packets by what they are, most first."""
        counts = self._scanner.unread()
        if not counts:
            return []
        from pcapdig.trace.unread import unread_of  # most captures of one machine have none

        return unread_of(counts)

    @property
    def offset(self) -> int:
        """Bytes of this input (uncompressed) before the first block or record that was not read yet."""
        return self._offset

    def endings(self) -> NDArray[np.uint8]:
        """How each flow stands: 0 TCP that is open; 1 TCP that has ended; 2 others: not answered, half closed, datagrams."""
        import numpy as np

        return np.frombuffer(self._scanner.endings(), np.uint8)

    def renumber(self, renumbering: Renumbering) -> None:
        """Drop rows of the flow table and number the others anew: between two batches, after all who keep anything by flow have."""
        if self._history is not None:
            self._history.renumber(renumbering)
        self._scanner.renumber(renumbering.new)
        self._flows.renumbered()

    def read(self, path: str | CaptureSource) -> Iterator[Packets]:
        """The packets of a file, "-" for standard input, in batches. Numbers and tables go on where the last file ended.

        A source that was opened before is read from its start, and closed.

        Raises:
            InputError: the file cannot be opened or is no capture; or it is damaged or ends too early, after all whole packets
                before that have been handed out.
        """
        return self._read(path, self._columns)

    def read_all(self, captures: Sequence[str | CaptureSource]) -> Iterator[Packets]:
        """The packets of several captures in the order of time, as if `mergecap` had made one of them: see `merge.merged`.

        Raises:
            InputError: one cannot be opened or is no capture, before the first batch; or some are damaged, after the last one.
        """
        return self._read_all(captures, self._columns)

    def sum_up(self, captures: Sequence[str | CaptureSource]) -> Iterator[int]:
        """Read captures like `read_all`, adding up bytes instead of making columns: much faster, and numpy is not needed.

        Gives the number of packets in each part, after it. What they add up to is in `sums`.

        Raises:
            InputError: as read_all, after the sums hold all whole packets before the damage.
        """
        return self._read_all(captures, self._add)

    def sums(self) -> Sums:
        """What `sum_up` added up so far."""
        from pcapdig.trace.sums import Sums

        native = self._scanner.sums
        counts = tuple(native.packets_of(row) for row in range(len(self._interfaces)))
        return Sums(
            trace=self,
            packets=sum(counts),
            last_ns=native.last_ns,
            by_flow=self._scanner.fresh_bytes(),
            by_process=native.of_processes(len(self.processes)),
            packets_by_interface=counts,
        )

    def feed(self, chunk: bytes | bytearray | memoryview, *, final: bool = False) -> Iterator[Packets]:
        """The packets that are whole with these further bytes of the input, in batches. Nothing is read until they are asked for.

        Args:
            chunk: any number of bytes. Batches keep it alive and point into it: it must not change afterwards.
            final: the input ends here.

        Raises:
            InputError: the input is damaged or cut short, after all whole packets before that have been handed out.
        """
        return self._feed(chunk, self._columns, final=final)

    def _columns(self, view: memoryview, position: int, stop: int) -> tuple[Packets | None, int, str | None]:
        """One batch of what is whole in `view` from `position` on, where it ends, and what is wrong there."""
        columns, reached, wrong = self._scanner.scan(view, position, stop, BATCH_PACKETS, self._mapped)
        if not len(columns["number"]):
            return None, reached, wrong
        if self._first_ns is None:
            self._first_ns = int(columns["time_ns"][0])
        return Packets(trace=self, data=view, **columns), reached, wrong

    def _add(self, view: memoryview, position: int, stop: int) -> tuple[int | None, int, str | None]:
        """The same for sums."""
        count, reached, wrong = self._scanner.sum_up(view, position, stop, self._mapped)
        if count and self._first_ns is None:
            self._first_ns = self._scanner.first_ns
        return count or None, reached, wrong

    def _read(self, path: str | CaptureSource, scan: Scan[Part]) -> Iterator[Part]:
        with open_source(path) if isinstance(path, str) else path as source:
            self.begin(source.name, "uncompressed byte" if source.compression else "byte")
            before = 0
            for chunk in source.chunks():
                self._mapped = source.descriptor if _mapping_of(chunk) else -1
                for part in self._feed(chunk, scan):
                    source.walked_bytes = self._offset
                    yield part
                before += len(chunk)
                source.walked_bytes = before
        self._mapped = -1
        yield from self._feed(b"", scan, final=True)

    def _read_all(self, captures: Sequence[str | CaptureSource], scan: Scan[Part]) -> Iterator[Part]:
        if len(captures) == 1:
            yield from self._read(captures[0], scan)
            return
        from pcapdig.trace.merge import merged  # most digs are of one file

        self.begin("the merged captures")
        for chunk in merged(captures, self.remarks):
            yield from self._feed(chunk, scan)

    def _feed(self, chunk: bytes | bytearray | memoryview, scan: Scan[Part], *, final: bool = False) -> Iterator[Part]:
        view = memoryview(chunk)
        position = 0
        while self._waiting and position < len(view):
            taken = view[position : position + self._scanner.needed - len(self._waiting)]
            self._waiting += taken
            position += len(taken)
            if len(self._waiting) == self._scanner.needed:
                scanned = yield from self._parts(memoryview(bytes(self._waiting)), scan)
                del self._waiting[:scanned]
        if position < len(view):
            rest = view[position:]
            scanned = yield from self._parts(rest, scan)
            self._waiting += rest[scanned:]
        if final and self._offset == len(self._waiting) == 0:
            raise InputError(f"{self._name}: empty, so no capture")
        if final and self._waiting:
            raise self._damaged(
                f"cut short, {len(self._waiting)} bytes of {self._scanner.needed} or more are there of what begins here"
            )

    def _parts(self, view: memoryview, scan: Scan[Part]) -> Generator[Part, None, int]:
        """What is whole in `view`, whose first byte begins a block or a file. Returns how many bytes that took."""
        position = 0
        while position < len(view):
            stop = min(position + self.batch_bytes, len(view))
            part, reached, wrong = scan(view, position, stop)
            self._offset += reached - position
            self.remarks += [f"{self._name}: {remark}" for remark in self._scanner.remarks[self._remarked :]]
            self._remarked = len(self._scanner.remarks)
            if part is not None:
                yield part
                _let_go(view, position, reached)
            if wrong is not None:
                raise self._damaged(wrong)
            if reached == position:
                break
            position = reached
        return position

    def _damaged(self, what: str) -> InputError:
        return InputError(f"{self._name}: damaged at {self._unit} {self._offset}: {what}")


def _let_go(view: memoryview, start: int, stop: int) -> None:
    """Have the kernel unmap the pages of a mapped file that were read, so that a dig of any file takes little memory.

    The bytes stay in the page cache, and whoever still looks at them finds them: this only takes back what the process maps.
    """
    mapping = _mapping_of(view)
    if mapping is not None:
        start -= start % PAGESIZE
        mapping.madvise(MADV_DONTNEED, start, stop - start)


def _mapping_of(data: bytes | memoryview) -> mmap | None:
    """The mapped file, if these are all its bytes."""
    mapping = data.obj if isinstance(data, memoryview) else None
    return mapping if isinstance(mapping, mmap) and len(data) == len(mapping) else None
