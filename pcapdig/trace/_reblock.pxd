"""One of several captures that are merged. See `_reblock.pyx`."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from pcapdig.trace._clock cimport Clock

cdef enum Status:
    READY = 0  # a packet is at hand
    MORE = 1  # more bytes are needed, `needed` of them from `at` on
    DESCRIBING = 2  # a block that Python reads is at hand
    DAMAGED = 3  # `what` says how
    OVER = 4  # no more will come

cdef struct Known:  # an interface of the section being read
    Clock clock
    uint32_t number  # in what is written
    uint32_t timeless  # where its packets without time go
    uint32_t snap_length
    uint32_t fcs_size

cdef struct Input:
    const uint8_t *data
    int64_t end
    int64_t at
    int64_t needed
    int64_t head_ns  # time of the packet at hand
    int64_t size  # of the block or record at hand
    const char *what
    Known *known
    uint32_t known_count
    uint32_t known_room
    uint32_t *processes  # number in what is written, by number of Apple's process block in the section
    uint32_t process_count
    uint32_t process_room
    Status status
    bint begun
    bint is_pcap
    int64_t record_size  # of a pcap: bytes before a packet
    int lengths  # of a pcap: which way round a record has its two
    bint swapped
    bint is_unaligned  # a block's length was no multiple of 4

cdef struct Output:
    uint8_t *data
    int64_t size
    int64_t room

cdef uint8_t *reserve(Output *out, int64_t size) noexcept nogil
cdef Status look(Input *i) noexcept nogil
cdef bint copy_packet(Input *i, Output *out) noexcept nogil
