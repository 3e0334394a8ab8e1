"""C-level face of the tables of sockets and of who owned them."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    LANE_WRITER = 0
    LANE_READER = 1

cdef struct Owner:
    int32_t process
    uint32_t tid
    uint8_t evidence

cdef struct Change:
    Owner owner
    int64_t from_ns     # wall clock
    int64_t told_ns     # ... of the event
    uint32_t seq
    uint8_t has_seq
    uint8_t settled     # packets are so far past `seq` that comparing would wrap
    Change *next
    Change *before

cdef struct Lane:
    Owner base          # before the first change
    Change *first       # in order of arrival; those by time alone are sorted by from_ns
    Change *last
    uint32_t count

cdef struct Socket:
    uint64_t cookie
    int64_t closed_ns   # wall clock; 0 while open
    Lane lanes[2]
    int32_t first_binding
    uint32_t netns
    uint8_t protocol
    uint8_t in_use

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

cdef struct Binding:
    int64_t bound_ns    # wall clock
    int32_t socket
    int32_t tuple
    int32_t older       # next in the tuple's chain
    int32_t sibling     # next of the same socket

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
    cdef readonly bint out_of_memory
    cdef int64_t resolved_ns    # no packet older than this is asked for any more

    cdef int32_t socket_of(self, uint64_t cookie, uint32_t netns, uint8_t protocol, bint create) except -2 nogil
    cdef int bind(self, int32_t socket_index, const TupleKey *key, int64_t bound_ns) except -1 nogil
    cdef int32_t find_tuple(self, const TupleKey *key) noexcept nogil
    cdef void change_owner(self, Socket *socket, int lane, Owner owner, int64_t from_ns, int64_t told_ns, bint has_seq,
                           uint32_t seq) noexcept nogil
    cdef int close(self, int32_t index, int64_t time_ns) except -1 nogil
    cdef void expire(self, int64_t now_ns) noexcept nogil

    cdef void _fold(self, Lane *lane) noexcept nogil
    cdef void _drop_later(self, Lane *lane, int64_t from_ns) noexcept nogil
    cdef void _insert(self, int32_t index, Tuple *entry, int64_t bound_ns) noexcept nogil
    cdef int32_t _bound_before(self, Tuple *entry, int32_t socket_index, int64_t bound_ns) noexcept nogil
    cdef void _forget(self, int32_t index) noexcept nogil
    cdef void _remove_cookie(self, int32_t index) noexcept nogil
    cdef int32_t _make_tuple(self, const TupleKey *key) except -2 nogil
    cdef void _remove_tuple(self, int32_t index) noexcept nogil

cdef Owner owner_at(const Socket *socket, int lane, int64_t time_ns, bint tcp, uint32_t seq, uint32_t length) noexcept nogil
