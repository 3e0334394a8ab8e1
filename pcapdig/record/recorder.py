"""A recording from start to end: tracer, captures and ledger wired together, until told to stop.

The order of the start matters. Events flow first, then what existed before is read, and only then packets count: so there is no moment at which a
socket could be made unseen.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import NoReturn

from pcapdig.attribution._ledger import Ledger
from pcapdig.capture._pcap import Capture
from pcapdig.capture.interfaces import Interface, list_interfaces, mapped
from pcapdig.errors import HostError, PcapdigError, UsageError
from pcapdig.pcapng import blocks, comments
from pcapdig.pcapng.sink import SinkError, Taken
from pcapdig.procs import ProcessTable
from pcapdig.record._loop import TIMEOUT_MS, Loop, boot_offset_ns
from pcapdig.record._queue import READABLE_LINK_TYPES
from pcapdig.record.head import file_head
from pcapdig.record.options import NO_MEMORY, RESERVE_BYTES, RecordOptions
from pcapdig.record.statistics import InterfaceStatistics, Statistics
from pcapdig.tracer import Tracer, open_tracer
from pcapdig.tracer.roles import chosen_ports

CYCLE_NS = 20_000_000
BUSY_CYCLE_NS = 1_000_000
"""Rings are emptied this often: seldom, to leave the processors to the traffic, and more often while they fill fast."""
STATUS_NS = 1_000_000_000
ADDRESSES_NS = 2_000_000_000
"""How often the machine's own addresses are read anew."""
RING_BYTES = 64 << 20
RING_BYTES_LEAST = 4 << 20
RINGS_BYTES_MOST = 512 << 20
"""Capture rings are locked memory, and a host of a hundred containers has a hundred interfaces."""
POLLED_HOLDBACK_MS = 500
"""A polled tracer tells of a change up to a poll late, and takes a name back as late."""
UNLIMITED = 1 << 62


class RecordingEnded(HostError):
    """The recording ended before it was told to; what was captured is written, and `statistics` says how much."""

    def __init__(self, message: str, statistics: Statistics) -> None:
        super().__init__(message)
        self.statistics = statistics


@dataclass(frozen=True, slots=True)
class _Captured:
    interface: Interface
    capture: Capture


