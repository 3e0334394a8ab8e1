"""Who is the client and who the server of a flow. See `_client_rule.pyx`."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._flow_state cimport FlowRecord, FlowState

cdef enum Role:  # how client and server are known, the surest first
    BY_SYN = 1  # or by a group of hosts, which sends nothing
    BY_LISTENER = 2
    BY_BYTES = 3
    BY_SERVICE = 4
    BY_FIRST = 5
    BY_PACKET = 6  # nobody spoke yet

cdef enum:
    MOST_LOOKS = 64  # payloads of a flow looked at for what they prove

cdef struct Listener:
    uint64_t address[2]
    uint16_t port
    uint8_t protocol
    uint8_t used

cdef class Roles:
    cdef Listener *listeners
    cdef uint64_t seed
    cdef uint32_t mask
    cdef uint32_t count
    cdef bint source_is_client(self, const PacketHeaders *h, uint8_t *role) noexcept nogil
    cdef bint prove(self, const FlowRecord *r, FlowState *s, bint client_serves, uint8_t role) noexcept nogil
    cdef bint is_reversed(self, const FlowRecord *r, FlowState *s) noexcept nogil
    cdef bint is_listening(self, const uint8_t *address, uint16_t port, uint8_t protocol) noexcept nogil
    cdef int add_listener(self, const uint8_t *address, uint16_t port, uint8_t protocol) except -1 nogil
    cdef int grow(self) except -1 nogil
