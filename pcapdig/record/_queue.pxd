"""C-level face of the queue of one interface's packets."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pcapdig.capture._libpcap cimport pcap_t

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

cdef struct Queue:
    pcap_t *handle
    Pending *waiting        # ring, in time order
    uint32_t head, tail, mask
    Chunk *current
    Chunk *spare
    uint64_t chunk_bytes
    uint64_t filled_bytes   # taken out of the kernel's ring by the last queue_fill
    int64_t since_ns        # earlier packets are not part of the recording
    int64_t until_ns        # later ones neither
    int64_t last_ns
    uint64_t written
    int link_type
    uint8_t mac[6]
    uint8_t loopback
    uint8_t failed          # the interface went away
    uint8_t drained
    uint8_t no_memory

cdef bint queue_open(Queue *queue, pcap_t *handle, int link_type) noexcept nogil
cdef void queue_close(Queue *queue) noexcept nogil
cdef void queue_fill(Queue *queue) noexcept nogil
cdef Pending *queue_first(Queue *queue) noexcept nogil
cdef void queue_pop(Queue *queue) noexcept nogil
