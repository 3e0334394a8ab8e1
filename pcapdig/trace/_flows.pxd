"""The flow table: which flow a packet belongs to. See `_flows.pyx`."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._claimed cimport Claimed
from pcapdig.trace._copies cimport Sighting
from pcapdig.trace._flow_rows cimport FlowRows
from pcapdig.trace._flow_state cimport Ends, FlowState
from pcapdig.trace._fragments cimport Fragment
from pcapdig.trace._client_rule cimport Roles
from pcapdig.trace._walk cimport Stored

cdef struct Placed:  # where a packet belongs
    int32_t flow  # -1: no flow
    int32_t doubted  # if is_elsewhere: the flow whose segments were doubted
    bint forward
    bint is_outside  # its receiver would not accept it
    bint is_elsewhere  # it shows where segments belong that were doubted
    bint is_choice  # it says which of several SYN+ACKs the client took

cdef class FlowTable(FlowRows):
    cdef Roles roles
    cdef Fragment *fragments
    cdef Sighting *sightings
    cdef Claimed *claims
    cdef int place(self, Stored *packet, const uint8_t *data, const Ends *ends, Placed *out) except -1 nogil
    cdef int place_segment(self, Stored *packet, Placed *out) except -1 nogil
    cdef void choose_by_number(self, const Stored *packet, Placed *out) noexcept nogil
    cdef bint choose_by_windows(self, const Stored *packet, Placed *out) noexcept nogil
    cdef void hear_claim(self, const Stored *packet, Placed *out) noexcept nogil
    cdef int place_datagram(self, const Stored *packet, const uint8_t *data, const Ends *ends, Placed *out) except -1 nogil
    cdef int32_t flow_of_copy(self, const Stored *packet, const uint8_t *data, const Ends *ends, int32_t flow) noexcept nogil
    cdef uint64_t fingerprint(self, const Stored *packet, const uint8_t *data, int32_t flow, bint forward) noexcept nogil
    cdef uint32_t fresh(self, const PacketHeaders *h, const Placed *placed) noexcept nogil
    cdef bint starts_anew(self, const PacketHeaders *h, int32_t flow, int side, int64_t time_ns) noexcept nogil
    cdef int accept(self, Stored *packet, Placed *placed) except -1 nogil
    cdef int note_syn(self, const PacketHeaders *h, FlowState *s, int side) except -1 nogil
    cdef int begin_flow(self, const Stored *packet, Placed *out) except -1 nogil
    cdef void leave_behind(self, int32_t newest) noexcept nogil
    cdef bint turn(self, int32_t flow, bint client_serves, uint8_t role) noexcept nogil
    cdef void end_batch(self) noexcept nogil
    cdef void remember_fragment(self, Stored *packet, const Placed *placed) noexcept nogil
    cdef void place_fragment(self, Stored *packet, const uint8_t *data, Placed *out) noexcept nogil
    cdef uint64_t fragment_key(self, const PacketHeaders *h, uint32_t place) noexcept nogil
