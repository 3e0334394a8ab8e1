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
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset
from posix.time cimport CLOCK_REALTIME, clock_gettime, nanosleep, timespec

from pcapdig.attribution._events cimport *
from pcapdig.attribution._ledger cimport END_KERNEL, END_NAMED, END_UNKNOWN, End, Ledger
from pcapdig.capture._libpcap cimport pcap_dispatch, pcap_geterr, pcap_pkthdr, pcap_t, pcap_handler
from pcapdig.capture._pcap cimport Capture
from pcapdig.packets._headers cimport PacketHeaders, read_headers

# Prototypes of libbpf 1.x (bpf/libbpf.h), written out because that header and libpcap's both define struct bpf_insn.
cdef extern from * nogil:
    """
    #include <stddef.h>
    #include <stdint.h>
    struct ring_buffer;
    struct perf_buffer;
    typedef int (*ring_buffer_sample_fn)(void *context, void *data, size_t size);
    typedef void (*perf_buffer_sample_fn)(void *context, int cpu, void *data, uint32_t size);
    typedef void (*perf_buffer_lost_fn)(void *context, int cpu, uint64_t count);
    struct ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn, void *context, const void *options);
    int ring_buffer__consume(struct ring_buffer *);
    void ring_buffer__free(struct ring_buffer *);
    struct perf_buffer *perf_buffer__new(int map_fd, size_t pages, perf_buffer_sample_fn, perf_buffer_lost_fn, void *context,
                                         const void *options);
    int perf_buffer__consume(struct perf_buffer *);
    void perf_buffer__free(struct perf_buffer *);
    """
    struct ring_buffer:
        pass
    struct perf_buffer:
        pass
    ctypedef int (*ring_buffer_sample_fn)(void *context, void *data, size_t size)
    ctypedef void (*perf_buffer_sample_fn)(void *context, int cpu, void *data, uint32_t size)
    ctypedef void (*perf_buffer_lost_fn)(void *context, int cpu, uint64_t count)
    ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn, void *context, const void *options)
    int ring_buffer__consume(ring_buffer *)
    void ring_buffer__free(ring_buffer *)
    perf_buffer *perf_buffer__new(int map_fd, size_t pages, perf_buffer_sample_fn, perf_buffer_lost_fn, void *context, const void *options)
    int perf_buffer__consume(perf_buffer *)
    void perf_buffer__free(perf_buffer *)

cdef extern from "time.h" nogil:
    enum: CLOCK_BOOTTIME

TIMEOUT_MS = 50
"""How long the kernel may keep a ring block that is not full."""

cdef enum:
    LINKTYPE_ETHERNET = 1
    DLT_RAW = 12
    DLT_RAW_BSD = 14
    LINKTYPE_RAW = 101
    LINKTYPE_LINUX_SLL = 113
    LINKTYPE_IPV4 = 228
    LINKTYPE_IPV6 = 229
    ETHERNET_HEADER = 14
    SLL_HEADER = 16
    CHUNK_BYTES = 1 << 20
    CAPTURED_MOST = 262144
    DISPATCH_MOST = 16384
    PERF_PAGES = 1024
    OUTPUT_GOAL = 1 << 22
    OPTION_COMMENT = 1
    OPTION_FLAGS = 2
    OPTION_PROCESS_THREAD = 8
    OPTION_APPLE_PROCESS = 0x8001
    BLOCK_ENHANCED_PACKET = 6
    DIRECTION_IN = 1
    DIRECTION_OUT = 2
    RECEPTION_UNICAST = 1 << 2
    RECEPTION_MULTICAST = 2 << 2
    RECEPTION_BROADCAST = 3 << 2
    RECEPTION_PROMISCUOUS = 4 << 2

READABLE_LINK_TYPES = frozenset((LINKTYPE_ETHERNET, DLT_RAW, DLT_RAW_BSD, LINKTYPE_RAW, LINKTYPE_LINUX_SLL, LINKTYPE_IPV4, LINKTYPE_IPV6))
"""Link types that are Ethernet, or become Ethernet by a header of ours: libpcap refuses files whose interfaces differ in link type."""

cdef const char *DIRECTION_TEXT[2]
DIRECTION_TEXT[0] = b"evt.io_dir=write evidence="
DIRECTION_TEXT[1] = b"evt.io_dir=read evidence="
cdef const char *EVIDENCE_TEXT[5]
EVIDENCE_TEXT[0] = b"none"
EVIDENCE_TEXT[1] = b"socket"
EVIDENCE_TEXT[2] = b"snapshot"
EVIDENCE_TEXT[3] = b"listener"
EVIDENCE_TEXT[4] = b"procfs"
cdef uint32_t[2] DIRECTION_LENGTH = [26, 25]
cdef uint32_t[5] EVIDENCE_LENGTH = [4, 6, 8, 8, 6]