class Recorder:
    """One recording. `run` blocks; `stop` may be called from a signal handler or another thread.

    Args:
        options: what to record.
        sink: takes whole pcapng blocks; returns which of their packets it kept, None for all. A SinkError ends the recording.
        status: called about each second with the totals so far, and once when packets begin to count.
        was_cut: asked before each batch: have blocks that later ones count on gone since the last time? Then those of processes come again.
    """

    def __init__(
        self,
        options: RecordOptions,
        sink: Callable[[bytes], Taken | None],
        status: Callable[[Statistics], None] = lambda statistics: None,
        was_cut: Callable[[], bool] = lambda: False,
    ) -> None:
        self._options = options
        self._was_cut = was_cut
        self._sink = sink
        self._status = status
        self._stop = threading.Event()
        self._captured: list[_Captured] = []
        self._notes: list[str] = []
        self._reserve = mmap.mmap(-1, RESERVE_BYTES)
        self._gone: set[int] = set()
        self._kept = Taken(0, 0)
        self._sink_failed = False
        """The sink is full or gone: what it has is whole, and it takes no more."""
        self._file_bytes = 0
        self._start_ns = 0
        self._described = 0
        self._each_ring_bytes, self._cycle_ns = 0, CYCLE_NS
        self._tracer: Tracer
        self._processes: ProcessTable
        self._ledger: Ledger
        self._loop: Loop

    def stop(self) -> None:
        """End the recording soon, cleanly: what was captured so far is still attributed and written."""
        self._stop.set()

    def run(self) -> Statistics:
        """Record until stop() or the packet limit.

        Raises:
            UsageError: no such interface, a bad capture filter.
            HostError: no permission, no tracer of the wanted kind.
            RecordingEnded: a full disk or a vanished interface; the file is valid.
        """
        with ExitStack() as cleanup:
            self._open(cleanup)
            failure = self._record()
            try:
                statistics = self._finish()
            except HostError as error:
                failure = failure or error
                statistics = self.statistics()
        if failure is not None:
            raise RecordingEnded(str(failure), statistics) from failure
        return statistics

    # -- start -------------------------------------------------------------------------------------------------------

    def _open(self, cleanup: ExitStack) -> None:
        chosen = self._choose_interfaces()
        self._each_ring_bytes = self._ring_bytes(len(chosen))
        for interface in chosen:
            self._open_capture(interface, cleanup)
        if not self._captured:
            raise HostError("no interface to capture on: none is up")
        self._processes = ProcessTable(boot_offset_ns=boot_offset_ns(), full_cmdline=self._options.full_cmdline)
        self._tracer = open_tracer(self._options.tracer, processes=self._processes)
        cleanup.callback(self._tracer.close)
        source = self._tracer.start()
        self._ledger = Ledger(
            own_netns=os.stat("/proc/self/ns/net").st_ino,
            complete=self._tracer.name in ("core", "bcc"),
            chosen_ports=chosen_ports(),
        )
        self._read_addresses()
        self._loop = Loop(self._ledger, waiting_limit_bytes=self._options.waiting_limit_mib << 20)
        for captured in self._captured:
            self._loop.add_capture(
                captured.capture, loopback=captured.interface.is_loopback, mac=captured.interface.mac
            )
        if source.kind in ("ringbuf", "perf"):
            self._loop.add_event_map(source.kind, source.map_fd)
        self._polled = source.kind == "polled"
        if self._tracer.name != "none":
            self._processes.snapshot()
        self._loop.gather(0)
        self._loop.take_events(self._tracer.snapshot())
        interfaces = [captured.interface for captured in self._captured]
        self._put(file_head(interfaces, options=self._options, tracer=self._tracer.name))
        self._start_ns = time.time_ns()
        self._loop.set_window(self._start_ns, UNLIMITED)

    def _choose_interfaces(self) -> list[Interface]:
        known = list_interfaces()
        if not self._options.interfaces:
            return [interface for interface in known if interface.is_up]
        by_name = {interface.name: interface for interface in known}
        missing = [name for name in self._options.interfaces if name not in by_name]
        if missing:
            raise UsageError(f"no interface named {missing[0]}; there are: {', '.join(by_name)}")
        return [by_name[name] for name in dict.fromkeys(self._options.interfaces)]

    def _ring_bytes(self, interfaces: int) -> int:
        """The size of each interface's capture ring: as asked for, else 64 MiB as long as all together stay below 512 MiB."""
        if self._options.ring_kib is not None:
            return min(self._options.ring_kib << 10, (1 << 31) - 1)
        share = max(RING_BYTES_LEAST, RINGS_BYTES_MOST // max(interfaces, 1) >> 20 << 20)
        if share >= RING_BYTES:
            return RING_BYTES
        self._notes.append(f"{interfaces} interfaces: capture buffers of {share >> 20} MiB each; -B sets another size")
        return share

    def _open_capture(self, interface: Interface, cleanup: ExitStack) -> None:
        options = self._options
        capture = Capture(
            interface.name,
            snap_length=options.snap_length,
            ring_bytes=self._each_ring_bytes,
            timeout_ms=TIMEOUT_MS,
            bpf=options.bpf,
        )
        if capture.link_type not in READABLE_LINK_TYPES:
            capture.close()
            if options.interfaces:
                raise HostError(
                    f"interface {interface.name} is not IP over Ethernet or raw IP (link type {capture.link_type})"
                )
            self._notes.append(f"{interface.name} left out: link type {capture.link_type} carries no IP packets")
            return
        cleanup.callback(capture.close)
        self._captured.append(_Captured(interface, capture))

    def _read_addresses(self) -> None:
        addresses = [mapped(address.ip) for interface in list_interfaces() for address in interface.addresses]
        self._ledger.set_addresses(addresses)

    # -- recording ---------------------------------------------------------------------------------------------------

    def _record(self) -> PcapdigError | None:
        """Cycles until told to stop; returns what ended it otherwise."""
        least_ms = POLLED_HOLDBACK_MS if self._polled else 2 * TIMEOUT_MS
        holdback_ns = max(self._options.holdback_ms, least_ms) * 1_000_000
        next_status = next_addresses = 0
        try:
            while not self._stop.is_set():
                complete_ns = self._gather(self._pause_ns())
                self._release(complete_ns - holdback_ns)
                now = time.monotonic_ns()
                if now >= next_addresses:
                    self._read_addresses()
                    next_addresses = now + ADDRESSES_NS
                if now >= next_status:
                    self._tell(self.statistics())
                    next_status = now + STATUS_NS
                if self._left() <= 0:
                    return None
                self._check_interfaces()
        except HostError as error:
            return error
        except MemoryError:
            holdback_ns = 0
            return self._out_of_memory()
        finally:
            self._drain(holdback_ns)
        return None

    def _pause_ns(self) -> int:
        """How long to leave the rings alone: half as long each time one is found an eighth full, longer again when all are low."""
        found = self._loop.fullest_bytes
        if found * 8 > self._each_ring_bytes:
            self._cycle_ns = max(BUSY_CYCLE_NS, self._cycle_ns // 2)
        elif found * 32 < self._each_ring_bytes:
            self._cycle_ns = min(CYCLE_NS, self._cycle_ns * 2)
        return self._cycle_ns

    def _drain(self, holdback_ns: int) -> None:
        """Wait until the last packets' owners are known, then write them."""
        until = time.time_ns()
        self._loop.set_window(self._start_ns, until)
        try:
            while self._left() > 0 and time.time_ns() < until + holdback_ns:
                self._release(self._gather(CYCLE_NS) - holdback_ns)
            self._gather(0)
            self._release(UNLIMITED)
        except HostError:
            return  # the first error is the one to tell
        except MemoryError:
            self._out_of_memory()
            with suppress(HostError, MemoryError):
                self._release(UNLIMITED)

    def _out_of_memory(self) -> HostError:
        """Let go of the reserve, so that what is held can be written; the error that ends the recording."""
        self._reserve.close()
        self._loop.recover()
        return HostError(NO_MEMORY)

    def _gather(self, sleep_ns: int) -> int:
        complete_ns = self._loop.gather(sleep_ns)
        if self._polled:
            self._loop.take_events(self._tracer.poll())
        for event in _split_events(self._loop.take_process_events()):
            self._processes.apply(event)
        while self._described < self._ledger.process_count:
            self._describe(self._described)
            self._described += 1
        return complete_ns

    def _describe(self, index: int) -> None:
        identity = self._ledger.process(index)
        process = self._processes.describe(
            pid=identity["tgid"],
            start_boot_ns=identity["start_boot_ns"],
            exec_id=identity["exec_id"],
            comm=identity["comm"],
            uid=identity["uid"],
        )
        head, tail = comments.compose(process, cmdline=self._options.cmdline)
        block = blocks.apple_process(pid=identity["tgid"], name=process.name or "", path=process.exepath)
        self._loop.set_process(index, identity["tgid"], head, tail, block)

    def _left(self) -> int:
        if self._sink_failed:
            return 0
        limit = self._options.packet_limit
        return UNLIMITED if limit is None else limit - self._kept.packets

    def _release(self, cutoff_ns: int) -> None:
        while self._left() > 0:
            if self._was_cut():
                self._loop.forget_process_blocks()
            before = Taken(self._loop.packets, self._loop.wire_bytes)
            batch = self._loop.release(cutoff_ns, self._left())
            if not batch:
                return
            kept = self._put(batch)
            all_of_it = Taken(self._loop.packets, self._loop.wire_bytes) - before
            self._kept = self._kept.plus(all_of_it if kept is None else kept)

    def _put(self, batch: bytes) -> Taken | None:
        try:
            kept = self._sink(batch)
        except SinkError as error:
            self._fail_sink(error)
        self._file_bytes += len(batch)
        return kept

    def _check_interfaces(self) -> None:
        """An interface that the user named, or the last one, ends the recording when it goes; others are noted."""
        for index, words in self._loop.failures():
            if index in self._gone:
                continue
            self._gone.add(index)
            name = self._captured[index].interface.name
            message = f"interface {name} went away: {words}"
            if self._options.interfaces or len(self._gone) == len(self._captured):
                raise HostError(message)
            self._notes.append(message)

    # -- end ---------------------------------------------------------------------------------------------------------

    def _finish(self) -> Statistics:
        statistics = self.statistics()
        if self._sink_failed:
            return statistics
        end_ns = time.time_ns()
        tail = b"".join(
            blocks.interface_statistics(
                interface=index,
                start_ns=self._start_ns,
                end_ns=end_ns,
                received=counted.received,
                dropped=counted.dropped,
                delivered=counted.written,
            )
            for index, counted in enumerate(statistics.interfaces)
        )
        self._put(tail)
        self._tell(statistics)
        return statistics

    def _tell(self, statistics: Statistics) -> None:
        try:
            self._status(statistics)
        except SinkError as error:
            self._fail_sink(error)

    def _fail_sink(self, error: SinkError) -> NoReturn:
        self._sink_failed = True
        self._kept = self._kept.plus(error.change)
        raise error

    def statistics(self) -> Statistics:
        """The totals at this moment."""
        interfaces = []
        for index, captured in enumerate(self._captured):
            counts = captured.capture.statistics() or (0, 0, 0)
            interfaces.append(
                InterfaceStatistics(
                    name=captured.interface.name,
                    received=counts[0],
                    dropped=counts[1],
                    written=self._loop.written(index),
                )
            )
        loop = self._loop
        return Statistics(
            elapsed_ns=time.time_ns() - self._start_ns,
            packets=self._kept.packets,
            wire_bytes=self._kept.wire_bytes,
            file_bytes=self._file_bytes,
            kernel_drops=sum(interface.dropped for interface in interfaces),
            lost_events=loop.lost_events + self._tracer.lost_events(),
            ends_by_evidence=loop.ends_by_evidence,
            ends_kernel=loop.ends_kernel,
            ends_unknown=loop.ends_unknown,
            late_packets=loop.late_packets,
            released_early=loop.released_early,
            interfaces=tuple(interfaces),
            tracer=self._tracer.name,
            notes=(*self._tracer.notes, *self._notes),
        )


def _split_events(packed: bytes) -> Iterable[memoryview]:
    """Packed events one by one; their sizes were checked by the loop (struct event_head: kind u16, size u16)."""
    view = memoryview(packed)
    at = 0
    while at < len(view):
        (size,) = struct.unpack_from("=H", view, at + 2)
        yield view[at : at + size]
        at += size
