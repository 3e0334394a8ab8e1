"""C-level face of the tables of sockets."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from pcapdig.attribution._timelines cimport Lane

cdef struct Socket:
    uint64_t cookie
    int64_t closed_ns   # wall clock; 0 while open
    Lane lanes[2]
    int32_t first_binding
    uint32_t netns
    uint8_t protocol
    uint8_t in_use
    uint8_t origin      # EVENT_ACTIVE, EVENT_PASSIVE, EVENT_CHOSEN_PORT: evidence of its role; 0 where there is none

cdef struct TupleKey:
    uint8_t local_addr[16]
    uint8_t remote_addr[16]
    uint16_t local_port
    uint16_t remote_port
    uint8_t protocol
    uint8_t scope       # SCOPE_OWN or SCOPE_FOREIGN
    uint16_t zero

cdef struct Tuple:
    TupleKey key
    uint64_t hash
    int64_t syn_out_ns  # last connection attempt sent from here, 0 none
    int64_t syn_in_ns   # last connection attempt received here
    uint32_t syn_out_seq
    uint32_t syn_in_seq
    int32_t newest      # binding chain, latest first
    uint8_t asked       # a packet asked for it since it was met or last spared

cdef struct Binding:
    int64_t bound_ns    # wall clock
    int32_t socket
    int32_t tuple
    int32_t older       # next in the tuple's chain
    int32_t sibling     # next of the same socket
    int32_t sibling_before
    int32_t peer_after  # with is_peer: all peers of datagram sockets, in the order they were met
    int32_t peer_before
    uint8_t is_peer

cdef class SocketTables:
    cdef Socket *sockets
    cdef int32_t socket_count, socket_room, socket_free
    cdef Binding *bindings
    cdef int32_t binding_count, binding_room, binding_free
    cdef Tuple *tuples
    cdef int32_t tuple_count, tuple_room, tuple_free
    cdef int32_t *tuple_slots
    cdef uint32_t tuple_slot_mask, tuple_slots_used
    cdef int32_t *cookie_slots
    cdef uint32_t cookie_slot_mask, cookie_slots_used
    cdef int32_t *closed_queue
    cdef uint32_t closed_head, closed_tail, closed_mask
    cdef int32_t oldest_peer, newest_peer, peer_count
    cdef readonly bint out_of_memory
    cdef int64_t resolved_ns    # no packet older than this is asked for any more

    cdef int32_t socket_of(self, uint64_t cookie, uint32_t netns, uint8_t protocol, bint create) except -2 nogil
    cdef int bind(self, int32_t socket_index, const TupleKey *key, int64_t bound_ns) except -1 nogil
    cdef int32_t find_tuple(self, const TupleKey *key) noexcept nogil
    cdef int close(self, int32_t index, int64_t time_ns) except -1 nogil
    cdef void expire(self, int64_t now_ns) noexcept nogil

    cdef void _insert(self, int32_t index, Tuple *entry, int64_t bound_ns) noexcept nogil
    cdef int32_t _bound_before(self, Tuple *entry, int32_t socket_index, int64_t bound_ns) noexcept nogil
    cdef void _unbind(self, int32_t index) noexcept nogil
    cdef void _join_peers(self, int32_t index) noexcept nogil
    cdef void _leave_peers(self, int32_t index) noexcept nogil
    cdef void _expire_peers(self) noexcept nogil
    cdef void _forget(self, int32_t index) noexcept nogil
    cdef void _remove_cookie(self, int32_t index) noexcept nogil
    cdef int32_t _make_tuple(self, const TupleKey *key) except -2 nogil
    cdef void _remove_tuple(self, int32_t index) noexcept nogil