cdef class Loop

cdef struct Chunk:
    Chunk *next
    uint32_t used
    uint32_t live           # packets in it that still wait

cdef struct Pending:
    int64_t time_ns
    Chunk *chunk
    uint8_t *data
    uint32_t captured
    uint32_t original

cdef struct Source:
    pcap_t *handle
    Pending *waiting        # ring, in time order
    uint32_t head, tail, mask
    Chunk *current
    Chunk *spare
    uint64_t chunk_bytes
    int64_t since_ns        # earlier packets are not part of the recording
    int64_t until_ns        # later ones neither
    int64_t latest_ns
    uint64_t written
    int link_type
    uint8_t mac[6]
    uint8_t loopback
    uint8_t failed          # the interface went away
    uint8_t drained
    uint8_t no_memory

cdef struct ProcessText:
    const uint8_t *head
    const uint8_t *tail
    const uint8_t *block
    uint32_t head_length, tail_length, block_length
    uint32_t pid
    int32_t apple_index     # -1 until its block is written


cdef void _free_chunk(Source *source, Chunk *chunk) noexcept nogil:
    if source.spare == NULL:
        chunk.next = NULL
        chunk.used = 0
        source.spare = chunk
    else:
        source.chunk_bytes -= CHUNK_BYTES
        PyMem_RawFree(chunk)


cdef uint8_t *_room(Source *source, uint32_t size) noexcept nogil:
    """Space for one packet in the current chunk; NULL when memory is out."""
    cdef Chunk *chunk = source.current
    if chunk == NULL or chunk.used + size > CHUNK_BYTES - sizeof(Chunk):
        if chunk != NULL and chunk.live == 0:
            chunk.used = 0
        else:
            if source.spare != NULL:
                chunk = source.spare
                source.spare = NULL
            else:
                chunk = <Chunk *> PyMem_RawMalloc(CHUNK_BYTES)
                if chunk == NULL:
                    return NULL
                source.chunk_bytes += CHUNK_BYTES
            chunk.next = NULL
            chunk.used = 0
            chunk.live = 0
            source.current = chunk
    chunk.used += (size + 7) & ~7
    return <uint8_t *> chunk + sizeof(Chunk) + chunk.used - ((size + 7) & ~7)


