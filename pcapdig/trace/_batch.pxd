"""One batch of packets being filled. See `_batch.pyx`."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.trace._flow_state cimport Ends
from pcapdig.trace._flows cimport Placed
from pcapdig.trace._naming cimport Naming
from pcapdig.trace._sums cimport Sums
from pcapdig.trace._walk cimport Ring, Stored

cdef enum:
    MOST_INTERFACES = 65535  # what the interface column can say

cdef struct Columns:  # in the order of COLUMNS
    uint64_t *number
    int64_t *time_ns
    uint64_t *offset
    uint64_t *payload_offset
    uint32_t *captured
    uint32_t *original
    int32_t *flow
    uint32_t *payload_captured
    uint32_t *payload_length
    uint32_t *fresh
    uint32_t *seq
    uint32_t *ack
    int32_t *writer
    int32_t *reader
    uint16_t *interface
    uint8_t *forward
    uint8_t *tcp_flags
    uint8_t *direction
    uint8_t *writer_evidence
    uint8_t *reader_evidence
    uint8_t *out_of_window

cdef struct Waiting:  # a fragment that came before its datagram's first one
    uint64_t key  # what the fragments of its datagram share, at any place; 0: it was placed
    Py_ssize_t row
    uint32_t counted  # fresh bytes that it was taken for
    Ends ends  # and processes
    Stored packet

cdef struct Doubt:  # a packet that its receiver would not accept, as far as was known when it came
    Py_ssize_t row
    Ends ends
    Stored packet

@cython.final
cdef class Batch(Naming):
    cdef Waiting *waiting
    cdef uint64_t wait_count  # fragments that had to wait in this batch
    cdef Doubt *doubts
    cdef int32_t *doubted  # the flow of each
    cdef uint64_t doubt_count  # packets outside the windows in this batch
    cdef Columns columns
    cdef dict arrays
    cdef Sums sums
    cdef uint64_t *unread  # packets that have no flow, and those in tunnels that are not opened, by kind
    cdef uint64_t unread_count
    cdef bint decap
    cdef bint is_summing  # else columns are wanted
    cdef int64_t first_ns  # of the first packet, where that was summed
    cdef uint64_t packets  # taken in all batches
    cdef Py_ssize_t count  # in this one
    cdef Py_ssize_t room
    cdef int renew(self, Py_ssize_t room) except -1
    cdef int begin_sums(self) except -1
    cdef dict columns_so_far(self)
    cdef void count_packets(self)
    cdef int take(self, Stored *packet, const uint8_t *data) except -1 nogil
    cdef void count_unread(self, const Stored *packet, const uint8_t *data, int32_t flow) noexcept nogil
    cdef void wait_for_first(self, const Stored *packet, uint32_t fresh, const Ends *ends) noexcept nogil
    cdef int place_waiting(self, uint64_t key, const uint8_t *data) except -1 nogil
    cdef void doubt(self, const Stored *packet, int32_t flow, const Ends *ends) noexcept nogil
    cdef int place_doubted(self, int32_t flow, const uint8_t *data) except -1 nogil
    cdef void turn_round(self) noexcept
    cdef void refuse_answers(self, int32_t flow) noexcept nogil
    cdef uint32_t look_at(
        self, const Stored *packet, const uint8_t *data, Placed *placed, Ends *ends, Py_ssize_t row
    ) except? 0xFFFFFFFF nogil
    cdef int take_made(self, Ring *ring, const uint8_t *data) except -1 nogil
    cdef void write(
        self, const Stored *packet, const Placed *placed, const Ends *ends, uint64_t payload_offset, uint32_t stored,
        uint32_t fresh, Py_ssize_t row
    ) noexcept nogil
    cdef uint32_t fresh(self, const Stored *packet, const uint8_t *data, const Placed *placed, const Ends *ends) noexcept nogil
