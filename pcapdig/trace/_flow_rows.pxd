"""The rows of the flow table: an open-addressing hash on (protocol, addresses, ports). See `_flow_rows.pyx`."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._flow_state cimport FlowRecord, FlowState

cdef struct Slot:
    uint32_t tag
    int32_t flow  # the newest of those with the same ends, -1: free

cdef class FlowRows:
    cdef object flows
    cdef FlowRecord *records
    cdef FlowState *states
    cdef Slot *slots
    cdef uint64_t seed
    cdef uint32_t slot_mask
    cdef int32_t count
    cdef int32_t room
    cdef uint32_t made  # flows so far, those included whose rows have gone
    cdef int32_t first_of_batch  # flows from here on were not handed out
    cdef int show(self) except -1
    cdef void ask_for_slot(self, uint32_t tag) noexcept nogil
    cdef void ask_for_flow(self, uint32_t tag) noexcept nogil
    cdef int32_t find(self, const PacketHeaders *h, uint32_t tag, bint *forward) noexcept nogil
    cdef int32_t add_row(self, const PacketHeaders *h, uint32_t tag, bint forward) except -1 nogil
    cdef bint same_ends(self, int32_t a, int32_t b) noexcept nogil
    cdef bint has_twin_at(self, int32_t newest, int32_t flow, uint32_t place) noexcept nogil
    cdef int grow_flows(self) except -1 nogil
    cdef int grow_slots(self) except -1 nogil
