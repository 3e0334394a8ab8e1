# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: libraries = pcap
"""Packets of one interface that wait for their owners to become known, in time order.

libpcap shows a packet only until the next call, so its bytes are copied into chunks of CHUNK_BYTES; a chunk is free again when its last packet
was taken. The queue itself is a ring of small entries, kept sorted while packets come in: the stamp is taken before a packet gets its place in the
kernel's ring, so neighbours may be swapped.

Packets that are not Ethernet get an Ethernet header here: libpcap refuses files whose interfaces differ in link type.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

from pcapdig.capture._libpcap cimport pcap_dispatch, pcap_handler, pcap_pkthdr, pcap_t

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
    DISPATCH_ROUNDS = 16
    ENTRIES_AT_FIRST = 1024
    RING_OVERHEAD = 96      # of a packet in the kernel's ring: its header and padding (struct tpacket3_hdr)

READABLE_LINK_TYPES = frozenset((LINKTYPE_ETHERNET, DLT_RAW, DLT_RAW_BSD, LINKTYPE_RAW, LINKTYPE_LINUX_SLL, LINKTYPE_IPV4, LINKTYPE_IPV6))
"""Link types whose packets can be queued."""


cdef bint queue_open(Queue *queue, pcap_t *handle, int link_type) noexcept nogil:
    """An empty queue that takes no packets until its window is set; False when memory is out."""
    memset(queue, 0, sizeof(Queue))
    queue.handle = handle
    queue.link_type = link_type
    queue.since_ns = queue.until_ns = (<int64_t> 1) << 62
    queue.mask = ENTRIES_AT_FIRST - 1
    queue.waiting = <Pending *> PyMem_RawMalloc(ENTRIES_AT_FIRST * sizeof(Pending))
    return queue.waiting != NULL


cdef void queue_close(Queue *queue) noexcept nogil:
    """Give all memory back."""
    while queue.head != queue.tail:
        queue_pop(queue)
    PyMem_RawFree(queue.current)
    PyMem_RawFree(queue.spare)
    PyMem_RawFree(queue.waiting)


cdef void queue_fill(Queue *queue) noexcept nogil:
    """Take every packet that libpcap has, or as many as one cycle may take: `drained` says which."""
    cdef int rounds, count
    queue.drained = True
    queue.filled_bytes = 0
    if queue.failed or queue.handle == NULL:
        return
    for rounds in range(DISPATCH_ROUNDS):
        count = pcap_dispatch(queue.handle, DISPATCH_MOST, <pcap_handler> <void *> _on_packet, <uint8_t *> queue)
        if count < 0:
            queue.failed = True
            return
        if queue.no_memory or count < DISPATCH_MOST:
            return
    queue.drained = False


cdef Pending *queue_first(Queue *queue) noexcept nogil:
    """The oldest packet, NULL when none waits."""
    if queue.head == queue.tail:
        return NULL
    return &queue.waiting[queue.head & queue.mask]


cdef void queue_pop(Queue *queue) noexcept nogil:
    """Done with the oldest packet: its entry and bytes are gone."""
    cdef Chunk *chunk = queue.waiting[queue.head & queue.mask].chunk
    queue.head += 1
    chunk.live -= 1
    if chunk.live == 0 and chunk != queue.current:
        _free_chunk(queue, chunk)


cdef void _free_chunk(Queue *queue, Chunk *chunk) noexcept nogil:
    if queue.spare == NULL:
        chunk.next = NULL
        chunk.used = 0
        queue.spare = chunk
    else:
        queue.chunk_bytes -= CHUNK_BYTES
        PyMem_RawFree(chunk)


cdef uint8_t *_room(Queue *queue, uint32_t size) noexcept nogil:
    """Space for one packet in the current chunk; NULL when memory is out."""
    cdef Chunk *chunk = queue.current
    if chunk == NULL or chunk.used + size > CHUNK_BYTES - sizeof(Chunk):
        if chunk != NULL and chunk.live == 0:
            chunk.used = 0
        else:
            if queue.spare != NULL:
                chunk = queue.spare
                queue.spare = NULL
            else:
                chunk = <Chunk *> PyMem_RawMalloc(CHUNK_BYTES)
                if chunk == NULL:
                    return NULL
                queue.chunk_bytes += CHUNK_BYTES
            chunk.next = NULL
            chunk.used = 0
            chunk.live = 0
            queue.current = chunk
    chunk.used += (size + 7) & ~7
    return <uint8_t *> chunk + sizeof(Chunk) + chunk.used - ((size + 7) & ~7)


cdef void _on_packet(Queue *queue, const pcap_pkthdr *header, const uint8_t *data) noexcept nogil:
    cdef int64_t time_ns = <int64_t> header.ts.tv_sec * 1000000000 + header.ts.tv_usec
    cdef uint32_t captured = header.caplen, original = header.len, prepend = 0, skip = 0, i, before
    cdef uint8_t *place
    cdef Pending *larger
    cdef Pending entry
    if time_ns > queue.last_ns:
        queue.last_ns = time_ns
    queue.filled_bytes += captured + RING_OVERHEAD
    if time_ns < queue.since_ns or time_ns > queue.until_ns:
        return
    if queue.link_type != LINKTYPE_ETHERNET:
        prepend = ETHERNET_HEADER
        skip = SLL_HEADER if queue.link_type == LINKTYPE_LINUX_SLL else 0
        if captured < skip + 1:
            return
        captured += prepend - skip
        original += prepend - skip
    if captured > CAPTURED_MOST:
        captured = CAPTURED_MOST
    place = _room(queue, captured)
    if place == NULL:
        queue.no_memory = 1
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
    queue.current.live += 1
    if queue.tail - queue.head > queue.mask:
        larger = <Pending *> PyMem_RawMalloc(<size_t> 2 * (queue.mask + 1) * sizeof(Pending))
        if larger == NULL:
            queue.current.live -= 1
            queue.no_memory = 1
            return
        for i in range(queue.mask + 1):
            larger[i] = queue.waiting[(queue.head + i) & queue.mask]
        PyMem_RawFree(queue.waiting)
        queue.waiting = larger
        queue.tail = queue.mask + 1
        queue.head = 0
        queue.mask = 2 * (queue.mask + 1) - 1
    entry.time_ns = time_ns
    entry.chunk = queue.current
    entry.data = place
    entry.captured = captured
    entry.original = original
    # the stamp is taken before the packet gets its place in the ring, so neighbours may be swapped
    i = queue.tail
    while i != queue.head:
        before = (i - 1) & queue.mask
        if queue.waiting[before].time_ns <= time_ns:
            break
        queue.waiting[i & queue.mask] = queue.waiting[before]
        i -= 1
    queue.waiting[i & queue.mask] = entry
    queue.tail += 1
