"""Whose a packet is. See `_naming.pyx`."""

from libc.stdint cimport int32_t, uint8_t, uint32_t

from pcapdig.trace._claims cimport Claims
from pcapdig.trace._flow_state cimport Ends
from pcapdig.trace._flows cimport FlowTable, Placed
from pcapdig.trace._foreign cimport Foreign
from pcapdig.trace._walk cimport Stored

cdef class Naming:
    cdef FlowTable flows
    cdef Claims claims
    cdef Foreign foreign
    cdef void learn_role(self, const Stored *packet, const uint8_t *payload, uint32_t size, Placed *placed) noexcept nogil
    cdef int name_ends(self, const Stored *packet, const uint8_t *data, Ends *ends) except -1 nogil
    cdef int name_foreign(self, const Stored *packet, const uint8_t *data, const Placed *placed, Ends *ends) except -1 nogil
    cdef bint foreign_writes(self, int32_t process, const Placed *placed, uint8_t direction) noexcept nogil
    cdef int add_process_block(self, const Stored *described, const uint8_t *data) except -1 nogil
