"""The flow table: an open-addressing hash on (protocol, addresses, ports), both directions one flow. See `_flows.pyx`."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.packets._headers cimport PacketHeaders
from pcapdig.trace._fragments cimport Fragment
from pcapdig.trace._sequence cimport Stream

cdef struct FlowRecord:  # one record of Flows, see RECORD in flows.py; the size is checked when a table is made
    uint8_t client[16]
    uint8_t server[16]
    uint16_t client_port
    uint16_t server_port
    uint8_t protocol
    uint8_t family
    uint16_t interface
    int64_t first_ns

cdef struct FlowState:  # what only the scanner needs of a flow; index 0 is the client's direction, 1 the server's
    Stream stream[2]
    int64_t ended_ns
    uint32_t isn[2]
    int32_t foreign[2]  # 1 + process first seen at the client's, the server's end where its packets did not say which; 0: none
    uint64_t fresh  # bytes of the flow's packets, where sums are asked for
    uint8_t flags

cdef struct Slot:
    uint32_t tag
    int32_t flow  # -1: free

cdef struct Listener:
    uint64_t address[2]
    uint16_t port
    uint16_t used

cdef struct Placed:  # where a packet belongs
    int32_t flow  # -1: no flow
    bint forward

cdef class FlowTable:
    cdef object flows
    cdef FlowRecord *records
    cdef FlowState *states
    cdef Slot *slots
    cdef Listener *listeners
    cdef Fragment *fragments
    cdef uint64_t seed
    cdef uint32_t slot_mask
    cdef uint32_t listener_mask
    cdef uint32_t listener_count
    cdef int32_t count
    cdef int32_t room
    cdef int show(self) except -1
    cdef void ask_for_slot(self, uint32_t tag) noexcept nogil
    cdef void ask_for_flow(self, uint32_t tag) noexcept nogil
    cdef int place(
        self, PacketHeaders *h, const uint8_t *data, uint32_t captured, uint32_t tag, int64_t time_ns, uint16_t interface, Placed *out
    ) except -1 nogil
    cdef uint32_t fresh(self, const PacketHeaders *h, const Placed *placed) noexcept nogil
    cdef int32_t find(self, const PacketHeaders *h, uint32_t tag, bint *forward) noexcept nogil
    cdef int32_t begin_flow(
        self, const PacketHeaders *h, uint32_t tag, int64_t time_ns, uint16_t interface, bint *forward
    ) except -1 nogil
    cdef bint starts_anew(self, const PacketHeaders *h, int32_t flow, bint forward, int64_t time_ns) noexcept nogil
    cdef bint is_stale(self, const FlowState *s, const PacketHeaders *h, int side) noexcept nogil
    cdef int follow(self, const PacketHeaders *h, int32_t flow, bint forward, int64_t time_ns) except -1 nogil
    cdef bint same_ends(self, int32_t a, int32_t b) noexcept nogil
    cdef uint64_t fragment_key(self, const PacketHeaders *h) noexcept nogil
    cdef void place_fragment(
        self, PacketHeaders *h, const uint8_t *data, uint32_t captured, int64_t time_ns, Placed *out
    ) noexcept nogil
    cdef Fragment *fragment(self, const PacketHeaders *h) noexcept nogil
    cdef bint is_listening(self, const uint8_t *address, uint16_t port) noexcept nogil
    cdef int add_listener(self, const uint8_t *address, uint16_t port) except -1 nogil
    cdef bint source_is_client(self, const PacketHeaders *h) noexcept nogil
    cdef int grow_flows(self) except -1 nogil
    cdef int grow_slots(self) except -1 nogil
    cdef int grow_listeners(self) except -1 nogil
