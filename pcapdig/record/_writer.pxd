"""C-level face of the writer of packet blocks."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from pcapdig.attribution._end cimport End
from pcapdig.record._queue cimport Pending

cdef struct ProcessText:
    const uint8_t *head
    const uint8_t *tail
    const uint8_t *block
    uint32_t head_length, tail_length, block_length
    uint32_t pid
    int32_t apple_index     # -1 until its block is written

cdef class PacketWriter:
    cdef ProcessText *texts
    cdef readonly int32_t text_count
    cdef int32_t text_room
    cdef int32_t apple_count
    cdef list kept_bytes
    cdef uint8_t *output
    cdef readonly size_t used
    cdef size_t room
    cdef readonly bint no_memory

    cdef void write(self, const Pending *packet, uint32_t interface, uint32_t flags, const End *sender, const End *receiver) noexcept nogil
    cdef bytes take(self)
    cdef uint8_t *_put_comment(self, uint8_t *at, const End *end, int direction) noexcept nogil
    cdef bint _make_room(self, size_t size) noexcept nogil