cdef void _on_packet(Source *source, const pcap_pkthdr *header, const uint8_t *data) noexcept nogil:
    cdef int64_t time_ns = <int64_t> header.ts.tv_sec * 1000000000 + header.ts.tv_usec
    cdef uint32_t captured = header.caplen, original = header.len, prepend = 0, skip = 0, i, before
    cdef uint8_t *place
    cdef Pending *larger
    cdef Pending entry
    if time_ns > source.latest_ns:
        source.latest_ns = time_ns
    if time_ns < source.since_ns or time_ns > source.until_ns:
        return
    if source.link_type != LINKTYPE_ETHERNET:
        prepend = ETHERNET_HEADER
        skip = SLL_HEADER if source.link_type == LINKTYPE_LINUX_SLL else 0
        if captured < skip + 1:
            return
        captured += prepend - skip
        original += prepend - skip
    if captured > CAPTURED_MOST:
        captured = CAPTURED_MOST
    place = _room(source, captured)
    if place == NULL:
        source.no_memory = 1
        return
    if prepend:
        memset(place, 0, ETHERNET_HEADER)
        if skip:
            memcpy(place + 6, data + 6, 6)
            memcpy(place + 12, data + 14, 2)
        else:
            place[12] = 0x86 if data[0] >> 4 == 6 else 0x08
            place[13] = 0xdd if data[0] >> 4 == 6 else 0x00
        memcpy(place + prepend, data + skip, captured - prepend)
    else:
        memcpy(place, data, captured)
    source.current.live += 1
    if source.tail - source.head > source.mask:
        larger = <Pending *> PyMem_RawMalloc(<size_t> 2 * (source.mask + 1) * sizeof(Pending))
        if larger == NULL:
            source.current.live -= 1
            source.no_memory = 1
            return
        for i in range(source.mask + 1):
            larger[i] = source.waiting[(source.head + i) & source.mask]
        PyMem_RawFree(source.waiting)
        source.waiting = larger
        source.tail = source.mask + 1
        source.head = 0
        source.mask = 2 * (source.mask + 1) - 1
    entry.time_ns = time_ns
    entry.chunk = source.current
    entry.data = place
    entry.captured = captured
    entry.original = original
    # the stamp is taken before the packet gets its place in the ring, so neighbours may be swapped
    i = source.tail
    while i != source.head:
        before = (i - 1) & source.mask
        if source.waiting[before].time_ns <= time_ns:
            break
        source.waiting[i & source.mask] = source.waiting[before]
        i -= 1
    source.waiting[i & source.mask] = entry
    source.tail += 1


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
    cdef Source *sources
    cdef int source_count
    cdef list captures
    cdef ring_buffer *ring
    cdef perf_buffer *perf
    cdef ProcessText *texts
    cdef int32_t text_count, text_room
    cdef int32_t apple_count
    cdef list kept_bytes
    cdef uint8_t *output
    cdef size_t output_used, output_room
    cdef uint8_t *process_events
    cdef size_t process_used, process_room
    cdef int64_t offset_ns
    cdef int64_t written_ns
    cdef uint64_t waiting_limit
    cdef uint64_t by_evidence[5]
    cdef readonly uint64_t packets, wire_bytes, ends_kernel, ends_unknown, lost_events, late_packets, released_early, bad_events
    cdef readonly bint no_memory

    def __cinit__(self, Ledger ledger not None, *, waiting_limit_bytes: int):
        self.ledger = ledger
        self.captures = []
        self.kept_bytes = []
        self.waiting_limit = waiting_limit_bytes
        self.offset_ns = _boot_offset_ns()

    def __dealloc__(self):
        cdef int i
        cdef Chunk *chunk
        cdef Source *source
        if self.ring != NULL:
            ring_buffer__free(self.ring)
        if self.perf != NULL:
            perf_buffer__free(self.perf)
        for i in range(self.source_count):
            source = &self.sources[i]
            while source.head != source.tail:
                _release_pending(source)
            PyMem_RawFree(source.current)
            PyMem_RawFree(source.spare)
            PyMem_RawFree(source.waiting)
        PyMem_RawFree(self.sources)
        PyMem_RawFree(self.texts)
        PyMem_RawFree(self.output)
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
        memset(source, 0, sizeof(Source))
        source.handle = capture.handle
        source.link_type = capture.link_type
        source.loopback = loopback
        if mac is not None and len(mac) == 6:
            memcpy(source.mac, <const char *> mac, 6)
        source.since_ns = 1 << 62
        source.until_ns = (<int64_t> 1) << 62
        source.mask = 1023
        source.waiting = <Pending *> PyMem_RawMalloc(1024 * sizeof(Pending))
        if source.waiting == NULL:
            raise MemoryError
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
            self.sources[i].since_ns = since_ns
            self.sources[i].until_ns = until_ns

    def set_process(self, index: int, pid: int, head: bytes, tail: bytes, apple_block: bytes) -> None:
        """What to write for the ledger's process of this index. Indexes come in order, each once."""
        cdef ProcessText *grown
        cdef ProcessText *text
        if index != self.text_count:
            raise ValueError(f"process {index} out of order, {self.text_count} expected")
        if self.text_count == self.text_room:
            self.text_room = 2 * self.text_room if self.text_room else 256
            grown = <ProcessText *> PyMem_RawRealloc(self.texts, self.text_room * sizeof(ProcessText))
            if grown == NULL:
                raise MemoryError
            self.texts = grown
        text = &self.texts[self.text_count]
        text.pid = pid
        text.head = head
        text.head_length = len(head)
        text.tail = tail
        text.tail_length = len(tail)
        text.block = apple_block
        text.block_length = len(apple_block)
        text.apple_index = -1
        self.kept_bytes.append((head, tail, apple_block))
        self.text_count += 1

    # -- one cycle ---------------------------------------------------------------------------------------------------

    def gather(self, sleep_ns: int) -> int:
        """Sleep, then empty all rings and take in all events. Returns the wall-clock ns up to which every packet is here."""
        cdef timespec pause
        cdef int64_t now
        cdef int i, rounds
        cdef int64_t complete_ns
        pause.tv_sec = sleep_ns // 1000000000
        pause.tv_nsec = sleep_ns % 1000000000
        with nogil:
            if pause.tv_sec or pause.tv_nsec:
                nanosleep(&pause, NULL)
            now = _now_ns(CLOCK_REALTIME)
            complete_ns = now
            for i in range(self.source_count):
                self._drain(&self.sources[i])
                if not self.sources[i].drained and self.sources[i].latest_ns < complete_ns:
                    complete_ns = self.sources[i].latest_ns
            self.offset_ns = _boot_offset_ns()
            if self.ring != NULL:
                ring_buffer__consume(self.ring)
            if self.perf != NULL:
                perf_buffer__consume(self.perf)
            self.ledger.expire(now - 1000000000)
        if self.no_memory or self.ledger.out_of_memory:
            raise MemoryError
        return complete_ns

    cdef void _drain(self, Source *source) noexcept nogil:
        cdef int rounds, count
        source.drained = True
        if source.failed or source.handle == NULL:
            return
        for rounds in range(16):
            count = pcap_dispatch(source.handle, DISPATCH_MOST, <pcap_handler> <void *> _on_packet, <uint8_t *> source)
            if count < 0:
                source.failed = True
                return
            if source.no_memory:
                self.no_memory = True
                return
            if count < DISPATCH_MOST:
                return
        source.drained = False

    def failures(self) -> list[tuple[int, str]]:
        """Interfaces that cannot be read any more: (interface id, libpcap's words)."""
        return [(i, (<bytes> pcap_geterr(self.sources[i].handle)).decode("utf-8", "replace"))
                for i in range(self.source_count) if self.sources[i].failed]

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
        if self.no_memory:
            raise MemoryError
        taken = PyBytes_FromStringAndSize(<char *> self.output, self.output_used) if self.output_used else b""
        self.output_used = 0
        return taken

    @property
    def waiting_packets(self) -> int:
        """Packets still held back."""
        return sum(self.sources[i].tail - self.sources[i].head for i in range(self.source_count))

    def written(self, interface: int) -> int:
        """Packets written from this interface."""
        return self.sources[interface].written

    @property
    def ends_by_evidence(self) -> dict[str, int]:
        """Ends named so far, by the name of the evidence."""
        return {(<bytes> EVIDENCE_TEXT[i]).decode(): self.by_evidence[i] for i in range(1, 5)}

    cdef void _release(self, int64_t cutoff_ns, uint64_t most) noexcept nogil:
        cdef int i, chosen
        cdef int64_t time_ns, earliest
        cdef uint64_t waiting
        cdef Source *source
        while most > 0 and self.output_used < OUTPUT_GOAL and not self.no_memory:
            chosen = -1
            earliest = 0
            waiting = 0
            for i in range(self.source_count):
                source = &self.sources[i]
                waiting += source.chunk_bytes
                if source.head == source.tail:
                    continue
                time_ns = source.waiting[source.head & source.mask].time_ns
                if chosen < 0 or time_ns < earliest:
                    chosen = i
                    earliest = time_ns
            if chosen < 0:
                return
            if earliest > cutoff_ns:
                if waiting <= self.waiting_limit:
                    return
                self.released_early += 1
            source = &self.sources[chosen]
            self._write_packet(source, chosen, &source.waiting[source.head & source.mask])
            _release_pending(source)
            most -= 1

    cdef void _write_packet(self, Source *source, int interface, Pending *packet) noexcept nogil:
        cdef PacketHeaders headers
        cdef End sender, receiver
        cdef End *main
        cdef int32_t process
        cdef uint8_t *at
        cdef uint8_t *start
        cdef size_t room
        cdef uint32_t padded = (packet.captured + 3) & ~3, length, flags
        if packet.time_ns < self.written_ns:
            self.late_packets += 1
        self.written_ns = packet.time_ns
        read_headers(packet.data, packet.captured, packet.original, LINKTYPE_ETHERNET, &headers)
        self.ledger.resolve(&headers, packet.time_ns, source.loopback, &sender, &receiver)
        if not headers.has_network:
            sender.state = END_KERNEL
        self._count_end(&sender)
        self._count_end(&receiver)
        main = &sender if sender.state == END_NAMED else &receiver
        process = main.process if main.state == END_NAMED else -1
        room = 96 + padded
        if sender.state == END_NAMED:
            room += 64 + self.texts[sender.process].head_length + self.texts[sender.process].tail_length
        if receiver.state == END_NAMED:
            room += 64 + self.texts[receiver.process].head_length + self.texts[receiver.process].tail_length
        if process >= 0:
            room += self.texts[process].block_length
        if not self._make_room(room):
            return
        if process >= 0 and self.texts[process].apple_index < 0 and self.texts[process].block_length:
            memcpy(self.output + self.output_used, self.texts[process].block, self.texts[process].block_length)
            self.output_used += self.texts[process].block_length
            self.texts[process].apple_index = self.apple_count
            self.apple_count += 1
        start = self.output + self.output_used
        at = start
        at = _put32(at, BLOCK_ENHANCED_PACKET)
        at = _put32(at, 0)
        at = _put32(at, interface)
        at = _put32(at, <uint32_t> (<uint64_t> packet.time_ns >> 32))
        at = _put32(at, <uint32_t> packet.time_ns)
        at = _put32(at, packet.captured)
        at = _put32(at, packet.original)
        memcpy(at, packet.data, packet.captured)
        memset(at + packet.captured, 0, padded - packet.captured)
        at += padded
        flags = self._flags(source, packet, &headers)
        at = _put_option(at, OPTION_FLAGS, 4)
        at = _put32(at, flags)
        if sender.state == END_NAMED:
            at = self._put_comment(at, &sender, 0)
        if receiver.state == END_NAMED:
            at = self._put_comment(at, &receiver, 1)
        if process >= 0:
            at = _put_option(at, OPTION_PROCESS_THREAD, 8)
            at = _put32(at, self.texts[process].pid)
            at = _put32(at, main.tid)
            if self.texts[process].apple_index >= 0:
                at = _put_option(at, OPTION_APPLE_PROCESS, 4)
                at = _put32(at, self.texts[process].apple_index)
        at = _put32(at, 0)
        length = <uint32_t> (at - start) + 4
        at = _put32(at, length)
        _put32(start + 4, length)
        self.output_used += length
        self.packets += 1
        self.wire_bytes += packet.original
        source.written += 1

    cdef uint8_t *_put_comment(self, uint8_t *at, End *end, int direction) noexcept nogil:
        cdef ProcessText *text = &self.texts[end.process]
        cdef uint32_t length = (text.head_length + DIRECTION_LENGTH[direction] + EVIDENCE_LENGTH[end.evidence] + text.tail_length)
        at = _put_option(at, OPTION_COMMENT, <uint16_t> length)
        memcpy(at, text.head, text.head_length)
        at += text.head_length
        memcpy(at, DIRECTION_TEXT[direction], DIRECTION_LENGTH[direction])
        at += DIRECTION_LENGTH[direction]
        memcpy(at, EVIDENCE_TEXT[end.evidence], EVIDENCE_LENGTH[end.evidence])
        at += EVIDENCE_LENGTH[end.evidence]
        memcpy(at, text.tail, text.tail_length)
        at += text.tail_length
        while length & 3:
            at[0] = 0
            at += 1
            length += 1
        return at

    cdef uint32_t _flags(self, Source *source, Pending *packet, PacketHeaders *headers) noexcept nogil:
        """epb_flags: direction and reception type (draft-ietf-opsawg-pcapng section 4.3.1)."""
        cdef uint8_t *data = packet.data
        if source.loopback:
            return DIRECTION_IN | RECEPTION_UNICAST
        if source.link_type != LINKTYPE_ETHERNET:
            if headers.has_network and self.ledger._is_local(headers.source):
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
            if end.process < self.text_count:
                self.by_evidence[end.evidence] += 1
                return
            end.state = END_UNKNOWN
        if end.state == END_KERNEL:
            self.ends_kernel += 1
        elif end.state == END_UNKNOWN:
            self.ends_unknown += 1

    cdef bint _make_room(self, size_t size) noexcept nogil:
        cdef uint8_t *grown
        cdef size_t room = self.output_room
        if self.output_used + size <= room:
            return True
        while room < self.output_used + size:
            room = 2 * room if room else OUTPUT_GOAL + (1 << 20)
        grown = <uint8_t *> PyMem_RawRealloc(self.output, room)
        if grown == NULL:
            self.no_memory = True
            return False
        self.output = grown
        self.output_room = room
        return True


cdef void _release_pending(Source *source) noexcept nogil:
    cdef Chunk *chunk = source.waiting[source.head & source.mask].chunk
    source.head += 1
    chunk.live -= 1
    if chunk.live == 0 and chunk != source.current:
        _free_chunk(source, chunk)


cdef inline uint8_t *_put32(uint8_t *at, uint32_t value) noexcept nogil:
    memcpy(at, &value, 4)
    return at + 4


cdef inline uint8_t *_put_option(uint8_t *at, uint16_t code, uint16_t length) noexcept nogil:
    memcpy(at, &code, 2)
    memcpy(at + 2, &length, 2)
    return at + 4
