# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: libraries = pcap bpf
# distutils: include_dirs = probe
"""The record loop: events and packets in, finished pcapng blocks out, no Python per packet or event.

One cycle: sleep, move every packet from the kernel's rings into memory, take in every event, then write the packets whose hold-back is over, in
time order over all interfaces. A packet is looked up when it is written, not when it arrives: by then the events that followed it are known.

Order is safe because the rings are emptied before the cut: what is older than the cut and not here yet can only sit in a ring block that the
kernel has not handed over, and the kernel hands over each block after TIMEOUT_MS at the latest, which is less than the hold-back.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy
from posix.time cimport CLOCK_REALTIME, clock_gettime, nanosleep, timespec

from pcapdig.attribution._end cimport END_KERNEL, END_NAMED, END_UNKNOWN, End
from pcapdig.attribution._events cimport *
from pcapdig.attribution._ledger cimport Ledger
from pcapdig.capture._libpcap cimport pcap_geterr
from pcapdig.capture._pcap cimport Capture
from pcapdig.packets._headers cimport PacketHeaders, read_headers
from pcapdig.record._libbpf cimport *
from pcapdig.record._queue cimport Pending, Queue, queue_close, queue_fill, queue_first, queue_open, queue_pop
from pcapdig.record._writer cimport PacketWriter

from pcapdig.record._writer import EVIDENCE_NAMES

cdef extern from "time.h" nogil:
    enum: CLOCK_BOOTTIME

TIMEOUT_MS = 50
"""How long the kernel may keep a ring block that is not full."""

cdef enum:
    LINKTYPE_ETHERNET = 1
    MAC_BYTES = 6
    PERF_PAGES = 1024
    EVIDENCES = 5
    OUTPUT_GOAL = 1 << 22
    DIRECTION_IN = 1
    DIRECTION_OUT = 2
    RECEPTION_UNICAST = 1 << 2
    RECEPTION_MULTICAST = 2 << 2
    RECEPTION_BROADCAST = 3 << 2
    RECEPTION_PROMISCUOUS = 4 << 2


cdef struct Source:
    Queue queue
    uint8_t mac[MAC_BYTES]
    uint8_t loopback
    uint64_t written


cdef class Loop


cdef int _on_ring_event(Loop loop, void *data, size_t size) noexcept nogil:
    loop._take_event(<const uint8_t *> data, size)
    return 0


cdef void _on_perf_event(Loop loop, int cpu, void *data, uint32_t size) noexcept nogil:
    loop._take_event(<const uint8_t *> data, size)


cdef void _on_perf_lost(Loop loop, int cpu, uint64_t count) noexcept nogil:
    loop.lost_events += count


cdef int64_t _now_ns(int clock) noexcept nogil:
    cdef timespec moment
    clock_gettime(clock, &moment)
    return <int64_t> moment.tv_sec * 1000000000 + moment.tv_nsec


cdef int64_t _boot_offset_ns() noexcept nogil:
    """CLOCK_REALTIME - CLOCK_BOOTTIME, from the tightest of several readings."""
    cdef int64_t before, boot, after, best = 1 << 62, offset = 0
    cdef int i
    for i in range(16):
        before = _now_ns(CLOCK_REALTIME)
        boot = _now_ns(CLOCK_BOOTTIME)
        after = _now_ns(CLOCK_REALTIME)
        if 0 <= after - before < best:
            best = after - before
            offset = before + (after - before) // 2 - boot
    return offset


def boot_offset_ns() -> int:
    """What to add to a CLOCK_BOOTTIME time to get wall-clock ns, right now."""
    return _boot_offset_ns()


cdef class Loop:
    """The native half of a recording; recorder.py drives it.

    Args:
        ledger: where events go and owners come from.
        waiting_limit_bytes: memory for held-back packets.
    """

    cdef Ledger ledger
    cdef PacketWriter writer
    cdef Source *sources
    cdef int source_count
    cdef list captures
    cdef ring_buffer *ring
    cdef perf_buffer *perf
    cdef uint8_t *process_events
    cdef size_t process_used, process_room
    cdef int64_t offset_ns
    cdef int64_t written_ns
    cdef uint64_t waiting_limit
    cdef uint64_t by_evidence[EVIDENCES]
    cdef readonly uint64_t packets, wire_bytes, ends_kernel, ends_unknown, lost_events, late_packets, released_early, bad_events
    cdef bint no_memory

    def __cinit__(self, Ledger ledger not None, *, waiting_limit_bytes: int):
        self.ledger = ledger
        self.writer = PacketWriter()
        self.captures = []
        self.waiting_limit = waiting_limit_bytes
        self.offset_ns = _boot_offset_ns()

    def __dealloc__(self):
        cdef int i
        if self.ring != NULL:
            ring_buffer__free(self.ring)
        if self.perf != NULL:
            perf_buffer__free(self.perf)
        for i in range(self.source_count):
            queue_close(&self.sources[i].queue)
        PyMem_RawFree(self.sources)
        PyMem_RawFree(self.process_events)

    # -- set-up ------------------------------------------------------------------------------------------------------

    def add_capture(self, Capture capture not None, *, loopback: bool, mac: bytes | None) -> int:
        """Read this capture too; returns its interface id. All captures are added before the first cycle."""
        cdef Source *grown = <Source *> PyMem_RawRealloc(self.sources, (self.source_count + 1) * sizeof(Source))
        cdef Source *source
        if grown == NULL:
            raise MemoryError
        self.sources = grown
        source = &self.sources[self.source_count]
        if not queue_open(&source.queue, capture.handle, capture.link_type):
            raise MemoryError
        source.loopback = loopback
        source.written = 0
        mac = mac if mac is not None and len(mac) == MAC_BYTES else bytes(MAC_BYTES)
        memcpy(source.mac, <const char *> mac, MAC_BYTES)
        self.captures.append(capture)
        self.source_count += 1
        return self.source_count - 1

    def add_event_map(self, kind: str, map_fd: int) -> None:
        """Read the tracer's events from this BPF map: "ringbuf" or "perf".

        Raises:
            OSError: the map cannot be read.
        """
        if kind == "ringbuf":
            self.ring = ring_buffer__new(map_fd, <ring_buffer_sample_fn> <void *> _on_ring_event, <void *> self, NULL)
            if self.ring == NULL:
                raise OSError("cannot map the tracer's ring buffer")
        elif kind == "perf":
            self.perf = perf_buffer__new(map_fd, PERF_PAGES, <perf_buffer_sample_fn> <void *> _on_perf_event,
                                         <perf_buffer_lost_fn> <void *> _on_perf_lost, <void *> self, NULL)
            if self.perf == NULL:
                raise OSError("cannot map the tracer's perf buffers")
        else:
            raise ValueError(kind)

    def set_window(self, since_ns: int, until_ns: int) -> None:
        """Only packets with a time stamp inside are part of the recording (wall-clock ns, both ends included)."""
        cdef int i
        for i in range(self.source_count):
            self.sources[i].queue.since_ns = since_ns
            self.sources[i].queue.until_ns = until_ns

    def set_process(self, index: int, pid: int, head: bytes, tail: bytes, apple_block: bytes) -> None:
        """What to write for the ledger's process of this index. Indexes come in order, each once."""
        self.writer.set_process(index, pid, head, tail, apple_block)

    def forget_process_blocks(self) -> None:
        """What is written from now on has none of the process blocks yet."""
        self.writer.forget_process_blocks()

    # -- one cycle ---------------------------------------------------------------------------------------------------

    def gather(self, sleep_ns: int) -> int:
        """Sleep, then empty all rings and take in all events. Returns the wall-clock ns up to which every packet is here."""
        cdef timespec pause
        cdef int64_t now, complete_ns
        cdef int i
        cdef Queue *queue
        pause.tv_sec = sleep_ns // 1000000000
        pause.tv_nsec = sleep_ns % 1000000000
        with nogil:
            if pause.tv_sec or pause.tv_nsec:
                nanosleep(&pause, NULL)
            now = complete_ns = _now_ns(CLOCK_REALTIME)
            for i in range(self.source_count):
                queue = &self.sources[i].queue
                queue_fill(queue)
                self.no_memory |= queue.no_memory
                if not queue.drained and queue.last_ns < complete_ns:
                    complete_ns = queue.last_ns
            self.offset_ns = _boot_offset_ns()
            if self.ring != NULL:
                ring_buffer__consume(self.ring)
            if self.perf != NULL:
                perf_buffer__consume(self.perf)
            self.ledger.tables.expire(now)
        if self.no_memory or self.ledger.out_of_memory:
            raise MemoryError
        return complete_ns

    def recover(self) -> None:
        """Memory may be there again: what was refused is tried anew, to write what is held."""
        cdef int i
        self.no_memory = False
        self.writer.no_memory = False
        for i in range(self.source_count):
            self.sources[i].queue.no_memory = 0

    @property
    def fullest_bytes(self) -> int:
        """What the last `gather` found in the fullest of the kernel's rings."""
        return max([self.sources[i].queue.filled_bytes for i in range(self.source_count)], default=0)

    def failures(self) -> list[tuple[int, str]]:
        """Interfaces that cannot be read any more: (interface id, libpcap's words)."""
        return [(i, (<bytes> pcap_geterr(self.sources[i].queue.handle)).decode("utf-8", "replace"))
                for i in range(self.source_count) if self.sources[i].queue.failed]

    def take_events(self, events: bytes) -> None:
        """Take in events that did not come through a map (polled tracers, snapshot)."""
        cdef const uint8_t *data = events
        cdef Py_ssize_t at = 0, size = len(events)
        cdef event_head head
        while size - at >= <Py_ssize_t> sizeof(event_head):
            memcpy(&head, data + at, sizeof(event_head))
            if head.size < sizeof(event_head) or head.size > size - at:
                break
            self._take_event(data + at, head.size)
            at += head.size
        if at != size:
            self.bad_events += 1

    cdef void _take_event(self, const uint8_t *data, size_t size) noexcept nogil:
        cdef event_head head
        cdef socket_event event
        cdef uint8_t *grown
        if size < sizeof(event_head):
            self.bad_events += 1
            return
        memcpy(&head, data, sizeof(event_head))
        if head.version != PCAPDIG_EVENTS_VERSION or head.size > size:
            self.bad_events += 1
        elif head.kind >= PROCESS_FORKED:
            while self.process_used + head.size > self.process_room:
                self.process_room = 2 * self.process_room if self.process_room else 1 << 16
                grown = <uint8_t *> PyMem_RawRealloc(self.process_events, self.process_room)
                if grown == NULL:
                    self.no_memory = True
                    return
                self.process_events = grown
            memcpy(self.process_events + self.process_used, data, head.size)
            self.process_used += head.size
        elif size >= sizeof(socket_event) and head.kind >= SOCKET_BOUND and head.kind <= SOCKET_CLOSED:
            memcpy(&event, data, sizeof(socket_event))
            self.ledger.apply_event(&event, self.offset_ns)
        else:
            self.bad_events += 1

    def take_process_events(self) -> bytes:
        """The fork, exec and exit events since the last call, packed one after the other."""
        if not self.process_used:
            return b""
        taken = PyBytes_FromStringAndSize(<char *> self.process_events, self.process_used)
        self.process_used = 0
        return taken

    # -- writing -----------------------------------------------------------------------------------------------------

    def release(self, cutoff_ns: int, limit: int) -> bytes:
        """Blocks of waiting packets up to cutoff_ns (wall-clock), oldest first, a few MiB at a time; b"" when there are none left.

        Packets beyond the memory limit are released whatever their time, and counted in released_early. At most `limit` packets.
        """
        cdef int64_t cutoff = cutoff_ns
        cdef uint64_t most = limit
        with nogil:
            self._release(cutoff, most)
        if self.writer.no_memory:
            raise MemoryError
        return self.writer.take()

    @property
    def waiting_packets(self) -> int:
        """Packets still held back."""
        return sum(self.sources[i].queue.tail - self.sources[i].queue.head for i in range(self.source_count))

    def written(self, interface: int) -> int:
        """Packets written from this interface."""
        return self.sources[interface].written

    @property
    def ends_by_evidence(self) -> dict[str, int]:
        """Ends named so far, by the name of the evidence."""
        return {EVIDENCE_NAMES[i]: self.by_evidence[i] for i in range(1, EVIDENCES)}

    cdef void _release(self, int64_t cutoff_ns, uint64_t most) noexcept nogil:
        cdef int i, chosen
        cdef uint64_t waiting
        cdef Pending *packet
        cdef Pending *oldest
        while most > 0 and self.writer.used < OUTPUT_GOAL and not self.writer.no_memory:
            oldest = NULL
            chosen = 0
            waiting = 0
            for i in range(self.source_count):
                waiting += self.sources[i].queue.chunk_bytes
                packet = queue_first(&self.sources[i].queue)
                if packet != NULL and (oldest == NULL or packet.time_ns < oldest.time_ns):
                    oldest = packet
                    chosen = i
            if oldest == NULL or oldest.time_ns > cutoff_ns:
                self.ledger.settle(cutoff_ns)
            if oldest == NULL:
                return
            if oldest.time_ns > cutoff_ns:
                if waiting <= self.waiting_limit:
                    return
                self.released_early += 1
            self._write_packet(&self.sources[chosen], chosen, oldest)
            queue_pop(&self.sources[chosen].queue)
            most -= 1

    cdef void _write_packet(self, Source *source, int interface, Pending *packet) noexcept nogil:
        cdef PacketHeaders headers
        cdef End sender, receiver
        if packet.time_ns < self.written_ns:
            self.late_packets += 1
        self.written_ns = packet.time_ns
        read_headers(packet.data, packet.captured, packet.original, LINKTYPE_ETHERNET, &headers)
        self.ledger.resolve(&headers, packet.time_ns, source.loopback, &sender, &receiver)
        if not headers.has_network:
            sender.state = END_KERNEL
        self._count_end(&sender)
        self._count_end(&receiver)
        self.writer.write(packet, interface, self._flags(source, packet, &headers), &sender, &receiver)
        self.packets += 1
        self.wire_bytes += packet.original
        source.written += 1

    cdef uint32_t _flags(self, Source *source, Pending *packet, PacketHeaders *headers) noexcept nogil:
        """epb_flags: direction and reception type (draft-ietf-opsawg-pcapng section 4.3.1)."""
        cdef uint8_t *data = packet.data
        if source.loopback:
            return DIRECTION_IN | RECEPTION_UNICAST
        if source.queue.link_type != LINKTYPE_ETHERNET:
            if headers.has_network and self.ledger.is_local(headers.source):
                return DIRECTION_OUT
            return DIRECTION_IN | RECEPTION_UNICAST
        if packet.captured < 12:
            return 0
        if memcmp(data + 6, source.mac, 6) == 0:
            return DIRECTION_OUT
        if memcmp(data, source.mac, 6) == 0:
            return DIRECTION_IN | RECEPTION_UNICAST
        if data[0] == 0xff and data[1] == 0xff and data[2] == 0xff and data[3] == 0xff and data[4] == 0xff and data[5] == 0xff:
            return DIRECTION_IN | RECEPTION_BROADCAST
        if data[0] & 1:
            return DIRECTION_IN | RECEPTION_MULTICAST
        return DIRECTION_IN | RECEPTION_PROMISCUOUS

    cdef void _count_end(self, End *end) noexcept nogil:
        if end.state == END_NAMED:
            if end.process < self.writer.text_count:
                self.by_evidence[end.evidence] += 1
                return
            end.state = END_UNKNOWN
        if end.state == END_KERNEL:
            self.ends_kernel += 1
        elif end.state == END_UNKNOWN:
            self.ends_unknown += 1
