"""C-level face of the memory of fragmented datagrams."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from pcapdig.attribution._end cimport End
from pcapdig.packets._headers cimport PacketHeaders

cdef struct Datagram:
    uint8_t source[16]
    uint8_t destination[16]
    int64_t time_ns
    End sender
    End receiver
    uint32_t ip_id
    uint8_t protocol

cdef class Fragments:
    cdef Datagram *datagrams    # direct-mapped by identification

    cdef bint find(self, const PacketHeaders *headers, int64_t time_ns, End *sender, End *receiver) noexcept nogil
    cdef void note(self, const PacketHeaders *headers, int64_t time_ns, const End *sender, const End *receiver) noexcept nogil
